extension Expression: CustomStringConvertible {
  /// The condition as text, with no more parentheses than needed; parsing it gives an equal expression.
  public var description: String { text(atLeast: 0) }

  private var precedence: Int {
    switch kind {
    case .conditional: 0
    case .or: 1
    case .and: 2
    case .binary(let op, _, _):
      switch op {
      case .add, .subtract: 4
      case .multiply, .divide: 5
      default: 3
      }
    case .not, .negate: 6
    case .int(let value), .decimal(let value): value < 0 ? 6 : 8
    default: 8
    }
  }

  private func text(atLeast minimum: Int) -> String {
    precedence < minimum ? "(\(bare))" : bare
  }

  private var bare: String {
    switch kind {
    case .int(let value): String(value)
    case .decimal(let value): Expression.decimalText(value)
    case .string(let value): Expression.quoted(value.text)
    case .bool(let value): value ? "true" : "false"
    case .list(let elements): "[\(Expression.commaList(elements))]"
    case .name(let name): name
    case .member(let base, let name): "\(base.text(atLeast: 8)).\(name)"
    case .call(let receiver, let function, let arguments):
      (receiver.map { "\($0.text(atLeast: 8))." } ?? "") + "\(function)(\(Expression.commaList(arguments)))"
    case .not(let operand): "!\(operand.text(atLeast: 6))"
    case .negate(let operand): "-\(operand.text(atLeast: 6))"
    case .binary(let op, let left, let right):
      "\(left.text(atLeast: precedence)) \(op.rawValue) \(right.text(atLeast: precedence + 1))"
    case .and(let terms): terms.map { $0.text(atLeast: 3) }.joined(separator: " && ")
    case .or(let terms): terms.map { $0.text(atLeast: 2) }.joined(separator: " || ")
    case .conditional(let condition, let then, let otherwise):
      "\(condition.text(atLeast: 1)) ? \(then.text(atLeast: 1)) : \(otherwise.text(atLeast: 0))"
    }
  }

  private static func commaList(_ elements: [Expression]) -> String {
    elements.map { $0.text(atLeast: 0) }.joined(separator: ", ")
  }

  /// Ten-thousandths as a decimal number that reads back as a decimal: `15000` → "1.5", `20000` → "2.0".
  static func decimalText(_ value: Int64) -> String {
    let magnitude = value.magnitude
    var fraction = String(String(magnitude % 10_000 + 10_000).dropFirst())
    while fraction.count > 1, fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(value < 0 ? "-" : "")\(magnitude / 10_000).\(fraction)"
  }

  static func quoted(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
