import Orders
import TestKit

@testable import Rules

/// Typed conditions and adversarial rows, for the differential test.
struct Generated {
  var random: SeededGenerator
  /// What constants are changed to.
  var otherNumbers = Array(Int64(0)..<7)

  static let texts = [
    "KR", "US", "제주", "도서산간", "none", "cash", "", "é", "e\u{301}", "🛍️", "paid", "unpaid", "N10",
  ]
  static let numbers: [Int64] = [
    .min, .min + 1, -10_000, -1, 0, 1, 2, 3, 9_999, 10_000, 1_000_000_000, .max - 1, .max,
    1_790_000_000_000_000,
  ]

  /// Names of facts of a type that can be asked of a line, or of an order.
  private static func facts(_ type: RuleType, _ level: RowLevel) -> [String] {
    FactCatalog.entries.filter { entry in
      let own = entry.fact?.level ?? .order
      return entry.type == type && (own == .order || own == level)
    }.map { entry in
      entry.fact.map { $0.level == .order } ?? true
        ? entry.name : "i." + entry.name.drop { $0 != "." }.dropFirst()
    }
  }

  /// Priorities, groups and the like, for some of the rules.
  mutating func setLife(_ rule: inout Rule) {
    rule.priority = random.pick([-5, 0, 0, 1, 9])
    rule.stops = random.chance(15)
    rule.group = random.pick(["", "", "", "a", "b"])
    rule.otherwise = random.chance(30) ? Rule.Actions() : nil
    rule.state =
      random.chance(4) ? .draft : random.chance(3) ? .retired : random.chance(15) ? .shadow : .active
    rule.when = random.chance(10) ? ["KR", "none"] : []
    rule.effectiveFrom = random.chance(10) ? Instant(microseconds: random.pick(Generated.numbers)) : nil
    rule.effectiveUntil = random.chance(10) ? Instant(microseconds: random.pick(Generated.numbers)) : nil
  }

  /// The rule with other constants where a comparison has one.
  mutating func withOtherNumbers(_ rule: Rule) -> Rule {
    var other = Rule(
      id: rule.id, name: "", condition: rule.condition.map { withOtherNumbers($0) }, match: rule.match,
      typedMatch: rule.typedMatch)
    (other.priority, other.stops, other.group, other.otherwise) = (
      rule.priority, rule.stops, rule.group, rule.otherwise
    )
    (other.state, other.when) = (rule.state, rule.when)
    (other.effectiveFrom, other.effectiveUntil) = (rule.effectiveFrom, rule.effectiveUntil)
    if let condition = other.condition, case .success(let typed) = Checker.check(condition) {
      other.buildTerms(typedConjuncts: condition.typedConjuncts(typed))
    }
    return other
  }

  private mutating func withOtherNumbers(_ expression: Expression) -> Expression {
    if case .binary(let op, let left, let right) = expression.kind, op != .divide,
      case .int(let value) = right.kind, value >= 0, random.chance(70)
    {
      return Expression(.binary(op, withOtherNumbers(left), Expression(.int(random.pick(otherNumbers)))))
    }
    var copy = self
    let result = expression.mapChildren { copy.withOtherNumbers($0) }
    self = copy
    return result
  }

  private mutating func number(_ level: RowLevel, _ depth: Int) -> String {
    if random.chance(8) { return "duplicate.partners(duration(\"\(random.pick(["10m", "1h"]))\"))" }
    if random.chance(10) { return aggregate() }
    if level == .order, depth > 0, random.chance(20) { return "(\(fold(depth)))" }
    switch random.below(depth > 0 ? 10 : 6) {
    case 0: return String(random.pick([-3, 0, 1, 2, 5, 100_000]))
    case 1: return "history.\(random.pick(["returns", "claims"]))(\(random.pick([1, 3])))"
    case 2: return random.pick(Generated.facts(.int, level))
    case 3: return random.pick(Generated.facts(.decimal, level))
    case 4:
      return random.chance(50)
        ? "\(random.pick(["dayOfWeek", "hour"]))(\(time()))"
        : "\(time()).\(random.pick(Checker.civilMethods.keys.sorted()))()"
    case 5: return "size(\(random.pick([freeText(level), "zones", "payment.methods", "coupons.types"])))"
    case 6:
      return "(\(condition(level, depth - 1)) ? \(number(level, depth - 1)) : \(number(level, depth - 1)))"
    case 7: return "-(\(number(level, depth - 1)))"
    default:
      return "(\(number(level, depth - 1)) \(random.pick(["+", "-", "*", "/"])) \(number(level, depth - 1)))"
    }
  }

