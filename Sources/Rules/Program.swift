internal import CRuleKernels

/// The nodes of a plan that the profiles of some batches need, each with its place in memory.
///
/// Memory goes with what is computed, not with the plan: ten thousand malls of one batch in a plan of a million.
final class Program {
  /// One step, as flat as can be: going through the graph's own nodes would cost more than most of the kernels.
  struct Step {
    enum Kind: UInt8 {
      case atLeast, equals, atLeastNumber, equalsNumber, and, textEquals, orderList, rank, rankAtLeast,
        rankEquals
      /// Every comparison with parameters, while the constants of the rows are at hand.
      case parameters
      case number, truth
    }
    var kind: Kind
    var level = RowLevel.order
    var node: Int32
    var a: Int32 = 0
    var b: Int32 = 0
    var constant: Int64 = 0
  }

  /// The rules of a profile with their columns looked up.
  struct PlacedProfile {
    var rules: [PlacedRule]
    var parameters: UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>
    var parameterCount: Int
  }

  struct PlacedRule {
    var root: Planes
    var terms: UnsafeBufferPointer<Planes>
    var position: Int
  }

  struct Ranks {
    var column: Int
    var level: RowLevel
    var thresholds: [Int64]
    var ranks: UnsafeMutablePointer<UInt16>
  }

  let profiles: [Int]
  let capacity: Int
  /// By level: rows that there is room for.
  private let capacities: [Int]
  /// By level: rows of the batch at hand.
  let rowCounts: UnsafeMutablePointer<Int>
  let wordCount: Int
  /// Parallel to the graph's nodes; of nodes that are not computed: nothing that is read.
  let planeTable: UnsafeMutablePointer<Planes>
  let columnTable: UnsafeMutablePointer<NumberColumn>
  private(set) var steps: [Step] = []
  /// Operands of conjunctions: true, false, true, false, …
  private(set) var operands: [UnsafePointer<UInt64>?] = []
  private(set) var ranks: [Ranks] = []
  /// Facts read from the batch as they are.
  private var factColumns: [(node: Int, source: Graph.Node)] = []
  private var placedProfiles: [PlacedProfile?] = []
  /// Column number of each parameter in use, and its place.
  var parameterColumns: [Int: UnsafeMutablePointer<Int64>] = [:]
  /// Of a plan with a table of parameters: what goes into columns before all else, and what is compared at once.
  var stores: [rule_parameter_use] = []
  var tests: [(node: Int, test: ParameterUses.Test)] = []
  /// `tests` as the kernels want them, and the node that each compares.
  var wideTests: [rule_parameter_use] = []
  var wideTested: [Int] = []
  var narrowTests: [rule_parameter_use] = []
  var narrowTested: [Int] = []
  /// Per profile whether it is placed; and so is what rows of no rule set have.
  let ready: UnsafeMutablePointer<UInt8>
  /// Bits of the rows that there are: what is known of a parameter.
  let rowsKnown: UnsafeMutablePointer<UInt64>
  /// The same of each level: what is known of a constant there.
  private var known: [UnsafeMutablePointer<UInt64>] = []
  private var owned: [UnsafeMutableRawPointer] = []

  // Texts under the dictionary of the last batch.
  private var textNodes: [Int] = []
  @exclusivity(unchecked) var codes: [Int: UInt32] = [:]
  @exclusivity(unchecked) var memos: [Int: [UInt8]] = [:]
  @exclusivity(unchecked) var substrings: SubstringMemos?
  /// Code points of each text, by its code; as far as they have been asked for.
  @exclusivity(unchecked) var textSizes: [Int64] = []

  /// Predicates on one column from which on a search finds all of them at once.
  static let rankedMin = 24

