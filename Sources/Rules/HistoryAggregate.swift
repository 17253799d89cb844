/// A measure of the customer's earlier orders within a window that a rule names: a column of its own in the batch.
public struct HistoryAggregate: Hashable, Sendable, Comparable {
  /// Numbers as in `enriched.proto`, `HistoryMeasure`.
  public enum Measure: Int, Hashable, Sendable, CaseIterable {
    case orders = 0
    case amount = 1
    case cancels = 2
    case products = 3
    case skus = 4
    case quantity = 5
    case bought = 6
    case boughtQuantity = 7
    case firstOrderAt = 8
    case lastOrderAt = 9
    case lastBoughtAt = 10

    /// What a rule writes after `history.`.
    public var word: String {
      switch self {
      case .orders: "orders"
      case .amount: "amount"
      case .cancels: "cancels"
      case .products: "products"
      case .skus: "skus"
      case .quantity: "quantity"
      case .bought: "bought"
      case .boughtQuantity: "bought_quantity"
      case .firstOrderAt: "first_order_at"
      case .lastOrderAt: "last_order_at"
      case .lastBoughtAt: "last_bought_at"
      }
    }

    public init?(word: String) {
      guard let measure = Measure.allCases.first(where: { $0.word == word }) else { return nil }
      self = measure
    }

    /// It is asked of one SKU or product.
    public var takesCode: Bool { self == .bought || self == .boughtQuantity || self == .lastBoughtAt }
    /// An instant is of all time.
    public var takesWindow: Bool { type != .timestamp }

    public var type: RuleType {
      switch self {
      case .amount: .decimal
      case .firstOrderAt, .lastOrderAt, .lastBoughtAt: .timestamp
      default: .int
      }
    }
  }

  /// How far back from `order.placed_at`.
  public enum Window: Hashable, Sendable {
    case all
    /// µs, within `spans`.
    case span(Int64)
    /// Calendar months of the shop's zone, 1…`monthsMax`.
    case months(Int)

    /// From one hour to 366 days.
    public static let spans: ClosedRange<Int64> = 3_600_000_000...31_622_400_000_000
    public static let monthsMax = 36

    /// As on the wire: 0 where it is not of this kind.
    public var spanUs: Int64 { if case .span(let span) = self { span } else { 0 } }
    public var monthCount: Int { if case .months(let months) = self { months } else { 0 } }

    /// Of the wire's numbers.
    public init(spanUs: Int64, months: Int) {
      self = spanUs > 0 ? .span(spanUs) : months > 0 ? .months(months) : .all
    }

    /// As a rule writes it: `"all"`, `3`, `duration("720h")`.
    public var text: String {
      switch self {
      case .all: "\"all\""
      case .span(let span): "duration(\"\(Window.durationText(span))\")"
      case .months(let months): String(months)
      }
    }

    private static func durationText(_ span: Int64) -> String {
      let seconds = span / 1_000_000
      return seconds % 3_600 == 0
        ? "\(seconds / 3_600)h" : seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
  }

  public var measure: Measure
  public var window: Window
  /// SKU or product code as UTF-8; empty for a measure of all products.
  public var code: [UInt8]

  /// Different ones that one rule set may ask for.
  public static let ofSetMax = 256
  /// Bytes of a code.
  public static let codeBytesMax = 100

  public init(_ measure: Measure, _ window: Window = .all, code: [UInt8] = []) {
    self.measure = measure
    self.window = window
    self.code = code
  }

  public static func < (left: HistoryAggregate, right: HistoryAggregate) -> Bool {
    let a = (left.measure.rawValue, left.window.monthCount, left.window.spanUs)
    let b = (right.measure.rawValue, right.window.monthCount, right.window.spanUs)
    return a == b ? left.code.lexicographicallyPrecedes(right.code) : a < b
  }

  /// As a rule writes it: `history.orders(3)`, `history.bought("SKU-1", "all")`, `history.last_order_at`.
  public var name: String {
    var arguments: [String] = []
    if measure.takesCode { arguments.append(Expression.quoted(String(decoding: code, as: UTF8.self))) }
    if measure.takesWindow { arguments.append(window.text) }
    let path = "history.\(measure.word)"
    return arguments.isEmpty ? path : "\(path)(\(arguments.joined(separator: ", ")))"
  }

  /// What a rule that writes this asks for; nil when it is no measure of earlier orders.
  public init?(named text: String) {
    guard case .success(let expression) = Parser.parse(text) else { return nil }
    var checker = Checker()
    guard case .aggregate(let aggregate) = checker.check(expression).value, checker.problems.isEmpty else {
      return nil
    }
    self = aggregate
  }
}
