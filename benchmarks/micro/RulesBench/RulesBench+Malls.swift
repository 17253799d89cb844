import EvaluateStage
import Glibc
import Orders
import Rules
import Topics

/// Many malls in one batch, changes of one mall, records as they come over the wire, files of one's own.
extension RulesBench {
  static func measureMalls(root: String) throws {
    let count = 10_000
    let files = try BenchmarkRules.malls(count, root: root)
    var books: [RuleBook] = []
    var malls: [MallPlan] = []
    var reading: [Cost] = []
    var compiling: [Cost] = []
    for _ in 0..<runs {
      malls = []
      books = []
      reading.append(
        Cost { if let book = try? RuleBook.load(files: files, installsTemplates: false) { books = [book] } })
      compiling.append(Cost { malls = books.compactMap { try? MallPlan($0) } })
    }
    guard let book = books.first, let mallPlan = malls.first else {
      throw BenchmarkRules.Failure(description: "the malls do not load")
    }
    let all = zip(reading, compiling).map(+)
    print(
      "10,000 malls × 20 rules, s of the clock: reading the files \(spread(reading.map(\.wall), 2)), sets and plan",
      "\(spread(compiling.map(\.wall), 2)), together \(spread(all.map(\.wall), 2)); CPU of both threads",
      "\(spread(all.map(\.cpu), 2)); \(mallPlan.plan.nodeCount) nodes")
    let sets = (0..<count).map { book.ruleSet(mall: "m\($0)", shop: 1) }
    let plan = try Plan(sets)
    try measureSwitch(plan, root: root)
    for _ in 0..<2 {
      try measure("1 × 20", [sets[0]])
      try measure("100 × 20", Array(sets.prefix(100)))
      try measure("10k × 20", plan)
    }
  }

  /// What something takes by the clock, and of all threads' CPU.
  struct Cost {
    var wall = 0.0
    var cpu = 0.0

    init(_ body: () -> Void) {
      let before = (Cost.now(CLOCK_MONOTONIC), Cost.now(CLOCK_PROCESS_CPUTIME_ID))
      body()
      wall = Cost.now(CLOCK_MONOTONIC) - before.0
      cpu = Cost.now(CLOCK_PROCESS_CPUTIME_ID) - before.1
    }

