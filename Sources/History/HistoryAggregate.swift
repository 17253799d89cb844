/// One measure of the customer's earlier orders that the rules ask for.
public struct HistoryAggregate: Hashable, Sendable {
  /// Numbers as in `enriched.proto`, `HistoryMeasure`.
  public enum Measure: Int32, Sendable, CaseIterable {
    /// Not fully cancelled, unpaid ones included.
    case orders = 0
    /// Net, of paid ones in the currency of the order at hand; minor units.
    case amount = 1
    /// Fully cancelled.
    case cancels = 2
    /// Different product codes on live, non-gift lines.
    case products = 3
    /// Different SKUs on live, non-gift lines.
    case skus = 4
    /// Pieces on live, non-gift lines.
    case quantity = 5
    /// Orders with a live, non-gift line of the code.
    case bought = 6
    /// Pieces on such lines.
    case boughtQuantity = 7
    /// µs since 1970, as the two below; not fully cancelled.
    case firstOrderAt = 8
    case lastOrderAt = 9
    case lastBoughtAt = 10

    /// It is read from the orders' lines.
    var readsLines: Bool {
      switch self {
      case .orders, .amount, .cancels, .firstOrderAt, .lastOrderAt: false
      default: true
      }
    }

    var isOfCode: Bool { self == .bought || self == .boughtQuantity || self == .lastBoughtAt }

    /// Not known when there is no such order.
    var isInstant: Bool { self == .firstOrderAt || self == .lastOrderAt || self == .lastBoughtAt }
  }

  /// Which earlier orders: those placed at most so long before the order at hand.
  public enum Window: Hashable, Sendable {
    case all
    /// µs.
    case span(Int64)
    /// Calendar months of the shop's zone.
    case months(Int)
  }

  public var measure: Measure
  public var window: Window
  /// SKU or product code as UTF-8; empty for a measure of all products.
  public var code: [UInt8]

  /// A window is brought to 0…`TimedFact.spanMax` µs, or 0…`ClaimWindow.monthsMax` months.
  public init(_ measure: Measure, _ window: Window = .all, code: [UInt8] = []) {
    self.measure = measure
    self.code = code
    self.window =
      switch window {
      case .all: .all
      case .span(let span): .span(min(max(span, 0), TimedFact.spanMax))
      case .months(let months): .months(min(max(months, 0), ClaimWindow.monthsMax))
      }
  }
}
