import Testing

@testable import History

@Suite struct DemandPlanTests {
  private static func lists(_ names: Range<Int>) -> ReferenceData {
    var builder = ReferenceBuilder()
    let rows = names.map { "list-\($0),S\($0),,,\n" }.joined()
    Array(("list,sku,valid_from,valid_to,note\n" + rows).utf8).withUnsafeBytes {
      builder.add(.lists, $0, file: "lists.csv")
    }
    return builder.build()
  }

  /// Folds one order of a mall, with the items of two SKUs, and returns its facts.
  private func facts(
    _ folder: HistoryFolder, mall: String, shop: Int32 = 1, skus: [String]
  ) throws -> ReadRecord.Facts {
    let order = SnapshotBuilder("A", at: 0).with {
      $0.mall = mall
      $0.shop = shop
      $0.items = skus.enumerated().map { .init(code: "i\($0.offset)", product: "", sku: $0.element) }
    }
    var facts = ReadRecord.Facts()
    try order.bytes.withUnsafeBytes { bytes in
      let summary = try SnapshotSummary(bytes)
      _ = try folder.fold(
        bytes, position: InputPosition(partition: 0, offset: 0),
        into: CustomerHistory(customer: summary.customer(in: bytes))
      ) { facts = ReadRecord($0.bytes).facts }
    }
    return facts
  }

  @Test func eachMallHasTheBitsOfItsOwnListsHoweverManyAllOfThemName() throws {
    var own: [DemandScope: FactDemand] = [:]
    for mall in 0..<1_000 {
      own[DemandScope(mall: "mall\(mall)")] = FactDemand(lists: ["list-\(mall)", "none"])
    }
    let plan = DemandPlan(FactDemand(lists: ["list-7"], needsStock: true), own: own)
    #expect(plan.demands.count == 1_001)
    let folder = HistoryFolder(reference: Self.lists(0..<1_000), plan: plan)
    // There and back again: nothing is left of the mall before.
    for mall in [0, 999, 0, 500, 501, 999] {
      let facts = try facts(folder, mall: "mall\(mall)", skus: ["S7", "S\(mall)"])
      #expect(facts.lists == ["list-\(mall)"] && facts.listsMissing == ["none"])
      #expect(facts.itemLists == [0, 1] && !facts.stockMissing)
    }
    let other = try facts(folder, mall: "mall1000", skus: ["S7", "S500"])
    #expect(other.lists == ["list-7"] && other.itemLists == [1, 0] && other.stockMissing)
  }

  @Test func aShopGoesBeforeItsMallAndEqualDemandsAreKeptOnce() throws {
    let one = FactDemand(lists: ["list-1"])
    let two = FactDemand(lists: ["list-2"])
    let plan = DemandPlan(
      one,
      own: [
        DemandScope(mall: "a"): two, DemandScope(mall: "a", shop: 2): one,
        DemandScope(mall: "a", shop: 3): two,
        DemandScope(mall: "b"): one, DemandScope(mall: "c", shop: 1): two,
      ])
    #expect(plan.demands == [one, two])
    func list(_ mall: String, _ shop: Int32) -> [String] { plan.demand(mall: mall, shop: shop).lists }
    #expect(list("a", 1) == ["list-2"] && list("a", 2) == ["list-1"] && list("a", 3) == ["list-2"])
    #expect(list("b", 1) == ["list-1"] && list("c", 1) == ["list-2"] && list("c", 2) == ["list-1"])
    #expect(plan.find(Array("b".utf8)) == nil)
    let folder = HistoryFolder(reference: Self.lists(0..<3), plan: plan)
    for (mall, shop, expected) in [
      ("a", 1, 2), ("a", 2, 1), ("a", 3, 2), ("c", 2, 1), ("c", 1, 2), ("z", 9, 1),
    ] {
      let facts = try facts(folder, mall: mall, shop: Int32(shop), skus: ["S1", "S2"])
      #expect(facts.lists == ["list-\(expected)"] && facts.itemLists == (expected == 1 ? [1, 0] : [0, 1]))
    }
  }

