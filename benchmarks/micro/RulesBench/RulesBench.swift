import Glibc
import Orders
import Rules

/// Measures the rule engine on one thread: `RulesBench [ROOT [PART]]`, where ROOT (default: here) holds
/// `config/` and PART is 19, 100, 1000, 10000, malls, decisions, switch, growth, allocations, wire or fill (default:
/// all); or, on facts and rules of one's own, `RulesBench --orders COLUMNS.csv --rules RULES.yaml [--runs N]`.
///
/// A run fills batches of 4,096 orders until there are about a million, keeps all of them, and decides them;
/// medians of five runs, CPU time of the thread. *evaluate*: columns in memory → the true and false bits of every rule. *arrange*: the
/// same written out per order, as a decision carries it. Filling includes drawing the orders, which is also timed
/// alone.
@main
struct RulesBench {
  static let runs = 5
  static let orders = 1_000_000

  static func main() {
    do {
      if CommandLine.arguments.contains("--orders") { return try measureFile(CommandLine.arguments) }
      let root = CommandLine.arguments.dropFirst().first ?? "."
      print(
        "rules       nodes  evaluate: G order·rules/s   M orders/s   ns/order  + arrange: ns/order  M orders/s"
      )
      let only = CommandLine.arguments.dropFirst(2).first ?? ""
      func wanted(_ name: String) -> Bool { only.isEmpty || only == name }
      if wanted("19") { try measure("19 shipped", [BenchmarkRules.shipped(root: root)]) }
      for count in [100, 1_000, 10_000] where wanted("\(count)") {
        try measure("\(count) varied", [BenchmarkRules.varied(count: count)])
      }
      if wanted("malls") { try measureMalls(root: root) }
      if wanted("decisions") { try measureDecisions(root: root) }
      if wanted("switch") { try measureSwitching() }
      if wanted("growth") { try measureGrowth(root: root) }
      if wanted("allocations") { try measureAllocations(root: root) }
      if wanted("wire") { try measureWire(root: root) }
      if wanted("fill") { try measureFilling(BenchmarkRules.shipped(root: root)) }
    } catch {
      print("\(error)")
      exit(1)
    }
  }

  static func measure(_ name: String, _ sets: [RuleSet]) throws { try measure(name, Plan(sets)) }

  static func measure(_ name: String, _ plan: Plan) throws {
    let evaluator = Evaluator(plan: plan)
    let batches = filled(
      plan, malls: plan.ruleSets.count, orders: plan.rules.count == 10_000 ? orders / 10 : orders)
    let count = Double(batches.reduce(0) { $0 + $1.count })
    var bits: [Double] = []
    var written: [Double] = []
    var truths = 0
    for batch in batches.prefix(20) { evaluator.evaluate(batch) }
    for _ in 0..<runs {
      bits.append(seconds { for batch in batches { evaluator.evaluate(batch) } })
      written.append(
        seconds {
          for batch in batches {
            evaluator.evaluate(batch)
            evaluator.arrangeByRow()
            truths &+= evaluator.answers(row: 0).outcomes.reduce(0) { $0 &+ Int($1 & 1) }
          }
        })
    }
    let evaluate = median(bits)
    let arrange = median(written)
    let spread = "\(fixed((bits.min() ?? 0) / count * 1e9, 1))–\(fixed((bits.max() ?? 0) / count * 1e9, 1))"
    let rules = Double(plan.rules.count) / Double(plan.ruleSets.count)
    print(
      name.padded(11), String(plan.nodeCount).padded(6), fixed(count * rules / evaluate / 1e9, 3).padded(26),
      fixed(count / evaluate / 1e6, 2).padded(12), fixed(evaluate / count * 1e9, 1).padded(10),
      fixed(arrange / count * 1e9, 1).padded(20), fixed(count / arrange / 1e6, 2),
      "  spread ns/order \(spread)", truths == 0 ? "none true" : "")
  }

  static func filled(_ plan: Plan, malls: Int, orders: Int = RulesBench.orders) -> [FactBatch] {
    let dictionary = StringDictionary()
    var source = BenchmarkOrders(seed: 42)
    return (0..<(orders / FactBatch.ordersMax)).map { _ in
      let batch = FactBatch(layout: plan.layout, dictionary: dictionary)
      source.fill(batch, rows: FactBatch.ordersMax, malls: malls)
      return batch
    }
  }

  static func measureFilling(_ set: RuleSet) throws {
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout)
    var source = BenchmarkOrders(seed: 42)
    let rounds = orders / FactBatch.ordersMax
    let times = (0..<runs).map { _ in
      seconds {
        for _ in 0..<rounds {
          batch.reset()
          source.fill(batch, rows: FactBatch.ordersMax)
        }
      }
    }
    let perOrder = median(times) / Double(rounds * FactBatch.ordersMax) * 1e9
    print("filling: \(fixed(perOrder, 1)) ns/order with two items on average, drawing included")
  }

  /// CPU time of this thread: the machine may be busy with other things.
  static func seconds(_ body: () -> Void) -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    body()
    return now() - start
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  static func fixed(_ value: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    if value < 0 { return "-" + fixed(-value, decimals) }
    let scaled = Int((value * scale).rounded())
    let fraction = String(scaled % Int(scale) + Int(scale)).dropFirst()
    return "\(scaled / Int(scale)).\(fraction)"
  }
}

extension String {
  func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }
}
