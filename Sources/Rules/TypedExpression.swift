/// A condition that has passed the checker: every fact resolved, every literal in the unit of what it is compared
/// with, every conversion explicit. The plan is compiled from it and the scalar evaluator walks it.
///
/// Texts are UTF-8 bytes: `String` would take "é" and "e\u{301}" for the same.
indirect enum TypedExpression: Hashable, Sendable {
  /// Any one-lane constant: int, ten-thousandths, µs, days.
  case number(Int64)
  /// A constant that differs from rule set to rule set: only within a plan.
  case parameter(Int)
  case text([UInt8])
  case truth(Bool)
  case fact(Fact)
  case claims(ClaimWindow)
  /// One number, of truths 0 or 1.
  case timed(TimedFact)
  /// One number: a count, ten-thousandths or µs since 1970.
  case aggregate(HistoryAggregate)
  /// Order: some live, non-gift item is on the list. Item: this item is.
  case inList([UInt8], item: Bool)
  /// A text among the texts of the order.
  case listContains(Fact, [UInt8])
  /// Ordering of two lanes.
  case compare(Comparison, TypedExpression, TypedExpression)
  case compareText(Comparison, TypedExpression, TypedExpression)
  case compareTruth(equal: Bool, TypedExpression, TypedExpression)
  case numberIn(TypedExpression, [Int64])
  case textIn(TypedExpression, [[UInt8]])
  case textTest(TextTest, TypedExpression, [UInt8])
  case textMatches(TypedExpression, TextPattern)
  /// Code points.
  case textSize(TypedExpression)
  /// Different texts of a list.
  case listSize(Fact)
  case arithmetic(Arithmetic, TypedExpression, TypedExpression)
  /// int → ten-thousandths.
  case toDecimal(TypedExpression)
  case civil(CivilPart, TypedExpression)
  /// The same civil day and time of another month.
  case addMonths(TypedExpression, Int)
  case isMissing(TypedExpression)
  case and([TypedExpression])
  case or([TypedExpression])
  case not(TypedExpression)
  case conditional(TypedExpression, TypedExpression, TypedExpression)
  case quantified(Quantifier, TypedExpression)
  /// Of the lines for which the first holds; the second is what is summed up, or 1.
  case fold(Fold, Lines, TypedExpression, TypedExpression)
  /// None of these rules of the same set acts (positions in the set, as they are looked at); never unknown.
  case noneActs([Int])

  enum Comparison: UInt8, Hashable, Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  }
  enum TextTest: UInt8, Hashable, Sendable { case startsWith, endsWith, contains }
  enum Arithmetic: UInt8, Hashable, Sendable {
    case add, subtract, multiply, divide, multiplyDecimal, divideDecimal
  }
  /// `date`: days since 1970. `month`, `dayOfMonth` and `dayOfYear` from 0, `date1` is the day of the month from 1.
  enum CivilPart: UInt8, Hashable, Sendable {
    case timeOfDay, date, dayOfWeek, hour, minute, second, year, month, date1, dayOfMonth, dayOfYear
  }
  /// Which lines of the order.
  struct Lines: Hashable, Sendable {
    var level: RowLevel
    /// Of items: lines that are cancelled, returned or gifts count as well. True of other lines.
    var everyLine: Bool
  }
  struct Quantifier: Hashable, Sendable {
    enum Kind: UInt8, Hashable, Sendable { case all, exists, one }
    var kind: Kind
    var lines: Lines
  }
  enum Fold: UInt8, Hashable, Sendable { case count, sum, minimum, maximum }
}

extension TypedExpression {
  /// The expressions directly below.
  var children: [TypedExpression] {
    switch self {
    case .number, .parameter, .text, .truth, .fact, .claims, .timed, .aggregate, .inList,
      .listContains, .listSize, .noneActs:
      []
    case .compare(_, let a, let b), .compareText(_, let a, let b), .compareTruth(_, let a, let b),
      .arithmetic(_, let a, let b), .fold(_, _, let a, let b):
      [a, b]
    case .numberIn(let a, _), .textIn(let a, _), .textTest(_, let a, _), .toDecimal(let a), .civil(_, let a),
      .isMissing(let a), .not(let a), .quantified(_, let a), .textMatches(let a, _), .textSize(let a),
      .addMonths(let a, _):
      [a]
    case .and(let terms), .or(let terms): terms
    case .conditional(let a, let b, let c): [a, b, c]
    }
  }

  /// Every datum read, each once.
  func collectReferences(into references: inout Set<FactReference>) {
    switch self {
    case .fact(let fact), .listContains(let fact, _), .listSize(let fact): references.insert(.fact(fact))
    case .claims(let window): references.insert(.claims(window))
    case .timed(let fact): references.insert(.timed(fact))
    case .aggregate(let aggregate): references.insert(.aggregate(aggregate))
    case .inList(let name, _): references.insert(.list(String(decoding: name, as: UTF8.self)))
    case .quantified(let quantifier, _) where !quantifier.lines.everyLine:
      references.insert(.fact(.itemLive))
      references.insert(.fact(.itemGift))
    case .fold(_, let lines, _, _) where !lines.everyLine:
      references.insert(.fact(.itemLive))
      references.insert(.fact(.itemGift))
    default: break
    }
    for child in children { child.collectReferences(into: &references) }
  }

}
