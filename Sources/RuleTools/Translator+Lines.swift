internal import Rules

/// What is asked of the lines of an order.
extension Translator {
  /// The list itself is one that the mall never sends: no order has a line of it.
  func isEmptyList(_ list: String) -> Bool { unavailable.contains(list) }

  /// `exists` and `exists_one`, in their canonical form: true only if one line could fulfil it.
  mutating func quantified(
    _ expression: Expression, _ list: String, _ function: String, _ body: Expression, _ mode: Mode
  ) -> Formula {
    let needsLine = mode == .isTrue || mode == .isNotFalse
    if isEmptyList(list) { return needsLine ? .never : .always }
    if needsLine {
      let inner = translate(body, mode)
      if Solver.excludes([inner], naturals) { return .never }
    }
    let key = expression.description
    if naturals[key] == nil { naturals[key] = Domain(values: .truths, missing: canBeUnknown(body)) }
    var parts = [opaque(expression, mode)]
    if needsLine {
      parts.append(.limit(key: lineCountKey(list), values: .numbers([1 ... .max]), missing: false))
      if function == "exists_one" {
        let lines = WrittenLines(Expression(.name(list)))
        if let exists = lines?.exists(body, at: 0) { parts.append(translate(exists, mode)) }
      }
    }
    return .all(parts)
  }

  mutating func canBeUnknown(_ condition: Expression) -> Bool {
    let neither = [translate(condition, .isNotTrue), translate(condition, .isNotFalse)]
    return !Solver.excludes(neither, naturals)
  }

  mutating func canBeTrue(_ condition: Expression) -> Bool {
    let formula = translate(condition, .isTrue)
    return !Solver.excludes([formula], naturals)
  }

  /// The key of `size(list)`.
  mutating func lineCountKey(_ list: String) -> String {
    let size = Expression(.call(receiver: nil, function: "size", arguments: [Expression(.name(list))]))
    guard let operand = Operand(size) else { return size.description }
    return key(operand)
  }

  /// What `size`, `sum`, `min` and `max` of lines can be; nil when it is none of these.
  mutating func foldDomain(_ expression: Expression, _ values: ValueSet) -> Domain? {
    guard let (function, lines) = WrittenLines.fold(expression) else { return nil }
    let isAverage = function == "min" || function == "max"
    if isEmptyList(lines.list) {
      return isAverage
        ? Domain(values: .numbers([]), missing: true) : Domain(values: .numbers([0...0]), missing: false)
    }
    guard let filter = lines.filter else { return Domain(values: values, missing: function != "size") }
    if !canBeTrue(filter) {
      return Domain(values: .numbers(isAverage ? [] : [0...0]), missing: isAverage || canBeUnknown(filter))
    }
    return Domain(values: values, missing: function != "size" || canBeUnknown(filter))
  }
}

extension WrittenLines {
  /// `size`, `sum`, `min` or `max` of lines; nil when it is none of these.
  static func fold(_ expression: Expression) -> (function: String, lines: WrittenLines)? {
    guard case .call(nil, let function, let arguments) = expression.kind, arguments.count == 1,
      ["size", "sum", "min", "max"].contains(function), let lines = WrittenLines(arguments[0])
    else { return nil }
    return (function, lines)
  }
}
