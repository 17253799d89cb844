extension Expression: CustomStringConvertible {
  /// The condition as text, with no more parentheses than needed; parsing it gives an equal expression.
  public var description: String {
    var text = ""
    write(to: &text, atLeast: 0)
    return text
  }

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

  private func write(to text: inout String, atLeast minimum: Int) {
    guard precedence < minimum else { return writeBare(to: &text) }
    text += "("
    writeBare(to: &text)
    text += ")"
  }

  private func writeBare(to text: inout String) {
    switch kind {
    case .int(let value): text += String(value)
    case .decimal(let value): text += Expression.decimalText(value)
    case .string(let value): text += Expression.quoted(value.text)
    case .bool(let value): text += value ? "true" : "false"
    case .list(let elements):
      text += "["
      Expression.write(elements, to: &text)
      text += "]"
    case .name(let name): text += name
    case .member(let base, let name):
      base.write(to: &text, atLeast: 8)
      text += "."
      text += name
    case .call(let receiver, let function, let arguments):
      if let receiver {
        receiver.write(to: &text, atLeast: 8)
        text += "."
      }
      text += function
      text += "("
      Expression.write(arguments, to: &text)
      text += ")"
    default: writeOperation(to: &text)
    }
  }

  private func writeOperation(to text: inout String) {
    switch kind {
    case .not(let operand):
      text += "!"
      operand.write(to: &text, atLeast: 6)
    case .negate(let operand):
      text += "-"
      operand.write(to: &text, atLeast: 6)
    case .binary(let op, let left, let right):
      left.write(to: &text, atLeast: precedence)
      text += " "
      text += op.rawValue
      text += " "
      right.write(to: &text, atLeast: precedence + 1)
    case .and(let terms): Expression.write(terms, to: &text, between: " && ", atLeast: 3)
    case .or(let terms): Expression.write(terms, to: &text, between: " || ", atLeast: 2)
    case .conditional(let condition, let then, let otherwise):
      condition.write(to: &text, atLeast: 1)
      text += " ? "
      then.write(to: &text, atLeast: 1)
      text += " : "
      otherwise.write(to: &text, atLeast: 0)
    default: break
    }
  }

  private static func write(
    _ elements: [Expression], to text: inout String, between: String = ", ", atLeast minimum: Int = 0
  ) {
    for (index, element) in elements.enumerated() {
      if index > 0 { text += between }
      element.write(to: &text, atLeast: minimum)
    }
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