  /// `batch`: has as many lines as there is to be room for.
  init(plan: Plan, profiles: [Int], capacity: Int, batch: FactBatch) {
    self.profiles = profiles
    self.capacity = capacity
    capacities = RowLevel.allCases.map { $0 == .order ? capacity : batch.lines($0).capacity }
    rowCounts = .allocate(capacity: RowLevel.allCases.count)
    rowCounts.initialize(repeating: 0, count: RowLevel.allCases.count)
    wordCount = capacity / 64
    ready = FactBatch.zeroed(plan.profiles.count + 1)
    ready[plan.profiles.count] = 1
    let nodeCount = plan.graph.nodes.count
    planeTable = .allocate(capacity: max(nodeCount, 1))
    planeTable.initialize(repeating: Planes.none, count: max(nodeCount, 1))
    columnTable = .allocate(capacity: max(nodeCount, 1))
    let nothing = NumberColumn(values: FactBatch.zeroed(1), known: Planes.none.t)
    owned.append(UnsafeMutableRawPointer(nothing.values))
    columnTable.initialize(repeating: nothing, count: max(nodeCount, 1))
    rowsKnown = FactBatch.zeroed(wordCount)
    known = [rowsKnown] + RowLevel.ofLines.map { zeroed(capacities[Int($0.rawValue)] / 64) }
    var needed = [Bool](repeating: false, count: nodeCount)
    for profile in profiles { for node in plan.profiles[profile].nodes { needed[Int(node)] = true } }
    let nodes = needed.indices.filter { needed[$0] }
    let parameters = ParameterUses(plan, nodes)
    for node in nodes where !parameters.isUnread(node) { place(node, plan.graph) }
    let ranked = rank(nodes, plan.graph)
    for node in nodes where !parameters.isLate(node) { addStep(node, plan.graph, ranked) }
    if !parameters.tests.isEmpty { steps.append(Step(kind: .parameters, node: 0)) }
    for node in nodes where parameters.isLate(node) && parameters.tests[node] == nil {
      addStep(node, plan.graph, ranked)
    }
    substrings = SubstringMemos(textNodes, plan.graph)
    add(parameters)
    bind(plan.parameters)
    placedProfiles = Array(repeating: nil, count: plan.profiles.count)
    let isTable = plan.parameters.table != nil
    for profile in profiles {
      placedProfiles[profile] = placed(plan.profiles[profile], hasTable: isTable)
      ready[profile] = 1
    }
  }

  deinit {
    for pointer in owned { pointer.deallocate() }
    planeTable.deallocate()
    columnTable.deallocate()
    rowsKnown.deallocate()
    rowCounts.deallocate()
    ready.deallocate()
  }

