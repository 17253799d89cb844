internal import Orders
internal import Rules

/// Turns conditions into formulas over the values of facts.
///
/// A comparison says of a fact that it is known and within some values; what cannot be told in values (one fact with
/// another, an item of the order) stands for itself as a fact of two values.
struct Translator {
  enum Mode {
    case isTrue, isFalse, isNotTrue, isNotFalse

    var negated: Mode {
      switch self {
      case .isTrue: .isFalse
      case .isFalse: .isTrue
      case .isNotTrue: .isNotFalse
      case .isNotFalse: .isNotTrue
      }
    }
    /// True where "not" splits a conjunction into alternatives.
    var splitsAnd: Bool { self == .isFalse || self == .isNotTrue }
  }

  /// Facts that this mall never has: always missing.
  let unavailable: Set<String>
  let zone: ShopZone
  var naturals = Naturals()
  /// Terms that may be never above each other, with their keys.
  var kins: [(key: String, kin: Kin)] = []

  init(unavailable: Set<String> = [], zone: ShopZone = .seoul) {
    self.unavailable = unavailable
    self.zone = zone
  }

  /// What holds where the condition is so, of the condition as it was written.
  mutating func formula(_ expression: Expression, _ mode: Mode) -> Formula {
    translate(expression.canonical, mode)
  }

  /// The same of a condition in its canonical form.
  mutating func translate(_ expression: Expression, _ mode: Mode) -> Formula {
    switch expression.kind {
    case .bool(let value): return value == (mode == .isTrue || mode == .isNotFalse) ? .always : .never
    case .not(let operand): return translate(operand, mode.negated)
    case .and(let terms):
      let parts = terms.map { translate($0, mode) }
      return mode.splitsAnd ? .any(parts) : .all(parts)
    case .or(let terms):
      let parts = terms.map { translate($0, mode) }
      return mode.splitsAnd ? .all(parts) : .any(parts)
    case .conditional(let test, let a, let b):
      var ways: [Formula] = [
        .all([translate(test, .isTrue), translate(a, mode)]),
        .all([translate(test, .isFalse), translate(b, mode)]),
      ]
      if mode == .isNotTrue || mode == .isNotFalse { ways.append(unknown(test)) }
      return .any(ways)
    case .binary(let op, let left, let right): return binary(expression, op, left, right, mode)
    case .call(let receiver, let function, let arguments):
      return call(expression, receiver, function, arguments, mode)
    case .name, .member:
      if expression.path == "ip.foreign" { return foreign(mode) }
      return opaque(expression, mode)
    default: return opaque(expression, mode)
    }
  }

  func isUnavailable(_ name: String) -> Bool {
    unavailable.contains { name == $0 || name.hasPrefix($0 + ".") || name.hasPrefix($0 + "(") }
  }

  private mutating func unknown(_ expression: Expression) -> Formula {
    .all([translate(expression, .isNotTrue), translate(expression, .isNotFalse)])
  }

  // MARK: Limits

  /// `key` within `values`, in one of four ways; `reads`: facts that are known when it is.
  mutating func limit(_ key: String, _ values: ValueSet, _ reads: [String], _ mode: Mode) -> Formula {
    switch mode {
    case .isTrue: .all([.limit(key: key, values: values, missing: false)] + known(reads, but: key))
    case .isFalse:
      .all([.limit(key: key, values: values.complement, missing: false)] + known(reads, but: key))
    case .isNotTrue: .limit(key: key, values: values.complement, missing: true)
    case .isNotFalse: .limit(key: key, values: values, missing: true)
    }
  }

  private func known(_ facts: [String], but key: String) -> [Formula] {
    facts.filter { $0 != key }.compactMap { fact in
      naturals[fact].map { .limit(key: fact, values: $0.values, missing: false) }
    }
  }

  /// A condition that stands for itself.
  mutating func opaque(_ expression: Expression, _ mode: Mode) -> Formula {
    let key = expression.description
    let reads = facts(of: expression)
    if naturals[key] == nil { naturals[key] = absent(expression) }
    if naturals[key] == nil {
      let neverMissing = !reads.isEmpty && reads.allSatisfy { naturals[$0]?.missing == false }
      naturals[key] = Domain(values: .truths, missing: !neverMissing || expression.path == nil)
    }
    return limit(key, .numbers([1...1]), reads, mode).within(.truths)
  }

