import CAllocationCount
import EvaluateStage
import Rules
import Topics

/// Allocations of this thread in the loops that run once an order, when they are warm. More than none is an error.
extension RulesBench {
  static func measureAllocations(root: String) throws {
    var failures: [String] = []
    func check(_ name: String, orders: Int, _ pass: () -> Void) {
      for _ in 0..<3 { pass() }
      let before = passflow_allocations()
      pass()
      let made = Int(passflow_allocations() - before)
      print(
        "\(name): \(made) allocations for \(orders) orders, \(fixed(Double(made) / Double(orders), 4)) an order"
      )
      if made > 0 { failures.append(name) }
    }
    let counted = passflow_allocations()
    let shipped = try BenchmarkRules.shipped(root: root)
    guard passflow_allocations() > counted else {
      throw BenchmarkRules.Failure(description: "the allocations are not counted")
    }
    let files = try BenchmarkRules.malls(1_000, root: root)
    let book = try RuleBook.load(files: files, installsTemplates: false)
    let sets = (0..<1_000).map { book.ruleSet(mall: "m\($0)", shop: 1) }
    for (name, plan) in [
      ("19 shipped rules", try Plan([shipped])), ("1,000 malls × 20 rules", try Plan(sets)),
    ] {
      let evaluator = Evaluator(plan: plan)
      let batches = filled(plan, malls: plan.ruleSets.count, orders: 65_536)
      check("columns → answers per order, \(name)", orders: 65_536) {
        for batch in batches {
          evaluator.evaluate(batch)
          evaluator.arrangeByRow()
        }
      }
    }
    let decider = Decider(try MallPlan(book))
    let records = EncodedArena((0..<20_000).map { EncodedRecords.record($0, mall: "m\($0 % 1_000)") })
    var bytes = 0
    check("bytes → decisions, 1,000 malls × 20 rules", orders: records.places.count) {
      for (index, place) in records.places.enumerated() {
        if decider.isFull { decider.decide { bytes &+= $0.bytes.count } }
        _ = decider.add(place, input: index)
      }
      decider.decide { bytes &+= $0.bytes.count }
    }
    guard failures.isEmpty, bytes > 0 else {
      throw BenchmarkRules.Failure(description: "allocations in the hot loop: \(failures)")
    }
  }
}
