import Orders

/// Answers a condition for one row by walking its typed tree: slow, plain, and sharing no loop with `Evaluator`,
/// so that each can be held against the other. Serves `Explanation`.
struct ScalarEvaluator {
  enum Value: Equatable {
    case number(Int64)
    case text([UInt8])
    case truth(Bool)
    case unknown
  }

  let batch: FactBatch
  let zone: ShopZone
  let row: Int
  /// Rules of the set that were found to act, by their position: `decide` looks at them in their order.
  var acting: Set<Int> = []
  /// Item line of the batch at hand, inside a condition on items.
  var line: Int?

  init(batch: FactBatch, row: Int, zone: ShopZone, line: Int? = nil) {
    self.batch = batch
    self.row = row
    self.zone = zone
    self.line = line
  }

  func outcome(_ typed: TypedExpression) -> Outcome {
    switch value(typed) {
    case .truth(let truth): truth ? .true : .false
    default: .unknown
    }
  }

  func value(_ typed: TypedExpression) -> Value {
    switch typed {
    case .number(let number): return .number(number)
    case .parameter: return .unknown  // only within a plan
    case .text(let text): return .text(text)
    case .truth(let truth): return .truth(truth)
    case .fact(let fact): return self.fact(fact)
    case .claims(let window):
      guard let slot = batch.layout.claimWindows.firstIndex(of: window) else { return .unknown }
      return number(batch.numbers, batch.numbersKnown, Fact.orderNumberCount + slot)
    case .timed(let fact):
      guard let slot = batch.layout.timedFacts.firstIndex(of: fact) else { return .unknown }
      return number(batch.numbers, batch.numbersKnown, batch.timedColumns + slot)
    case .aggregate(let aggregate):
      guard let slot = batch.layout.aggregates.firstIndex(of: aggregate) else { return .unknown }
      return number(batch.numbers, batch.numbersKnown, batch.aggregateColumns + slot)
    case .inList(let name, let item): return inList(name, item: item)
    case .listContains(let fact, let text): return listContains(fact, text)
    case .compare(let comparison, let a, let b):
      guard case .number(let x) = value(a), case .number(let y) = value(b) else { return .unknown }
      return .truth(comparison.holds(x < y ? -1 : x > y ? 1 : 0))
    case .compareText(let comparison, let a, let b):
      guard case .text(let x) = value(a), case .text(let y) = value(b) else { return .unknown }
      return .truth(comparison.holds(ScalarEvaluator.order(x, y)))
    case .compareTruth(let equal, let a, let b):
      guard case .truth(let x) = value(a), case .truth(let y) = value(b) else { return .unknown }
      return .truth((x == y) == equal)
    case .numberIn(let a, let numbers):
      guard case .number(let x) = value(a) else { return .unknown }
      return .truth(numbers.contains(x))
    case .textIn(let a, let texts):
      guard case .text(let x) = value(a) else { return .unknown }
      return .truth(texts.contains(x))
    case .textTest(let test, let a, let text):
      guard case .text(let x) = value(a) else { return .unknown }
      return .truth(ScalarEvaluator.test(test, x, text))
    case .textMatches(let a, let pattern):
      guard case .text(let x) = value(a) else { return .unknown }
      return .truth(x.withUnsafeBufferPointer { pattern.matches($0) })
    case .textSize(let a):
      guard case .text(let x) = value(a) else { return .unknown }
      return .number(Int64(x.filter { $0 < 0x80 || $0 >= 0xC0 }.count))
    case .listSize(let fact): return listSize(fact)
    case .isMissing(let a): return isMissing(a)
    case .arithmetic, .toDecimal, .civil, .addMonths: return computed(typed)
    case .noneActs(let rules): return .truth(acting.isDisjoint(with: rules))
    case .and, .or, .not, .conditional, .quantified: return logic(typed)
    case .fold(let fold, let lines, let filter, let element): return self.fold(fold, lines, filter, element)
    }
  }

  // MARK: Logic