  private mutating func time() -> String {
    let plain = random.pick(["order.placed_at", "order.paid_at", "order.paid_or_placed_at"])
    switch random.below(8) {
    case 2: return random.pick(["history.last_order_at", "history.last_bought_at(\"é\")"])
    case 0: return "addMonths(\(plain), \(random.pick([-1_200, -13, -1, 0, 1, 11, 1_200])))"
    case 1: return "(\(plain) + duration(\"\(random.pick(["36h", "1d", "0s"]))\"))"
    default: return plain
    }
  }

  private mutating func aggregate() -> String {
    let window = random.pick(["1", "36", "duration(\"1h\")", "duration(\"30d\")", "\"all\""])
    let code = Expression.quoted(random.pick(["é", "e\u{301}", "SKU-1"]))
    let measure = random.pick(HistoryAggregate.Measure.allCases.filter(\.takesWindow))
    return "history.\(measure.word)(\(measure.takesCode ? "\(code), " : "")\(window))"
  }

  private static let patterns = ["^K", "[a-zé]+$", "(a+)+$", "제.|도", "^$", "(?i)PAID", "^.$", "\\d{2}", ""]

  private mutating func comparison() -> String { random.pick(["==", "!=", "<", "<=", ">", ">="]) }

  private mutating func freeText(_ level: RowLevel) -> String {
    let own: [String] =
      switch level {
      case .order: []
      case .item: ["i.sku", "i.status"]
      case .receiver: ["i.country", "i.region", "i.zone"]
      case .claim: ["i.reason"]
      case .coupon, .heldCoupon: ["i.number", "i.type"]
      case .cartLine: ["i.sku", "i.product_code"]
      }
    return random.pick(["channel", "event", "grade", "ip.country", "customer.grade"] + own + own)
  }

  private mutating func elementLevel() -> (list: String, level: RowLevel) {
    random.pick([
      ("items", .item), ("items", .item), ("allItems", .item), ("receivers", .receiver), ("claims", .claim),
      ("coupons", .coupon), ("heldCoupons", .heldCoupon), ("cart", .cartLine),
    ])
  }

  /// Lines of an order, some of them left out.
  private mutating func lines(_ depth: Int) -> (list: String, level: RowLevel) {
    let (list, level) = elementLevel()
    var text = list
    while random.chance(35) { text += ".filter(i, \(condition(level, depth - 1)))" }
    return (text, level)
  }

  private mutating func fold(_ depth: Int) -> String {
    let (list, level) = lines(depth)
    switch random.below(4) {
    case 0: return "\(random.pick(["size", "count"]))(\(list))"
    case 1: return "sum(\(list).map(i, \(number(level, depth - 1))))"
    case 2:
      return
        "\(random.pick(["min", "max"]))(\(list).map(i, \(condition(level, 0)), \(number(level, depth - 1))))"
    default: return "\(random.pick(["min", "max"]))(\(list).map(i, \(number(level, 0))))"
    }
  }

  mutating func condition(_ level: RowLevel, _ depth: Int) -> String {
    if depth > 0, random.chance(55) { return composite(level, depth) }
    if random.chance(8) {
      if random.chance(20) { return "expiring(\"coupon\", duration(\"24h\"))" }
      let states = ["unpaid", "gift_address", "unshipped", "purchase", "purchase\", \"SKU-1", "cart"]
      let state = random.pick(states)
      return "overdue(\"\(state)\", duration(\"\(random.pick(["72h", "7d"]))\"))"
    }
    let quoted = Expression.quoted(random.pick(Generated.texts))
    switch random.below(16) {
    case 0, 1, 2: return "\(number(level, depth)) \(comparison()) \(number(level, depth))"
    case 3: return "\(freeText(level)) \(comparison()) \(quoted)"
    case 4: return "\(freeText(level)) \(random.pick(["==", "!="])) \(freeText(level))"
    case 5: return "\(freeText(level)) in [\"KR\", \"제주\", \"\", \(quoted)]"
    case 6: return "\(freeText(level)).\(random.pick(["startsWith", "endsWith", "contains"]))(\(quoted))"
    case 7:
      if level == .item, random.chance(50) {
        return "\(quoted) in i.\(random.pick(["categories", "bundle_codes"]))"
      }
      if level == .order, random.chance(30) {
        return "\(quoted) in \(random.pick(["coupons", "heldCoupons"])).map(i, i.type)"
      }
      return "\(quoted) in \(random.pick(["zones", "payment.methods", "coupons", "coupons.types"]))"
    case 8:
      return level == .item && random.chance(50)
        ? "i.inList(\"new\")" : "inList(\"\(random.pick(["new", "best"]))\")"
    case 9: return random.pick(Generated.facts(.bool, level))
    case 10:
      return "timeOfDay(\(time())) \(comparison()) \"\(random.pick(["00:00", "05:00", "11:00", "24:00"]))\""
    case 11:
      return "\(freeText(level)).matches(\(Expression.quoted(random.pick(Generated.patterns))))"
    case 12: return "\(time()) \(comparison()) \(time())"
    case 13: return "\(time()) - \(time()) \(comparison()) duration(\"1h\")"
    case 14: return "timeBetween(\(time()), \"22:00\", \"05:00\")"
    default: return random.pick(["true", "false", "isHoliday(order.placed_at)", "ip.foreign"])
    }
  }

