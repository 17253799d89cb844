internal import Orders
internal import Rules

/// A coupon that is held was issued before now and expires after now (F102, F103).
extension Linter {
  mutating func lookAtCoupons(_ rule: Rule) {
    guard let now = surroundings.now, rule.isDecided else { return }
    for part in conditionParts(rule) {
      for (expression, path, op, instant) in part.expression.instantComparisons {
        let isAbove = op == .greater || op == .greaterOrEqual || op == .equal
        let isBelow = op == .less || op == .lessOrEqual || op == .equal
        if path.hasSuffix(".issued_at"), isAbove, instant > now.microseconds {
          say(
            .warning, "other-way", [rule], at: expression, key: part.key,
            "coupons are held from their issue on: none was issued as late as that yet",
            hint: "a range of issues lies in the past; for the end of a coupon ask expires_at")
        } else if path.hasSuffix(".expires_at"), isBelow, instant <= now.microseconds {
          say(
            .warning, "other-way", [rule], at: expression, key: part.key,
            "a coupon that has expired is not held any more: this time is past",
            hint: "a range of expiries lies in the future; expiring(…) goes with the time")
        }
      }
    }
  }
}

extension Expression {
  /// Each comparison of a path with a written instant in it, the path to the left.
  fileprivate var instantComparisons:
    [(expression: Expression, path: String, op: BinaryOperator, instant: Int64)]
  {
    var found: [(expression: Expression, path: String, op: BinaryOperator, instant: Int64)] = []
    if case .binary(let op, let left, let right) = kind {
      if let path = left.path, let instant = right.writtenInstant {
        found.append((self, path, op, instant))
      } else if let path = right.path, let instant = left.writtenInstant {
        found.append((self, path, Self.turned[op] ?? op, instant))
      }
    }
    for child in children { found += child.instantComparisons }
    return found
  }

  private static let turned: [BinaryOperator: BinaryOperator] = [
    .less: .greater, .lessOrEqual: .greaterOrEqual, .greater: .less, .greaterOrEqual: .lessOrEqual,
  ]

  private var writtenInstant: Int64? {
    guard case .call(nil, "timestamp", let arguments) = kind, case .string(let text)? = arguments.first?.kind
    else { return nil }
    return Expression.literal(text.text, as: .timestamp)
  }
}
