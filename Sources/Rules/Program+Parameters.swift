internal import CRuleKernels

/// Which comparisons of a program read their constants from the table of parameters themselves, and what the order of
/// its steps owes to that: all of them are one step, after everything that they compare.
struct ParameterUses {
  struct Test {
    var column: Int
    var kind: rule_parameter_test
    /// What is compared with the constant.
    var node: Int
  }

  /// By node.
  private(set) var tests: [Int: Test] = [:]
  /// Columns that other nodes read, by the node of the parameter.
  private(set) var stores: [Int: Int] = [:]
  /// By node: a test, or computed from one.
  private var late: [Bool]
  private var parameters: Set<Int> = []

  init(_ plan: Plan, _ nodes: [Int]) {
    let graph = plan.graph
    late = Array(repeating: false, count: graph.nodes.count)
    guard plan.parameters.table != nil else { return }
    for node in nodes {
      if case .parameter = graph.nodes[node] { parameters.insert(node) }
      graph.nodes[node].forEachOperand { if late[$0] { late[node] = true } }
      guard !late[node], let test = ParameterUses.test(node, graph) else { continue }
      tests[node] = test
      late[node] = true
    }
    for node in nodes where tests[node] == nil {
      graph.nodes[node].forEachOperand {
        if case .parameter(let column) = graph.nodes[$0] { stores[$0] = column }
      }
    }
  }

  /// A comparison of orders' numbers with a parameter.
  private static func test(_ node: Int, _ graph: Graph) -> Test? {
    func column(_ node: Int) -> Int? {
      if case .parameter(let column) = graph.nodes[node] { column } else { nil }
    }
    switch graph.nodes[node] {
    case _ where graph.levels[node] != .order: return nil
    case .atLeastNumber(let a, let b):
      if let place = column(b) { return Test(column: place, kind: rule_parameter_at_least, node: a) }
      return column(a).map { Test(column: $0, kind: rule_parameter_at_most, node: b) }
    case .equalsNumber(let a, let b):
      if let place = column(b) { return Test(column: place, kind: rule_parameter_equals, node: a) }
      return column(a).map { Test(column: $0, kind: rule_parameter_equals, node: b) }
    default: return nil
    }
  }

  /// A parameter that only tests read has no column.
  func isUnread(_ node: Int) -> Bool { parameters.contains(node) && stores[node] == nil }

  func isLate(_ node: Int) -> Bool { late[node] }
}

extension Program {
  func add(_ uses: ParameterUses) {
    tests = uses.tests.sorted { ($0.value.column, $0.key) < ($1.value.column, $1.key) }.map {
      ($0.key, $0.value)
    }
    for (node, column) in uses.stores.sorted(by: { $0.value < $1.value }) {
      stores.append(
        rule_parameter_use(
          place: Int32(truncatingIfNeeded: column), test: Int32(rule_parameter_store.rawValue), values: nil,
          known: nil, t: nil, f: nil, column: columnTable[node].values, step: 1))
    }
  }

  /// Looks up which columns are narrow in a plan: plans with one graph may differ in that.
  func bind(_ parameters: SetParameters) {
    wideTests.removeAll(keepingCapacity: true)
    wideTested.removeAll(keepingCapacity: true)
    narrowTests.removeAll(keepingCapacity: true)
    narrowTested.removeAll(keepingCapacity: true)
    for (node, test) in tests {
      let planes = planeTable[node]
      let column = columnTable[test.node]
      let narrow = parameters.narrow.flatMap {
        $0.columns.indices.contains(test.column) ? $0.columns[test.column] : nil
      }
      let use = rule_parameter_use(
        place: Int32(truncatingIfNeeded: narrow?.place ?? test.column), test: Int32(test.kind.rawValue),
        values: column.values, known: column.known, t: planes.t, f: planes.f, column: nil,
        step: narrow?.step ?? 1)
      if narrow == nil {
        wideTests.append(use)
        wideTested.append(test.node)
      } else {
        narrowTests.append(use)
        narrowTested.append(test.node)
      }
    }
  }

  /// Fact columns are another batch's.
  func placeTests() {
    for index in wideTests.indices {
      let column = columnTable[wideTested[index]]
      wideTests[index].values = UnsafePointer(column.values)
      wideTests[index].known = UnsafePointer(column.known)
    }
    for index in narrowTests.indices {
      let column = columnTable[narrowTested[index]]
      narrowTests[index].values = UnsafePointer(column.values)
      narrowTests[index].known = UnsafePointer(column.known)
    }
  }

  func storeParameters(_ parameters: SetParameters, _ batch: FactBatch, words: Int) {
    runWide(stores, parameters, batch, words)
  }

  func testParameters(_ parameters: SetParameters, _ batch: FactBatch, words: Int) {
    runWide(wideTests, parameters, batch, words)
    narrowTests.withUnsafeBufferPointer {
      guard let narrow = parameters.narrow, let first = $0.baseAddress, !$0.isEmpty else { return }
      rule_narrow_parameters(
        batch.ruleSets, UInt32(truncatingIfNeeded: narrow.count), narrow.base, narrow.width, first, $0.count,
        words)
    }
  }

  private func runWide(
    _ uses: [rule_parameter_use], _ parameters: SetParameters, _ batch: FactBatch, _ words: Int
  ) {
    uses.withUnsafeBufferPointer {
      guard let table = parameters.table, let first = $0.baseAddress, !$0.isEmpty else { return }
      rule_parameters(
        batch.ruleSets, UInt32(truncatingIfNeeded: table.count), table.base, table.width, first, $0.count,
        words)
    }
  }
}