    private static func now(_ clock: clockid_t) -> Double {
      var time = timespec()
      clock_gettime(clock, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func + (left: Cost, right: Cost) -> Cost {
      var sum = left
      sum.wall += right.wall
      sum.cpu += right.cpu
      return sum
    }
  }

  private static func measureSwitch(_ plan: Plan, root: String) throws {
    let next = try BenchmarkRules.malls(0, root: root) + [("new.yaml", BenchmarkRules.mall(123_457))]
    let set = try RuleBook.load(files: next, installsTemplates: false).ruleSet(mall: "m123457", shop: 1)
    let evaluator = Evaluator(plan: plan)
    let batch = filled(plan, malls: plan.ruleSets.count)[0]
    evaluator.evaluate(batch)
    var times: [Double] = []
    var stalls: [Double] = []
    for index in 0..<9 {
      var changed: Plan?
      times.append(seconds { changed = try? plan.replacing(index, with: set) })
      guard let changed else { throw BenchmarkRules.Failure(description: "no plan") }
      let evaluating = seconds { evaluator.evaluate(batch) }
      stalls.append(
        seconds {
          evaluator.adopt(changed)
          evaluator.evaluate(batch)
        } - evaluating)
      evaluator.adopt(plan)
      evaluator.evaluate(batch)
    }
    print(
      "switching one of 10,000 malls: next plan \(fixed(median(times) * 1e3, 2)) ms (most",
      "\(fixed((times.max() ?? 0) * 1e3, 2))), taken up in \(fixed(median(stalls) * 1e3, 2)) ms (most",
      "\(fixed((stalls.max() ?? 0) * 1e3, 2)))")
  }

  /// Records of topic `orders.enriched` with two items each, to columns and answers, and to whole decisions.
  static func measureWire(root: String) throws {
    let files = try BenchmarkRules.malls(1, root: root)
    let set = try RuleBook.load(files: files, installsTemplates: false).ruleSet(mall: "m0", shop: 1)
    let decider = Decider(plan: try Plan([set]))
    let records = EncodedArena((0..<20_000).map { EncodedRecords.record($0) })
    let places = records.places
    var bytes = 0
    func pass(_ finish: () -> Void) {
      for (index, place) in places.enumerated() {
        if decider.isFull { finish() }
        _ = decider.add(place, input: index)
      }
      finish()
    }
    let rounds = 25
    func measured(_ finish: () -> Void) -> [Double] {
      pass(finish)
      return (0..<runs).map { _ in seconds { for _ in 0..<rounds { pass(finish) } } }
    }
    let matching = measured { decider.match() }
    let deciding = measured { decider.decide { bytes &+= $0.bytes.count } }
    let orders = Double(rounds * places.count)
    print(
      "wire, \(records.byteCount / places.count) bytes an order, 20 rules: bytes → matches",
      "\(fixed(orders / median(matching) / 1e6, 2)) M orders/s",
      "(\(fixed(orders / (matching.max() ?? 1) / 1e6, 2))–\(fixed(orders / (matching.min() ?? 1) / 1e6, 2))),",
      "bytes → decisions \(fixed(orders / median(deciding) / 1e6, 2)) M orders/s", bytes == 0 ? "none" : "")
  }

  /// `--orders COLUMNS.csv --rules RULES.yaml [--runs N]`: matches per rule, and the time.
  static func measureFile(_ arguments: [String]) throws {
    func option(_ name: String) -> String? {
      arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
    guard let orders = option("--orders"), let rules = option("--rules") else {
      throw BenchmarkRules.Failure(description: "use: RulesBench --orders COLUMNS.csv --rules RULES.yaml")
    }
    let plan = try Plan([RuleSet.load(files: [(rules, try BenchmarkRules.text(of: rules))])])
    let file = try FactFile(path: orders, plan: plan)
    for name in file.ignored { print("column left out: \(name)") }
    let batches = file.batches(plan)
    let count = batches.reduce(0) { $0 + $1.count }
    let evaluator = Evaluator(plan: plan)
    var matches = [Int](repeating: 0, count: plan.rules.count)
    var unknown = matches
    for batch in batches {
      evaluator.evaluate(batch)
      for rule in plan.rules.indices {
        let isTrue = evaluator.trueRows(rule: rule)?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0
        let isFalse = evaluator.falseRows(rule: rule)?.reduce(0) { $0 + $1.nonzeroBitCount } ?? 0
        matches[rule] += isTrue
        unknown[rule] += batch.count - isTrue - isFalse
      }
    }
    print("rule,true,unknown")
    for (index, rule) in plan.rules.enumerated() {
      print("\(plan.ruleSets[0].rules[rule.rule].id),\(matches[index]),\(unknown[index])")
    }
    let times = (0..<(option("--runs").flatMap { Int($0) } ?? runs)).map { _ in
      seconds { for batch in batches { evaluator.evaluate(batch) } }
    }
    let time = median(times)
    print(
      "\(count) orders × \(plan.rules.count) rules: \(fixed(time * 1e3, 3)) ms",
      "(\(fixed((times.min() ?? 0) * 1e3, 3))–\(fixed((times.max() ?? 0) * 1e3, 3)) over \(times.count) runs),",
      "\(fixed(Double(count * plan.rules.count) / time / 1e6, 0)) M order·rules/s")
  }
}

/// Enriched records with what a shop's order has.
enum EncodedRecords {
  static func record(_ number: Int, mall: String = "demomall") -> EnrichedOrderValue {
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = mall
    snapshot.shopNo = 1
    snapshot.orderId = "20261010-\(1_000_000 + number)"
    snapshot.event = "order.placed"
    snapshot.eventTime = Instant(microseconds: 1_790_000_000_000_000 + Int64(number) * 1_000_000)
    snapshot.version = 1
    snapshot.placedAt = snapshot.eventTime
    snapshot.channel = "self"
    snapshot.currency = "KRW"
    snapshot.paymentStatus = number % 5 == 0 ? .unpaid : .paid
    snapshot.paymentMethods = [number % 7 == 0 ? "cash" : "card"]
    snapshot.items = (1...2).map { line in
      var item = ItemValue()
      item.itemCode = "\(snapshot.orderId)-0\(line)"
      item.productCode = "P00000\(number % 97)"
      item.sku = "P00000\(number % 97)00\(line)A"
      item.quantity = 1
      item.unitPrice = Int64(10_000 + number % 100 * 1_000)
      item.status = "N10"
      return item
    }
    var facts = FactsValue()
    facts.amountItems = Int64(20_000 + number % 100 * 2_000)
    facts.historyKnown = number % 13 != 0
    facts.historyOrders = Int64(number % 5)
    facts.historyAmount = Int64(number % 11) * 100_000
    facts.zones = [number % 29 == 0 ? "제주" : "none"]
    facts.ipCountry = number % 31 == 0 ? "US" : "KR"
    var record = EnrichedOrderValue()
    record.snapshot = snapshot
    record.facts = facts
    record.latestVersion = 1
    record.own = true
    return record
  }
}
