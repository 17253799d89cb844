import Rules

/// What an order costs as rules and malls grow, all cases in turn within one run: their ratios hold on a busy machine.
extension RulesBench {
  private final class GrowthCase {
    let name: String
    let rulesPerOrder: Int
    private let evaluator: Evaluator
    private let batches: [FactBatch]
    private let orders: Double
    var bits: [Double] = []
    var arranged: [Double] = []

    init(_ name: String, _ plan: Plan, rulesPerOrder: Int, orders: Int) {
      self.name = name
      self.rulesPerOrder = rulesPerOrder
      evaluator = Evaluator(plan: plan)
      batches = RulesBench.filled(plan, malls: plan.ruleSets.count, orders: orders)
      self.orders = Double(batches.reduce(0) { $0 + $1.count })
      for batch in batches.prefix(20) { evaluator.evaluate(batch) }
    }

    func round() {
      bits.append(RulesBench.seconds { for batch in batches { evaluator.evaluate(batch) } } / orders * 1e9)
      arranged.append(
        RulesBench.seconds {
          for batch in batches {
            evaluator.evaluate(batch)
            evaluator.arrangeByRow()
          }
        } / orders * 1e9)
    }
  }

  static let rounds = 9

  static func measureGrowth(root: String) throws {
    var cases: [GrowthCase] = []
    func add(_ name: String, _ sets: [RuleSet], orders: Int) throws {
      cases.append(
        GrowthCase(name, try Plan(sets), rulesPerOrder: sets.first?.rules.count ?? 0, orders: orders))
    }
    for count in [100, 1_000, 10_000] {
      try add(
        "1 mall × \(count)", [BenchmarkRules.varied(count: count)], orders: count == 10_000 ? 65_536 : 262_144
      )
    }
    let book = try RuleBook.load(
      files: try BenchmarkRules.malls(10_000, root: root), installsTemplates: false)
    let sets = (0..<10_000).map { book.ruleSet(mall: "m\($0)", shop: 1) }
    for count in [1, 100, 10_000] {
      try add(count == 1 ? "1 mall × 20" : "\(count) malls × 20", Array(sets.prefix(count)), orders: 262_144)
    }
    for _ in 0..<rounds { for one in cases { one.round() } }
    print("")
    print(
      "| case | columns → bits, ns an order | G order·rules/s | arranged per order, ns | ratio to one mall |")
    print("|---|---|---|---|---|")
    let one = cases.first { $0.name == "1 mall × 20" }
    for row in cases {
      let bits = median(row.bits)
      var ratio = ""
      if let one, row.rulesPerOrder == one.rulesPerOrder {
        let bitRatios = zip(one.bits, row.bits).map { $0 / $1 }
        let ratios = zip(one.arranged, row.arranged).map { $0 / $1 }
        ratio = "bits \(spread(bitRatios, 2)), arranged \(spread(ratios, 2))"
      }
      print(
        "| \(row.name) | \(spread(row.bits, 1)) | \(fixed(Double(row.rulesPerOrder) / bits, 2)) |",
        "\(spread(row.arranged, 1)) | \(ratio) |")
    }
  }

  /// Median (least–most).
  static func spread(_ values: [Double], _ decimals: Int) -> String {
    "\(fixed(median(values), decimals)) "
      + "(\(fixed(values.min() ?? 0, decimals))–\(fixed(values.max() ?? 0, decimals)))"
  }
}