  private mutating func composite(_ level: RowLevel, _ depth: Int) -> String {
    let a = condition(level, depth - 1)
    let b = condition(level, depth - 1)
    switch random.below(9) {
    case 0, 1: return "(\(a) && \(b))"
    case 2, 3: return "(\(a) || \(b))"
    case 4: return "!(\(a))"
    case 5: return "(\(a) ? \(b) : \(condition(level, depth - 1)))"
    case 6: return "((\(a)) \(random.pick(["==", "!="])) (\(b)))"
    case 7:
      return
        "isMissing(\(random.pick([freeText(level), time(), "zones", "inList(\"best\")", "history.amount"])))"
    default:
      if level != .order { return "(\(a) && \(b))" }
      let (list, lines) = lines(depth)
      return "\(list).\(random.pick(["exists", "all", "exists_one"]))(i, \(condition(lines, depth - 1)))"
    }
  }

  /// Rows with missing values, extremes, empty and long lists, no items or many.
  mutating func fill(_ batch: FactBatch, rows: Int, ruleSets: Int) {
    batch.reset()
    for _ in 0..<rows {
      batch.beginOrder(ruleSet: random.below(ruleSets))
      for fact in Fact.allCases where fact.level == .order && random.chance(75) { set(fact, batch) }
      for slot in 0..<batch.layout.claimWindows.count where random.chance(70) {
        batch.setClaimCount(slot: slot, Int64(random.below(4)))
      }
      for (slot, fact) in batch.layout.timedFacts.enumerated() where random.chance(70) {
        batch.setTimed(slot: slot, Int64(random.below(fact.isTruth ? 2 : 4)))
      }
      for slot in batch.layout.aggregates.indices where random.chance(70) {
        batch.setAggregate(slot: slot, random.pick(Generated.numbers))
      }
      if random.chance(20) { batch.setZoneMissing() }
      for name in ["other", "new", "best"] where random.chance(70) { batch.addList(name) }
      let items = random.pick([0, 0, 1, 1, 2, 3, random.chance(3) ? 130 : 2])
      for index in 0..<items { addItem(index, batch) }
      for level in [RowLevel.receiver, .claim, .coupon, .heldCoupon, .cartLine] {
        for _ in 0..<random.pick([0, 0, 1, 2, random.chance(3) ? 70 : 3]) { addLine(level, batch) }
      }
    }
  }

  private mutating func set(_ fact: Fact, _ batch: FactBatch) {
    switch fact.storage {
    case .number: batch.setInt(fact, random.pick(Generated.numbers))
    case .truth: batch.setBool(fact, random.chance(50))
    case .text: batch.setString(fact, random.pick(Generated.texts))
    case .textList:
      for _ in 0..<random.below(4) {
        batch.addElement(fact, batch.dictionary.intern(random.pick(Generated.texts)))
      }
    }
  }

  private mutating func addLine(_ level: RowLevel, _ batch: FactBatch) {
    batch.addLine(level)
    for fact in Fact.allCases where fact.level == level && random.chance(75) {
      switch fact.storage {
      case .number: batch.setLineInt(fact, random.pick(Generated.numbers))
      case .truth: batch.setLineBool(fact, random.chance(50))
      default: batch.setLineString(fact, random.pick(Generated.texts))
      }
    }
  }

  private mutating func addItem(_ index: Int, _ batch: FactBatch) {
    batch.addItem(live: random.chance(70), gift: random.chance(25), voucher: random.chance(10))
    for fact in Fact.allCases where fact.level == .item && random.chance(75) {
      switch fact.storage {
      case .number: batch.setItemInt(fact, random.pick(Generated.numbers))
      case .text: batch.setItemString(fact, random.pick(Generated.texts))
      case .truth: if fact == .itemTracking { batch.setItemBool(fact, random.chance(50)) }
      case .textList:
        for _ in 0..<random.below(4) {
          batch.items.addElement(fact, batch.dictionary.intern(random.pick(Generated.texts)))
        }
      }
    }
    batch.setListMembership(itemIndex: index, mask: random.next())
  }
}
