/// Why a snapshot or a stored record was refused. Holds no value from the bytes, only their place.
public enum HistoryError: Error, Equatable, Sendable {
  /// The bytes are no `OrderSnapshot`: cut short, or a field of another wire type.
  case malformedSnapshot
  /// A field that the fold cannot do without is absent or out of range; the name is that of `order.proto`.
  case invalidField(String)
  /// The snapshot or record belongs to another customer than the history it was given to.
  case otherCustomer
  /// A stored record's key or value cannot be read.
  case malformedRecord
  /// The customer has `CustomerHistory.ordersMax` orders and this would be one more.
  case tooManyOrders
  /// `CustomerHistory.awaitedMax` orders that have not come yet have a context, and this would be one more.
  case tooManyAwaited
  /// The customer has profiles in `CustomerHistory.profilesMax` shops, and this would be one more.
  case tooManyProfiles
  /// The customer's orders were given to another customer than the one that is told now.
  case mergedElsewhere
  /// The order has come by `HistoryFolder.hopsMax` customers, and this would be one more.
  case tooManyMerges
}