  private func logic(_ typed: TypedExpression) -> Value {
    switch typed {
    case .and(let terms): return conjunction(terms.map { value($0) })
    case .or(let terms): return negated(conjunction(terms.map { negated(value($0)) }))
    case .not(let a): return negated(value(a))
    case .conditional(let test, let a, let b):
      switch value(test) {
      case .truth(true): return value(a)
      case .truth(false): return value(b)
      default: return .unknown
      }
    case .quantified(let quantifier, let body): return quantified(quantifier, body)
    default: return .unknown
    }
  }

  private func conjunction(_ values: [Value]) -> Value {
    if values.contains(.truth(false)) { return .truth(false) }
    return values.allSatisfy { $0 == .truth(true) } ? .truth(true) : .unknown
  }

  private func negated(_ value: Value) -> Value {
    if case .truth(let truth) = value { .truth(!truth) } else { .unknown }
  }

  /// The evaluator at each line that counts.
  private func lines(_ lines: TypedExpression.Lines) -> [ScalarEvaluator] {
    range(lines.level).map { line in
      var inner = self
      inner.line = line
      return inner
    }.filter { inner in
      lines.everyLine
        || inner.fact(.itemLive) == .truth(true) && inner.fact(.itemGift) == .truth(false)
    }
  }

  /// The lines of a level that the order has.
  func range(_ level: RowLevel) -> Range<Int> {
    let starts = batch.lines(level).starts
    return Int(starts[row])..<Int(starts[row + 1])
  }

  private func quantified(_ quantifier: TypedExpression.Quantifier, _ body: TypedExpression) -> Value {
    let answers = lines(quantifier.lines).map { $0.outcome(body) }
    switch quantifier.kind {
    case .exists:
      return answers.contains(.true) ? .truth(true) : answers.contains(.unknown) ? .unknown : .truth(false)
    case .all:
      return answers.contains(.false) ? .truth(false) : answers.contains(.unknown) ? .unknown : .truth(true)
    case .one:
      if answers.filter({ $0 == .true }).count > 1 { return .truth(false) }
      return answers.contains(.unknown) ? .unknown : .truth(answers.contains(.true))
    }
  }

  private func fold(
    _ fold: TypedExpression.Fold, _ lines: TypedExpression.Lines, _ filter: TypedExpression,
    _ element: TypedExpression
  ) -> Value {
    let asked = self.lines(lines).map { ($0, $0.outcome(filter)) }
    guard !asked.contains(where: { $0.1 == .unknown }) else { return .unknown }
    let chosen = asked.filter { $0.1 == .true }.map(\.0)
    if fold == .count { return .number(Int64(chosen.count)) }
    var numbers: [Int64] = []
    for line in chosen {
      guard case .number(let number) = line.value(element) else { return .unknown }
      numbers.append(number)
    }
    switch fold {
    case .minimum: return numbers.min().map { .number($0) } ?? .unknown
    case .maximum: return numbers.max().map { .number($0) } ?? .unknown
    default: return ScalarEvaluator.narrow(numbers.reduce(Int128(0)) { $0 + Int128($1) })
    }
  }

  private func isMissing(_ typed: TypedExpression) -> Value {
    if case .fact(let fact) = typed, fact.storage == .textList {
      if fact.level != .order { return .truth(false) }
      return .truth(ScalarEvaluator.bit(batch.listsIncomplete, batch.list(fact) * batch.wordCount, row))
    }
    return .truth(value(typed) == .unknown)
  }

  // MARK: Facts

  private static func bit(_ bitmap: UnsafeMutablePointer<UInt64>, _ offset: Int, _ row: Int) -> Bool {
    bitmap[offset + row / 64] >> UInt64(row % 64) & 1 == 1
  }

  private func number(
    _ values: UnsafeMutablePointer<Int64>, _ known: UnsafeMutablePointer<UInt64>, _ column: Int
  ) -> Value {
    ScalarEvaluator.bit(known, column * batch.wordCount, row)
      ? .number(values[column * batch.capacity + row]) : .unknown
  }

