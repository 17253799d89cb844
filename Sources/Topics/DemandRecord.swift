/// A demand record among the orders (`OrderSnapshot.demand`, topics/order.proto): after it the orders of its partition
/// get the facts that the rules below `rulesEnd` ask for.
extension RuleSwitchValue: SnapshotStandIn {
  @inlinable public static var ordersField: Int { 40 }
  public static func held(in snapshot: OrderSnapshotValue) -> Self? { snapshot.demand }

  /// Key on topic `rules.demands` of what a partition of `orders` has come to.
  public static func announcementKey(_ partition: Int32) -> [UInt8] { Array("\(partition)".utf8) }
}