  private func zeroed<Value: FixedWidthInteger>(_ count: Int) -> UnsafeMutablePointer<Value> {
    let pointer: UnsafeMutablePointer<Value> = FactBatch.zeroed(count)
    owned.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  // MARK: Places

  private func place(_ node: Int, _ graph: Graph) {
    let level = graph.levels[node]
    let words = capacities[Int(level.rawValue)] / 64
    let source = graph.nodes[node]
    guard source.isNumber else {
      let base: UnsafeMutablePointer<UInt64> = zeroed(words * 2)
      planeTable[node] = Planes(t: base, f: base + words)
      return
    }
    switch source {
    case .number, .claims, .timed, .aggregate: factColumns.append((node, source))
    case .parameter(let column):
      let values: UnsafeMutablePointer<Int64> = parameterColumns[column] ?? zeroed(capacity)
      parameterColumns[column] = values
      columnTable[node] = NumberColumn(values: values, known: rowsKnown)
    case .constantNumber(let value):
      let values: UnsafeMutablePointer<Int64> = zeroed(capacity)
      values.update(repeating: value, count: capacity)
      columnTable[node] = NumberColumn(values: values, known: rowsKnown)
    case .spreadNumber(let a, _) where Program.constant(graph.nodes[a]) != nil:
      let values: UnsafeMutablePointer<Int64> = zeroed(words * 64)
      values.update(repeating: Program.constant(graph.nodes[a]) ?? 0, count: words * 64)
      columnTable[node] = NumberColumn(values: values, known: known[Int(level.rawValue)])
    default: columnTable[node] = NumberColumn(values: zeroed(words * 64), known: zeroed(words))
    }
  }

  private static func constant(_ node: Graph.Node) -> Int64? {
    if case .constantNumber(let value) = node { value } else { nil }
  }

  /// There is room for the batch's lines.
  func fits(_ batch: FactBatch) -> Bool {
    for level in RowLevel.ofLines where batch.lines(level).capacity > capacities[Int(level.rawValue)] {
      return false
    }
    return true
  }

  /// Finds the fact columns of a batch.
  func place(_ batch: FactBatch, rows: Int) {
    rowCounts[0] = rows
    for level in RowLevel.ofLines { rowCounts[Int(level.rawValue)] = batch.lines(level).count }
    for (level, known) in known.enumerated() {
      let rows = rowCounts[level]
      for word in 0..<((rows + 63) / 64) { known[word] = Kernels.mask(word, rows: rows) }
    }
    for (node, source) in factColumns {
      switch source {
      case .number(let fact) where fact.level != .order:
        let lines = batch.lines(fact.level)
        let column = Int(fact.rawValue) &- lines.numberBase
        columnTable[node] = NumberColumn(
          values: lines.numbers + column &* lines.capacity,
          known: lines.numbersKnown + column &* (lines.capacity / 64))
      case .number(let fact): columnTable[node] = Program.orderColumn(Int(fact.rawValue), batch)
      case .claims(let slot): columnTable[node] = Program.orderColumn(Fact.orderNumberCount &+ slot, batch)
      case .timed(let slot): columnTable[node] = Program.orderColumn(batch.timedColumns &+ slot, batch)
      case .aggregate(let slot):
        columnTable[node] = Program.orderColumn(batch.aggregateColumns &+ slot, batch)
      default: break
      }
    }
    placeTests()
  }

  private static func orderColumn(_ column: Int, _ batch: FactBatch) -> NumberColumn {
    NumberColumn(
      values: batch.numbers + column &* batch.capacity, known: batch.numbersKnown + column &* batch.wordCount)
  }

  @inline(__always) func planes(_ reference: NodeReference) -> Planes {
    let planes = planeTable[reference.node]
    return reference.isNegated ? Planes(t: planes.f, f: planes.t) : planes
  }

  // MARK: Profiles

  private func placed(_ profile: Profile, hasTable: Bool) -> PlacedProfile {
    let parameterCount = hasTable ? 0 : profile.parameterColumns.count
    let parameters = UnsafeMutablePointer<UnsafeMutablePointer<Int64>?>.allocate(
      capacity: max(parameterCount, 1))
    owned.append(UnsafeMutableRawPointer(parameters))
    for (place, column) in profile.parameterColumns.prefix(parameterCount).enumerated() {
      // A parameter that no node reads (its predicate is decided without it) still has a place to go to.
      let values: UnsafeMutablePointer<Int64> = parameterColumns[column] ?? zeroed(capacity)
      parameterColumns[column] = values
      (parameters + place).initialize(to: values)
    }
    let terms = UnsafeMutablePointer<Planes>.allocate(
      capacity: max(profile.rules.reduce(0) { $0 + $1.terms.count }, 1))
    owned.append(UnsafeMutableRawPointer(terms))
    var next = terms
    let rules = profile.rules.map { rule in
      let first = next
      for term in rule.terms {
        next.initialize(to: planes(term))
        next += 1
      }
      return PlacedRule(
        root: planes(rule.root), terms: UnsafeBufferPointer(start: first, count: rule.terms.count),
        position: rule.position)
    }
    return PlacedProfile(
      rules: rules, parameters: parameters, parameterCount: parameterCount)
  }

  @inline(__always) func has(_ profile: UInt32) -> Bool {
    Int(profile) >= placedProfiles.count || placedProfiles[Int(profile)] != nil
  }

  func isPlaced(_ profile: UInt32) -> Bool {
    Int(profile) < placedProfiles.count && placedProfiles[Int(profile)] != nil
  }

  @inline(__always) func forEachRule(of profile: UInt32, _ body: (PlacedRule) -> Void) {
    placedProfiles[Int(profile)]?.rules.withUnsafeBufferPointer { for rule in $0 { body(rule) } }
  }

  func placed(_ profile: UInt32) -> PlacedProfile? {
    Int(profile) < placedProfiles.count ? placedProfiles[Int(profile)] : nil
  }

  /// Where the parameters go when all rows have one profile.
  var commonColumns: UnsafePointer<UnsafeMutablePointer<Int64>?>? {
    profiles.count == 1 ? placedProfiles[profiles[0]].map { UnsafePointer($0.parameters) } : nil
  }
  var commonColumnCount: Int { profiles.count == 1 ? placedProfiles[profiles[0]]?.parameterCount ?? 0 : 0 }

  /// Some row belongs to no rule set of the plan.
  func hasStrangers(_ rowProfiles: UnsafePointer<UInt32>, _ rows: Int) -> Bool {
    for row in 0..<rows where Int(rowProfiles[row]) >= placedProfiles.count { return true }
    return false
  }

  // MARK: Steps

  /// Columns with so many thresholds that one search per row is cheaper than one comparison for each.
  private func rank(_ nodes: [Int], _ graph: Graph) -> [Int: Int] {
    var constants: [Int: (count: Int, thresholds: Set<Int64>)] = [:]
    for node in nodes {
      switch graph.nodes[node] {
      case .atLeast(let a, let constant):
        constants[a, default: (0, [])].thresholds.insert(constant)
        constants[a]?.count += 1
      case .equals(let a, let constant) where constant < .max:
        constants[a, default: (0, [])].thresholds.formUnion([constant, constant + 1])
        constants[a]?.count += 1
      default: break
      }
    }
    var found: [Int: Int] = [:]
    for (column, (count, thresholds)) in constants.sorted(by: { $0.key < $1.key })
    where count >= Program.rankedMin && thresholds.count < Int(UInt16.max) {
      let level = graph.levels[column]
      found[column] = ranks.count
      ranks.append(
        Ranks(
          column: column, level: level, thresholds: thresholds.sorted(),
          ranks: zeroed(capacities[Int(level.rawValue)])))
    }
    return found
  }

  /// 1 + position of a threshold: how many thresholds its values reach at least.
  private static func rank(of constant: Int64, in thresholds: [Int64]) -> Int64 {
    var low = 0
    var high = thresholds.count
    while low < high {
      let middle = (low + high) / 2
      if thresholds[middle] < constant { low = middle + 1 } else { high = middle }
    }
    return Int64(low + 1)
  }

  private func addStep(_ node: Int, _ graph: Graph, _ ranked: [Int: Int]) {
    let source = graph.nodes[node]
    if source.isColumn { return afterColumn(node, ranked) }
    let index = Int32(truncatingIfNeeded: node)
    var step = Step(kind: source.isNumber ? .number : .truth, level: graph.levels[node], node: index)
    switch source {
    case .constantNumber, .parameter: return
    case .spreadNumber(let a, _) where Program.constant(graph.nodes[a]) != nil: return
    case .atLeast(let a, let constant), .equals(let a, let constant):
      var isAtLeast = false
      if case .atLeast = source { isAtLeast = true }
      step.a = Int32(truncatingIfNeeded: a)
      if let rank = ranked[a], isAtLeast || constant < .max {
        step.kind = isAtLeast ? .rankAtLeast : .rankEquals
        step.b = Int32(truncatingIfNeeded: rank)
        step.constant = Program.rank(of: constant, in: ranks[rank].thresholds)
      } else {
        step.kind = isAtLeast ? .atLeast : .equals
        step.constant = constant
      }
    case .atLeastNumber(let a, let b), .equalsNumber(let a, let b):
      if case .atLeastNumber = source { step.kind = .atLeastNumber } else { step.kind = .equalsNumber }
      step.a = Int32(truncatingIfNeeded: a)
      step.b = Int32(truncatingIfNeeded: b)
    case .and(let terms):
      step.kind = .and
      step.a = Int32(truncatingIfNeeded: operands.count)
      step.b = Int32(truncatingIfNeeded: terms.count)
      for term in terms {
        let planes = planes(term)
        operands.append(UnsafePointer(planes.t))
        operands.append(UnsafePointer(planes.f))
      }
    case .textEquals:
      step.kind = .textEquals
      textNodes.append(node)
    case .listContains, .textTest: textNodes.append(node)
    case .orderList(let slot):
      step.kind = .orderList
      step.a = Int32(truncatingIfNeeded: slot)
    default: break
    }
    steps.append(step)
    if source.isNumber { afterColumn(node, ranked) }
  }

  /// The search on a column follows what computes it.
  private func afterColumn(_ node: Int, _ ranked: [Int: Int]) {
    guard let rank = ranked[node] else { return }
    steps.append(
      Step(
        kind: .rank, level: ranks[rank].level, node: Int32(truncatingIfNeeded: node),
        b: Int32(truncatingIfNeeded: rank)))
  }

  func bindTexts(_ graph: Graph, _ dictionary: StringDictionary) {
    textSizes.removeAll(keepingCapacity: true)
    substrings?.forget()
    for node in textNodes {
      switch graph.nodes[node] {
      case .textEquals(_, let text), .listContains(_, let text):
        codes[node] = text.withUnsafeBufferPointer { dictionary.intern($0) }
      default: memos[node] = []
      }
    }
    for index in steps.indices where steps[index].kind == .textEquals {
      steps[index].constant = Int64(codes[Int(steps[index].node)] ?? 0)
    }
  }
}
