public import Orders
import Store

/// What the order screen shows of an order besides its labels. Names come masked (`Masking`).
public struct OrderDisplay: Hashable, Sendable {
  public var order: OrderIdentity
  public var placedAt: Instant
  public var buyerMasked: String
  /// Minor units of the currency.
  public var amount: Int64
  public var currency: String
  /// Free of personal data: the state as last known.
  public var state: String

  public init(
    order: OrderIdentity, placedAt: Instant, buyerMasked: String, amount: Int64, currency: String,
    state: String
  ) {
    self.order = order
    self.placedAt = placedAt
    self.buyerMasked = buyerMasked
    self.amount = amount
    self.currency = currency
    self.state = state
  }
}

extension LocalShop {
  /// Shows the order on the screen from the next `flush()` on.
  public func show(_ display: OrderDisplay) throws {
    if isFull { try flush() }
    displays[display.order] = display
  }

  /// Orders of a mall, newest first.
  public func recentOrders(mallId: String, limit: Int = 100) throws -> [OrderDisplay] {
    try statements.recentOrders(mallId: mallId, limit: limit)
  }

  /// Alerts that were delivered and flushed, oldest first.
  public func deliveredAlerts(of order: OrderIdentity) throws -> [ShopAlert] { try statements.alerts(order) }

  /// The marks that are set and flushed, sorted by kind and rule.
  public func marksSet(of order: OrderIdentity) throws -> [SetMark] {
    try statements.marksSet(order)
  }

  // MARK: What people do

  /// A person puts the label on items, on the shop's own screen; what people took off before is theirs from now on.
  public func personAdds(_ label: String, to itemCodes: [String], of order: OrderIdentity) throws {
    try edit(order) { labels in
      for code in itemCodes { _ = labels.add(label, code, by: .person) }
    }
  }

  /// A person takes the label off items, whoever had put it there. Where it was ours this is remembered: it is not put
  /// back by us.
  public func personRemoves(_ label: String, from itemCodes: [String], of order: OrderIdentity) throws {
    try edit(order) { labels in
      for code in itemCodes { _ = labels.remove(label, code, by: .person) }
    }
  }

  /// A person lets us put the label on the order's items again, wherever people had taken it off.
  public func allow(_ label: String, of order: OrderIdentity) throws {
    try edit(order) { $0.forgetVetoes(of: label) }
  }

  private func edit(_ order: OrderIdentity, _ body: (inout OrderLabels) -> Void) throws {
    try flush()
    try connection.transaction {
      var labels = try statements.labels(order)
      body(&labels)
      labels.store(into: &buffer)
      try statements.storeLabels(order, buffer)
    }
  }
}

/// A mark that an order carries.
public struct SetMark: Hashable, Sendable {
  /// As in `ShopMark`.
  public var kind: String
  public var rule: String
  public var text: String
  public var team: String
}