  func fact(_ fact: Fact) -> Value {
    if fact.level != .order { return line.map { lineFact(fact, $0) } ?? .unknown }
    switch fact.storage {
    case .number: return number(batch.numbers, batch.numbersKnown, Int(fact.rawValue))
    case .truth:
      let offset = Int(fact.rawValue - Fact.isGift.rawValue) * batch.wordCount
      guard ScalarEvaluator.bit(batch.truthsKnown, offset, row) else { return .unknown }
      return .truth(ScalarEvaluator.bit(batch.truths, offset, row))
    case .text:
      let code = batch.texts[Int(fact.rawValue - Fact.currency.rawValue) * batch.capacity + row]
      return text(code)
    case .textList: return .unknown
    }
  }

  private func text(_ code: UInt32) -> Value {
    code == 0 ? .unknown : .text(batch.dictionary.withBytes(of: code) { Array($0) })
  }

  private func lineFact(_ fact: Fact, _ line: Int) -> Value {
    let lines = batch.lines(fact.level)
    let words = lines.capacity / 64
    switch fact.storage {
    case .number:
      let column = Int(fact.rawValue) - lines.numberBase
      guard ScalarEvaluator.bit(lines.numbersKnown, column * words, line) else { return .unknown }
      return .number(lines.numbers[column * lines.capacity + line])
    case .truth:
      let offset = (Int(fact.rawValue) - lines.truthBase) * words
      guard ScalarEvaluator.bit(lines.truthsKnown, offset, line) else { return .unknown }
      return .truth(ScalarEvaluator.bit(lines.truths, offset, line))
    case .text: return text(lines.texts[(Int(fact.rawValue) - lines.textBase) * lines.capacity + line])
    case .textList: return .unknown
    }
  }

  private func inList(_ name: [UInt8], item: Bool) -> Value {
    guard let slot = batch.layout.listBytes.firstIndex(of: name),
      ScalarEvaluator.bit(batch.listsKnown, slot * batch.wordCount, row)
    else { return .unknown }
    if !item { return .truth(ScalarEvaluator.bit(batch.onLists, slot * batch.wordCount, row)) }
    return line.map { .truth(ScalarEvaluator.bit(batch.items.onLists, slot * batch.items.capacity / 64, $0)) }
      ?? .unknown
  }

  /// Elements of a list of texts, in no order.
  func elements(_ fact: Fact) -> [[UInt8]] {
    let list = batch.list(fact)
    if fact.level != .order {
      guard let line else { return [] }
      let lines = batch.lines(fact.level)
      let first = lines.firstElements[list * lines.capacity + line]
      let more = lines.moreElements.filter { $0.list == list && $0.line == line }.map(\.code)
      return (first == 0 ? [] : [first] + more).map { batch.dictionary.withBytes(of: $0) { Array($0) } }
    }
    let first = batch.firstElements[list * batch.capacity + row]
    let codes =
      (first == 0 ? [] : [first])
      + batch.moreElements.filter { $0.list == list && $0.row == row }.map(\.code)
    return codes.map { batch.dictionary.withBytes(of: $0) { Array($0) } }
  }

  private func listSize(_ fact: Fact) -> Value {
    return isIncomplete(fact) ? .unknown : .number(Int64(Set(elements(fact)).count))
  }

  private func listContains(_ fact: Fact, _ text: [UInt8]) -> Value {
    if elements(fact).contains(text) { return .truth(true) }
    return isIncomplete(fact) ? .unknown : .truth(false)
  }

  /// Only lists of orders can be known in part.
  private func isIncomplete(_ fact: Fact) -> Bool {
    fact.level == .order
      && ScalarEvaluator.bit(batch.listsIncomplete, batch.list(fact) * batch.wordCount, row)
  }

  // MARK: Texts and numbers

  private static func order(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left == right { return 0 }
    return left.lexicographicallyPrecedes(right) ? -1 : 1
  }