  /// What stands for itself and speaks of something that the mall never sends.
  private func absent(_ expression: Expression) -> Domain? {
    let no = Domain(values: .numbers([0...0]), missing: false)
    let unknown = Domain(values: .numbers([]), missing: true)
    switch expression.kind {
    case .binary(.in, _, let list):
      guard let path = list.path, isUnavailable(path) else { return nil }
      return FactCatalog.isNeverMissing(path) ? no : unknown
    case .call(nil, "isHoliday", _): return isUnavailable("isHoliday") ? no : nil
    case .call(_, "inList", let arguments):
      return isUnavailable("inList(\(arguments.first?.description ?? ""))") ? unknown : nil
    default: return nil
    }
  }

  private mutating func foreign(_ mode: Mode) -> Formula {
    register("ip.country")
    let korean = TextSet(values: [Array("KR".utf8)], isComplement: true)
    return limit("ip.country", .texts(korean), [], mode)
  }

  /// Facts that an operand reads and without which it is unknown. Of items, lists and choices: none.
  mutating func facts(of expression: Expression) -> [String] {
    switch expression.kind {
    case .name, .member:
      guard let path = expression.path else { return [] }
      let fact = path == "ip.foreign" ? "ip.country" : path
      guard let entry = FactCatalog.entries.first(where: { $0.name == fact }), entry.type != .stringList
      else {
        return []
      }
      register(fact)
      return [fact]
    case .binary(.in, let left, _): return facts(of: left)
    case .binary(_, let left, let right): return facts(of: left) + facts(of: right)
    case .negate(let operand): return facts(of: operand)
    case .call(let receiver, let function, let arguments):
      if ["exists", "isMissing", "has", "exists_one"].contains(function) { return [] }
      if let receiver, Operand.textTests.contains(function) || Operand.civilMethods.contains(function) {
        return facts(of: receiver)
      }
      guard receiver == nil, let first = arguments.first else { return [] }
      if function == "size" {
        // Of a list that is known in part there is no size.
        guard let path = first.path, FactCatalog.type(path) == .stringList else { return facts(of: first) }
        register(path)
        return [path]
      }
      return function == "addMonths" || Operand.civilFunctions.contains(function) ? facts(of: first) : []
    default: return []
    }
  }

  /// Makes sure that what a fact can be is known.
  mutating func register(_ fact: String) {
    guard naturals[fact] == nil else { return }
    let entry = FactCatalog.entries.first { $0.name == fact }
    let values = FactRange.values(of: fact, entry)
    let isNever = isUnavailable(fact)
    // What is never missing is then not there.
    let isNone = entry.map { $0.missingWhen.isEmpty && ($0.type == .bool || $0.name == "receivers.count") }
    naturals[fact] =
      isNever
      ? isNone == true
        ? Domain(values: .numbers([0...0]), missing: false) : Domain(values: values.nothing, missing: true)
      : Domain(values: values, missing: !(entry.map(\.missingWhen.isEmpty) ?? false))
  }

  // MARK: Comparisons

  private mutating func binary(
    _ expression: Expression, _ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression,
    _ mode: Mode
  ) -> Formula {
    if op == .in {
      guard case .list(let elements) = right.kind else { return opaque(expression, mode) }
      return membership(expression, left, elements, mode)
    }
    if let operand = Operand(left), operand.type == .bool, op == .equal || op == .notEqual {
      return equality(left, right, op == .equal, mode)
    }
    if let limit = comparison(op, left, right, mode) { return limit }
    if let limit = comparison(op.mirrored, right, left, mode) { return limit }
    return relation(expression, op, left, right, mode)
  }

  private mutating func equality(_ a: Expression, _ b: Expression, _ isEqual: Bool, _ mode: Mode) -> Formula {
    let other: Mode = isEqual ? mode : mode.negated
    let wantsEqual = other == .isTrue || other == .isNotFalse
    var ways: [Formula] = [
      .all([translate(a, .isTrue), translate(b, wantsEqual ? .isTrue : .isFalse)]),
      .all([translate(a, .isFalse), translate(b, wantsEqual ? .isFalse : .isTrue)]),
    ]
    if mode == .isNotTrue || mode == .isNotFalse { ways += [unknown(a), unknown(b)] }
    return .any(ways)
  }

