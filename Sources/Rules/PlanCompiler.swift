/// What rule sets of one shape have in common: their nodes, and which columns their own constants go to.
struct Profile: Sendable {
  struct PlacedRule: Sendable {
    /// Position in the rules of the set.
    var position: Int
    var root: NodeReference
    var terms: [NodeReference]
    /// Item scope: which lines match.
    var match: NodeReference?
    /// Where the rule does what its `otherwise` says; nil when it has none.
    var otherwise: NodeReference?
  }

  /// The decided rules, in the order of the set.
  var rules: [PlacedRule]
  /// Columns of the parameters, in the order in which a set's own values stand.
  var parameterColumns: [Int]
  /// Every node the rules need, operands before what uses them.
  var nodes: [Int32]
}

/// Turns rule sets into profiles. Only ever adds: nodes, columns and profiles keep their numbers.
struct PlanCompiler: Sendable {
  /// A rule's shape, and the how-manieth of this shape it is in its set: rules of two sets that agree in both share
  /// their nodes.
  fileprivate struct ShapeUse: Hashable {
    var shape: Int
    var ordinal: Int
  }

  /// One of the constants of a shape: the same for all sets so far, or a column.
  private struct Slot {
    var value: Int64
    var column: Int = -1
  }

  struct Description {
    fileprivate var uses: [ShapeUse] = []
    fileprivate var positions: [Int] = []
    fileprivate var constants: [Int64] = []
  }

  private(set) var profiles: [Profile] = []
  var builder: GraphBuilder
  private var shapes: [[UInt8]: Int] = [:]
  private var slots: [ShapeUse: [Slot]] = [:]
  private var known: [[Int]: Int] = [:]
  private(set) var columnCount = 0

  /// Another one after every change: graphs and profiles of one state are the same.
  final class State: Sendable {}
  private(set) var state = State()

  init(layout: FactLayout) { builder = GraphBuilder(layout: layout) }

  /// Notes a set's shapes and constants. All sets that are known are described before the first is compiled, so that
  /// constants which all of them share are constants of the graph.
  mutating func describe(_ set: RuleSet) -> Description {
    var description = Description()
    var ordinals: [Int: Int] = [:]
    for (position, rule) in set.rules.enumerated() where rule.isDecided {
      let shape = RuleShape(rule)
      let number = shapes[shape.key] ?? shapes.count
      if number == shapes.count { shapes[shape.key] = number }
      let use = ShapeUse(shape: number, ordinal: ordinals[number, default: 0])
      ordinals[number] = use.ordinal + 1
      description.uses.append(use)
      description.positions.append(position)
      description.constants += shape.constants
      note(use, shape.constants)
    }
    return description
  }

  private mutating func note(_ use: ShapeUse, _ constants: [Int64]) {
    guard let slots = slots[use] else {
      slots[use] = constants.map { Slot(value: $0) }
      return
    }
    for (index, constant) in constants.enumerated()
    where slots[index].column < 0 && slots[index].value != constant {
      self.slots[use]?[index].column = columnCount
      columnCount += 1
    }
  }

  /// The number of the profile of a set that was described.
  mutating func profile(of set: RuleSet, _ description: Description) -> Int {
    var key: [Int] = []
    for (use, position) in zip(description.uses, description.positions) {
      key += [position, use.shape, use.ordinal]
      for slot in slots[use] ?? [] { key.append(slot.column) }
    }
    if let number = known[key] { return number }
    let number = profiles.count
    state = State()
    profiles.append(compile(set, description))
    known[key] = number
    return number
  }

  private mutating func compile(_ set: RuleSet, _ description: Description) -> Profile {
    var columns: [Int] = []
    var order: [Int: (use: ShapeUse, place: Int)] = [:]
    for (place, (use, position)) in zip(description.uses, description.positions).enumerated() {
      order[position] = (use, place)
      columns += (slots[use] ?? []).map(\.column).filter { $0 >= 0 }
    }
    builder.acting.removeAll(keepingCapacity: true)
    var rules: [Profile.PlacedRule?] = Array(repeating: nil, count: description.positions.count)
    for position in RuleSet.lookedAt(set.rules) {
      guard let (use, place) = order[position] else { continue }
      let constants = (slots[use] ?? []).map { slot -> TypedExpression in
        slot.column >= 0 ? .parameter(slot.column) : .number(slot.value)
      }
      let rule = builder.compile(set.rules[position], position: position, constants: constants[...])
      builder.acting[position] = rule.root
      rules[place] = rule
    }
    let placed = rules.compactMap { $0 }
    return Profile(rules: placed, parameterColumns: columns, nodes: nodes(of: placed))
  }

  private func nodes(of rules: [Profile.PlacedRule]) -> [Int32] {
    var seen: Set<Int> = []
    var open = rules.flatMap { rule in
      ([rule.root] + rule.terms + [rule.match, rule.otherwise].compactMap { $0 }).map(\.node)
    }
    while let node = open.popLast() {
      if seen.insert(node).inserted { builder.graph.nodes[node].forEachOperand { open.append($0) } }
    }
    return seen.sorted().map { Int32(truncatingIfNeeded: $0) }
  }

  /// A set's own values of its profile's parameters.
  func parameters(_ description: Description, of profile: Profile) -> [Int64] {
    var values: [Int64] = []
    values.reserveCapacity(profile.parameterColumns.count)
    var next = 0
    for use in description.uses {
      for slot in slots[use] ?? [] {
        if slot.column >= 0 { values.append(description.constants[next]) }
        next += 1
      }
    }
    return values
  }
}