  private static func test(_ test: TypedExpression.TextTest, _ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    let last = text.count - part.count
    let starts: ClosedRange<Int> =
      switch test {
      case .startsWith: 0...0
      case .endsWith: last...last
      case .contains: 0...last
      }
    return starts.contains { Array(text[$0..<($0 + part.count)]) == part }
  }

  private func computed(_ typed: TypedExpression) -> Value {
    switch typed {
    case .arithmetic(let op, let a, let b):
      guard case .number(let x) = value(a), case .number(let y) = value(b) else { return .unknown }
      return ScalarEvaluator.arithmetic(op, Int128(x), Int128(y))
    case .toDecimal(let a):
      guard case .number(let x) = value(a) else { return .unknown }
      return ScalarEvaluator.narrow(Int128(x) * 10_000)
    case .civil(let part, let a):
      guard case .number(let x) = value(a) else { return .unknown }
      // Wide, since a time near the ends of Int64 must not trap.
      let day: Int128 = 86_400_000_000
      let local = Int128(x) + Int128(zone.offsetMinutes) * 60_000_000
      guard case .number = ScalarEvaluator.narrow(local) else { return .unknown }
      let time = (local % day + day) % day
      let date = CivilDate(daysSinceEpoch: Int32(clamping: (local - time) / day))
      switch part {
      case .timeOfDay: return ScalarEvaluator.narrow(time)
      case .date: return .number(Int64(date.daysSinceEpoch))
      case .hour: return ScalarEvaluator.narrow(time / 3_600_000_000)
      case .dayOfWeek: return .number(Int64(date.dayOfWeek))
      case .minute: return ScalarEvaluator.narrow(time / 1_000_000 % 3_600 / 60)
      case .second: return ScalarEvaluator.narrow(time / 1_000_000 % 3_600 % 60)
      case .year: return .number(Int64(date.components.year))
      case .month: return .number(Int64(date.components.month - 1))
      case .date1: return .number(Int64(date.components.day))
      case .dayOfMonth: return .number(Int64(date.components.day - 1))
      case .dayOfYear: return .number(ScalarEvaluator.dayOfYear(date))
      }
    case .addMonths(let a, let months):
      guard case .number(let x) = value(a) else { return .unknown }
      return addMonths(x, months)
    default: return .unknown
    }
  }

  /// Goes back to the first of January, which lies in the same year.
  private static func dayOfYear(_ date: CivilDate) -> Int64 {
    var first = date
    while first.components.month != 1 || first.components.day != 1 { first.daysSinceEpoch -= 1 }
    return Int64(date.daysSinceEpoch) - Int64(first.daysSinceEpoch)
  }

  /// By way of the first of the month.
  private func addMonths(_ value: Int64, _ months: Int) -> Value {
    let (local, overflow) = value.addingReportingOverflow(Int64(zone.offsetMinutes) * 60_000_000)
    guard !overflow else { return .unknown }
    let (date, time) = ShopZone(offsetMinutes: 0).civil(Instant(microseconds: local))
    var (year, month, day) = date.components
    month += months
    while month > 12 { (year, month) = (year + 1, month - 12) }
    while month < 1 { (year, month) = (year - 1, month + 12) }
    while CivilDate(year: year, month: month, day: day) == nil, day > 28 { day -= 1 }
    guard let result = CivilDate(year: year, month: month, day: day) else { return .unknown }
    return .number(zone.instant(result, microsecondOfDay: time).microseconds)
  }

  private static func arithmetic(_ op: TypedExpression.Arithmetic, _ x: Int128, _ y: Int128) -> Value {
    switch op {
    case .add: narrow(x + y)
    case .subtract: narrow(x - y)
    case .multiply: narrow(x * y)
    case .multiplyDecimal: narrow(x * y / 10_000)
    case .divide: y == 0 ? .unknown : narrow(x / y)
    case .divideDecimal: y == 0 ? .unknown : narrow(x * 10_000 / y)
    }
  }

  private static func narrow(_ value: Int128) -> Value {
    Int64(exactly: value).map { .number($0) } ?? .unknown
  }
}

extension TypedExpression.Comparison {
  /// `order`: −1, 0 or 1.
  func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }
}
