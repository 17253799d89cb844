/// The type of an expression.
public enum RuleType: Hashable, Sendable, CustomStringConvertible {
  case bool, int, decimal, string, timestamp, duration
  /// µs since midnight of the shop's civil day.
  case timeOfDay
  /// Days since 1970-01-01 of the shop's civil calendar.
  case date
  /// A list of texts that belongs to the order (`zones`, `payment.methods`).
  case stringList
  /// What could not be typed: its problem is reported already, so nothing more is said about it.
  case invalid

  public var description: String {
    switch self {
    case .bool: "bool"
    case .int: "int"
    case .decimal: "decimal"
    case .string: "string"
    case .timestamp: "timestamp"
    case .duration: "duration"
    case .timeOfDay: "time of day"
    case .date: "date"
    case .stringList: "list of strings"
    case .invalid: "?"
    }
  }

  var isNumber: Bool { self == .int || self == .decimal }
  /// Stored as one Int64.
  var isLane: Bool {
    switch self {
    case .int, .decimal, .timestamp, .duration, .timeOfDay, .date: true
    default: false
    }
  }
}
