/// What facts and terms can be at all, and which of them are never above others.
struct Naturals {
  /// Whenever both are known, `low` is not above `high`.
  struct Order {
    var low: String
    var high: String
    /// `low` is never known without `high`.
    var lowNeedsHigh: Bool
    var highNeedsLow: Bool
  }

  private var domains: [String: Domain] = [:]
  private(set) var orders: [Order] = []
  private var ordersOf: [String: [Int]] = [:]

  subscript(key: String) -> Domain? {
    get { domains[key] }
    set { domains[key] = newValue }
  }

  mutating func add(_ order: Order) {
    guard order.low != order.high else { return }
    ordersOf[order.low, default: []].append(orders.count)
    ordersOf[order.high, default: []].append(orders.count)
    orders.append(order)
  }

  func orders(of key: String) -> [Order] { (ordersOf[key] ?? []).map { orders[$0] } }
}

extension Naturals.Order {
  /// What each of the two leaves of the other.
  func narrow(_ low: inout Domain, _ high: inout Domain) {
    if highNeedsLow, !high.missing { low.missing = false }
    if lowNeedsHigh, !low.missing { high.missing = false }
    if highNeedsLow, low.values.isEmpty { high.values = high.values.nothing }
    if lowNeedsHigh, high.values.isEmpty { low.values = low.values.nothing }
    // A bound counts only where its own side is known whenever the other one is.
    if !low.missing || highNeedsLow, case .numbers(let ranges) = low.values,
      let least = ranges.map(\.lowerBound).min()
    {
      high.values = high.values.intersection(.numbers([least ... .max]))
    }
    if !high.missing || lowNeedsHigh, case .numbers(let ranges) = high.values,
      let most = ranges.map(\.upperBound).max()
    {
      low.values = low.values.intersection(.numbers([.min...most]))
    }
  }
}