  /// A fact with a constant; nil when it is something else.
  private mutating func comparison(
    _ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ mode: Mode
  ) -> Formula? {
    guard let operand = Operand(left), !operand.isConstant else { return nil }
    if operand.type == .string {
      guard case .string(let text) = right.kind, op == .equal || op == .notEqual else { return nil }
      let set = TextSet(values: [Array(text.text.utf8)], isComplement: op == .notEqual)
      return limit(key(operand), .texts(set), facts(of: left), mode)
    }
    guard let ranges = operand.ranges(op, right) else { return nil }
    return numbers(operand, ranges, facts(of: left), mode)
  }

  private mutating func membership(
    _ expression: Expression, _ left: Expression, _ elements: [Expression], _ mode: Mode
  ) -> Formula {
    guard let operand = Operand(left), !operand.isConstant else { return opaque(expression, mode) }
    if operand.type == .string {
      var texts: Set<[UInt8]> = []
      for element in elements {
        guard case .string(let text) = element.kind else { return opaque(expression, mode) }
        texts.insert(Array(text.text.utf8))
      }
      return limit(key(operand), .texts(TextSet(values: texts, isComplement: false)), facts(of: left), mode)
    }
    var values = ValueSet.numbers([])
    for element in elements {
      guard let ranges = operand.ranges(.equal, element) else { return opaque(expression, mode) }
      // Union: what is in neither complement.
      values = values.complement.intersection(ValueSet.numbers(ranges).complement).complement
    }
    guard case .numbers(let ranges) = values else { return opaque(expression, mode) }
    return numbers(operand, ranges, facts(of: left), mode)
  }

  private mutating func numbers(
    _ operand: Operand, _ ranges: [ClosedRange<Int64>], _ reads: [String], _ mode: Mode
  ) -> Formula {
    if let part = operand.civilPart, let whole = part.ranges(ranges, zone: zone) {
      return limit(key(part.base), .numbers(whole), reads, mode)
    }
    return limit(key(operand), .numbers(ranges), reads, mode)
  }

  /// Two facts with each other: their order as −1, 0 or 1.
  private mutating func relation(
    _ expression: Expression, _ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression,
    _ mode: Mode
  ) -> Formula {
    let (a, b) = (left.description, right.description)
    let isSwapped = bytesPrecede(b, a)
    let ranges: [ClosedRange<Int64>]? =
      switch isSwapped ? op.mirrored : op {
      case .equal: [0...0]
      case .notEqual: [-1...(-1), 1...1]
      case .less: [-1...(-1)]
      case .lessOrEqual: [-1...0]
      case .greater: [1...1]
      case .greaterOrEqual: [0...1]
      default: nil
      }
    guard let ranges else { return opaque(expression, mode) }
    let key = isSwapped ? "\(b) ~ \(a)" : "\(a) ~ \(b)"
    let there = isSwapped ? Translator.relations(right, left) : Translator.relations(left, right)
    if naturals[key] == nil { naturals[key] = Domain(values: .numbers(there), missing: true) }
    return limit(key, .numbers(ranges), facts(of: left) + facts(of: right), mode).within(.numbers([-1...1]))
  }

  /// The name under which an operand is limited; what it can be is registered.
  mutating func key(_ operand: Operand) -> String {
    let key = operand.key
    guard naturals[key] == nil else { return key }
    if FactCatalog.entries.contains(where: { $0.name == key }) {
      register(key)
    } else {
      naturals[key] = domain(of: operand, key)
    }
    addOrders(of: operand, key)
    return key
  }

  private mutating func domain(of operand: Operand, _ key: String) -> Domain {
    let values = FactRange.values(of: key, operand)
    if isUnavailable(key) { return Domain(values: values.nothing, missing: true) }
    if let domain = foldDomain(operand.expression, values) { return domain }
    let reads = facts(of: operand.expression)
    let neverMissing =
      !reads.isEmpty && operand.isCivil && reads.allSatisfy { naturals[$0]?.missing == false }
    return Domain(values: values, missing: !neverMissing)
  }

