import EvaluateStage
import Rules
import Topics

/// Whole decisions for the orders of many malls through one decider, and what a change of rules costs.
extension RulesBench {
  static func measureDecisions(root: String) throws {
    let count = 10_000
    let files = try BenchmarkRules.malls(count, root: root)
    let book = try RuleBook.load(files: files, installsTemplates: false)
    let one = try MallPlan(shared: book.ruleSet(mall: "m0", shop: 1))
    let many = try MallPlan(book)
    let records = EncodedArena((0..<20_000).map { EncodedRecords.record($0, mall: "m\($0 % count)") })
    var bytes = 0
    func rate(_ malls: MallPlan) -> () -> Double {
      let decider = Decider(malls)
      func pass() {
        for (index, place) in records.places.enumerated() {
          if decider.isFull { decider.decide { bytes &+= $0.bytes.count } }
          _ = decider.add(place, input: index)
        }
        decider.decide { bytes &+= $0.bytes.count }
      }
      pass()
      let rounds = 10
      return { Double(rounds * records.places.count) / seconds { for _ in 0..<rounds { pass() } } / 1e6 }
    }
    let measureOne = rate(one)
    let measureMany = rate(many)
    var rates: (one: [Double], many: [Double]) = ([], [])
    for _ in 0..<runs {
      rates.one.append(measureOne())
      rates.many.append(measureMany())
    }
    print(
      "bytes → decisions, 20 rules: 1 mall \(fixed(median(rates.one), 2)) M orders/s, 10,000 malls",
      "\(fixed(median(rates.many), 2)) M orders/s, ratio \(fixed(median(rates.many) / median(rates.one), 2))",
      "(\(fixed((zip(rates.many, rates.one).map(/).min() ?? 0), 2))–",
      "\(fixed((zip(rates.many, rates.one).map(/).max() ?? 0), 2)))", bytes == 0 ? "none" : "")
    try measureChanges(book, many, records)
  }

  /// The shared rules change for all malls, then those of one: making the next plan, and taking it up.
  private static func measureChanges(_ book: RuleBook, _ plan: MallPlan, _ records: EncodedArena) throws {
    let own = book.effective
    let shared = try RuleSet.load(
      files: [("new.yaml", "rules:\n  - {id: new, if: amount.items >= 7, then: {labels: [NEW]}}")])
    func layered(_ set: RuleSet) -> RuleSet {
      (try? RuleSet.layered([shared, set], hash: RuleSet.layeredHash([shared.hash, set.hash]))) ?? set
    }
    var next = own
    let layering = seconds { next = own.mapValues { layered($0) } }
    let former = DecisionRules(plan)
    func changed(_ shared: RuleSet, _ own: [RuleScope: RuleSet]) -> DecisionRules? {
      (try? plan.changed(shared: shared, own: own)).map { DecisionRules($0, after: former) }
    }
    var all: DecisionRules?
    let compiling = seconds { all = changed(shared, next) }
    var others = own
    others[RuleScope(mall: "m77")] = layered(own[RuleScope(mall: "m77")] ?? shared)
    var single: DecisionRules?
    let changing = (0..<5).map { _ in seconds { single = changed(book.shared, others) } }
    guard let all, let one = single else {
      throw BenchmarkRules.Failure(description: "the rules do not change")
    }
    let decider = Decider(former)
    func batch() -> Double {
      for (index, place) in records.places.prefix(4_000).enumerated() { _ = decider.add(place, input: index) }
      return seconds { decider.decide { _ in } }
    }
    func stall(_ next: DecisionRules) -> Double {
      _ = batch()
      let usual = batch()
      let adopting = seconds { decider.adopt(next) }
      return adopting + batch() - usual
    }
    var stalls: (all: [Double], one: [Double]) = ([], [])
    for _ in 0..<runs {
      stalls.all.append(stall(all))
      decider.adopt(former)
      stalls.one.append(stall(one))
      decider.adopt(former)
    }
    func ms(_ values: [Double]) -> String {
      "\(fixed(median(values) * 1e3, 2)) ms (most \(fixed((values.max() ?? 0) * 1e3, 2)))"
    }
    print(
      "new shared rules under 10,000 malls: laying over each other \(fixed(layering, 2)) s, next plan",
      "\(fixed(compiling, 2)) s, both beside the lane; the lane stands still for \(ms(stalls.all))")
    print("one mall's rules: next plan \(ms(changing)); the lane stands still for \(ms(stalls.one))")
  }
}

/// Records one after the other in memory of their own.
final class EncodedArena {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var places: [UnsafeRawBufferPointer] = []
  let byteCount: Int

  init(_ values: [EnrichedOrderValue]) {
    let records = values.map(\.protobuf)
    byteCount = records.reduce(0) { $0 + $1.count }
    memory = .allocate(byteCount: max(byteCount, 1), alignment: 16)
    var end = 0
    for record in records {
      let place = UnsafeMutableRawBufferPointer(rebasing: memory[end..<end + record.count])
      place.copyBytes(from: record)
      places.append(UnsafeRawBufferPointer(place))
      end += record.count
    }
  }

  deinit { memory.deallocate() }
}