  @Test func siblingsOfOtherShopsOfTheMallHaveTheFactsOfTheirOwn() throws {
    let window = ClaimWindow(scope: .returns, months: 3)
    let plan = DemandPlan(
      FactDemand(), own: [DemandScope(mall: "demomall", shop: 2): FactDemand(claimWindows: [window, window])])
    let folder = HistoryFolder(reference: .empty, plan: plan)
    let customer = CustomerHistory(customer: SnapshotBuilder("x", at: 0).identity)
    var last: [String: [Int64]] = [:]
    func fold(_ snapshot: SnapshotBuilder, _ offset: Int64) throws {
      try snapshot.bytes.withUnsafeBytes {
        _ = try folder.fold($0, position: InputPosition(partition: 0, offset: offset), into: customer) {
          let record = ReadRecord($0.bytes)
          last[record.order] = record.facts.claims
        }
      }
    }
    try fold(SnapshotBuilder("A", at: 0).with { $0.shop = 2 }, 0)
    let other = SnapshotBuilder("B", at: 10)
    try fold(other, 1)
    #expect(last == ["A": [0, 0], "B": []])
    try fold(
      other.later(20, version: 2) {
        $0.claims = [.init(completedAt: SnapshotBuilder.minute(-5), items: [(code: "i1", quantity: 1)])]
      }, 2)
    #expect(last == ["A": [1, 1], "B": []])
  }

  @Test func anOtherPlanTakesEffectWithTheNextFold() throws {
    let folder = HistoryFolder(reference: Self.lists(0..<5), plan: DemandPlan(FactDemand(lists: ["list-1"])))
    #expect(try facts(folder, mall: "m", skus: ["S1", "S2"]).itemLists == [1, 0])
    let next = PlannedDemands(
      DemandPlan(
        FactDemand(lists: ["list-1", "list-2"]), own: [DemandScope(mall: "m"): FactDemand(lists: ["list-2"])])
    )
    let former = folder.inUse
    folder.use(next)
    #expect(try facts(folder, mall: "m", skus: ["S1", "S2"]).itemLists == [0, 1])
    #expect(try facts(folder, mall: "n", skus: ["S1", "S2"]).itemLists == [1, 2])
    folder.use(former)
    #expect(try facts(folder, mall: "m", skus: ["S1", "S2"]).itemLists == [1, 0])
  }

  @Test func whatIsWatchedIsComparedByMallAndShop() {
    let hour: Int64 = 3_600_000_000
    let unpaid = FactDemand(timed: [TimedFact(.unpaid, span: hour)])
    let both = FactDemand(timed: [TimedFact(.unshipped, span: hour), TimedFact(.unpaid, span: hour)])
    let duplicates = FactDemand(timed: [TimedFact(.duplicates, span: hour)])
    let none = DemandPlan(FactDemand())
    let shared = DemandPlan(unpaid)
    let own = DemandPlan(
      unpaid, own: [DemandScope(mall: "a", shop: 3): both, DemandScope(mall: "b"): unpaid])
    #expect(!none.watchesDeadlines && shared.watchesDeadlines && own.watchesDeadlines)
    #expect(
      DemandPlan(duplicates).watchesHash == none.watchesHash && !DemandPlan(duplicates).watchesDeadlines)
    #expect(shared.watchesMore(than: none) && !none.watchesMore(than: shared))
    #expect(own.watchesMore(than: shared) && !shared.watchesMore(than: own))
    #expect(own.watchesMore(than: shared, mall: Array("a".utf8), shop: 3))
    #expect(!own.watchesMore(than: shared, mall: Array("a".utf8), shop: 1))
    // A mall that asks for less than the others.
    let less = DemandPlan(unpaid, own: [DemandScope(mall: "a"): FactDemand()])
    #expect(less.watchesHash != shared.watchesHash && shared.watchesMore(than: less))
    #expect(!less.watchesMore(than: shared) && !own.watchesMore(than: own))
  }
}