  // MARK: Calls

  private mutating func call(
    _ expression: Expression, _ receiver: Expression?, _ function: String, _ arguments: [Expression],
    _ mode: Mode
  ) -> Formula {
    switch (receiver, function, arguments.count) {
    case (nil, "isMissing", 1): return missing(arguments[0], mode)
    case (nil, "has", 1): return missing(arguments[0], mode.negated)
    case (nil, "timeBetween", 3): return between(expression, arguments, mode)
    case (nil, "expiring", 2): return expiring(expression, arguments, mode)
    case (nil, "overdue", 2), (nil, "overdue", 3): return overdue(expression, arguments, mode)
    case (.some(let list), "exists", 2), (.some(let list), "exists_one", 2):
      guard let path = list.path else { return opaque(expression, mode) }
      return quantified(expression, path, function, arguments[1], mode)
    case (.some(let text), "startsWith", 1), (.some(let text), "endsWith", 1),
      (.some(let text), "contains", 1), (.some(let text), "matches", 1):
      guard let operand = Operand(text), operand.type == .string, case .string(let part) = arguments[0].kind
      else {
        return opaque(expression, mode)
      }
      let set = TextSet(function: function, Array(part.text.utf8))
      return limit(key(operand), .texts(set), facts(of: text), mode)
    default: return opaque(expression, mode)
    }
  }

  private mutating func missing(_ expression: Expression, _ mode: Mode) -> Formula {
    let isMissing = mode == .isTrue || mode == .isNotFalse
    if case .call(nil, "overdue", let arguments) = expression.kind, !Self.isOfCustomer(arguments) {
      return isMissing ? .never : .always
    }
    let path = expression.path == "ip.foreign" ? "ip.country" : expression.path
    let key = path ?? Operand(expression)?.civilPart?.base.key ?? expression.description
    if path != nil {
      register(key)
    } else if let operand = Operand(expression) {
      _ = self.key(operand.civilPart?.base ?? operand)
    }
    let values = naturals[key]?.values ?? .truths
    if naturals[key] == nil { naturals[key] = Domain(values: .truths, missing: true) }
    return .limit(key: key, values: isMissing ? values.nothing : values, missing: isMissing)
  }

  private mutating func between(_ expression: Expression, _ arguments: [Expression], _ mode: Mode) -> Formula
  {
    guard case .string(let from) = arguments[1].kind, case .string(let to) = arguments[2].kind,
      let start = Expression.literal(from.text, as: .timeOfDay),
      let end = Expression.literal(to.text, as: .timeOfDay), let operand = Operand(timeOfDay: arguments[0])
    else { return opaque(expression, mode) }
    var ranges: [ClosedRange<Int64>] = []
    if start < end {
      ranges = [start...(end - 1)]
    } else {
      if end > 0 { ranges.append(0...(end - 1)) }
      if start < FactRange.dayUs { ranges.append(start...(FactRange.dayUs - 1)) }
    }
    return limit(key(operand), .numbers(ranges), facts(of: arguments[0]), mode)
  }
}

extension Formula {
  /// Keeps a complement within the values there are.
  fileprivate func within(_ values: ValueSet) -> Formula {
    switch self {
    case .limit(let key, let own, let missing):
      .limit(key: key, values: own.intersection(values), missing: missing)
    case .all(let parts):
      // Only the first part is the limit itself; the others are of other facts.
      .all(parts.enumerated().map { $0.offset == 0 ? $0.element.within(values) : $0.element })
    case .any: self
    }
  }
}

extension ValueSet {
  /// No value, of the same kind.
  var nothing: ValueSet {
    switch self {
    case .numbers: .numbers([])
    case .texts: .texts(TextSet(values: [], isComplement: false))
    }
  }
}

extension Expression {
  /// The same with another name for the item at hand.
  func renaming(_ old: String, to new: String) -> Expression {
    if case .name(old) = kind { return Expression(.name(new), at: offset) }
    return replacingChildren { $0.renaming(old, to: new) }
  }
}

extension Expression.BinaryOperator {
  /// With the sides swapped.
  var mirrored: Self {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    default: self
    }
  }
}
