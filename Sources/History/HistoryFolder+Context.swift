import Orders
public import Topics

extension HistoryFolder {
  /// Folds from where an order was placed. Emits the order's record if that changes what it says; an order that has
  /// not come yet keeps it. Throws before anything is changed.
  @discardableResult
  public func fold(
    _ context: ContextEventValue, position: InputPosition, into customer: CustomerHistory,
    emit: (EmittedRecord) -> Void
  ) throws(HistoryError) -> FoldOutcome {
    guard CustomerIdentity(context) == customer.customer else { throw .otherCustomer }
    select(mall: context.mallId)
    let told = try dated(context)
    let (index, isNew) = try customer.insert(
      told, shopNo: context.shopNo, orderId: Array(context.orderId.utf8))
    var cause = Cause(position: position, eventTime: told.at, n: 0)
    if let index, isNew { decide(index, in: customer, &cause, always: false, emit) }
    return FoldOutcome(isDuplicate: !isNew, isLate: false, emitted: Int(cause.n))
  }

  /// What is kept of it.
  func dated(_ context: ContextEventValue) throws(HistoryError) -> DatedCountry {
    guard !context.orderId.isEmpty else { throw .invalidField("order_id") }
    guard SnapshotSummary.isInCalendar(context.at) else { throw .invalidField("at_us") }
    var ip = context.ip
    let country = ip.withUTF8 { reference.geo.country(ofText: UnsafeRawBufferPointer($0)) }
    return DatedCountry(at: context.at.microseconds, country: country)
  }
}

extension CustomerIdentity {
  /// Whom the context's order belongs to; nil when that is not said, or the mall is none.
  public init?(_ context: ContextEventValue) {
    guard let customer = context.customer, customer.digest.count == 16, !context.mallId.isEmpty,
      !context.mallId.utf8.contains(0)
    else { return nil }
    let (high, low) = customer.digest.withUnsafeBytes { halves($0) }
    self.init(mallId: context.mallId, kind: customer.kind, digestHigh: high, digestLow: low)
  }
}
