import Rules
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// What enrich computes for published rules: the policy, without a broker.
struct PublishedDemandTests {
  /// A topic `rules`, written by hand.
  private struct Log {
    var registry = RuleRegistry()
    private var end: Int64 = 0

    private mutating func add(_ key: String, _ value: [UInt8]) {
      Array(key.utf8).withUnsafeBytes { key in
        value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: end) }
      }
      end += 1
    }

    mutating func publish(_ text: String) throws -> String {
      var version = RuleVersionValue()
      version.hash = try RuleSet.load(files: [("r.yaml", text)]).hash
      version.files = [RuleFileValue(path: "r.yaml", text: text)]
      version.digest = RuleSet.textDigest([text])
      add(RuleRegistry.key(of: version), version.protobuf)
      return version.hash
    }

    /// Nil takes the scope's rules away.
    mutating func put(_ text: String?, _ mall: String = "", shop: Int32 = 0) throws {
      var activation = RuleActivationValue()
      activation.hash = try text.map { try publish($0) } ?? ""
      (activation.mallId, activation.shopNo) = (mall, shop)
      activation.number = Int64((registry.activations[activation.scope] ?? []).count) + 1
      activation.token = "t"
      add(RuleRegistry.key(of: activation), activation.protobuf)
    }
  }

  /// One rule for each list; the rules of one letter have the same ids.
  private static func rules(_ letter: String, _ lists: [String]) -> String {
    "rules:\n"
      + lists.enumerated().map {
        "  - {id: \(letter)\($0.offset), if: 'inList(\"\($0.element)\")', then: {labels: [X]}}\n"
      }.joined()
  }

  private static let base = rules("a", ["base"])

  private static func catalogue(_ base: String = base) throws -> RuleCatalogue {
    RuleCatalogue(base: RuleBook(shared: try RuleSet.load(files: [("base.yaml", base)])), isPlanning: false)
  }

  private static func demand(
    _ log: Log, _ catalogue: RuleCatalogue? = nil, before end: Int64 = .max, held: HeldScopes = [:]
  ) throws -> PublishedDemand {
    var demands = PublishedDemands()
    return try demands.of(
      RuleEdition(log.registry, rulesEnd: end, held: held), log.registry, try catalogue ?? Self.catalogue())
  }

  @Test func aVersionsFactsAreComputedUntilTwoOthersCameAfterIt() throws {
    var log = Log()
    #expect(try Self.demand(log).shared.lists == ["base"])
    var seen: [[String]] = []
    for list in ["v1", "v2", "v3", "v4"] {
      try log.put(Self.rules("a", [list]))
      seen.append(try Self.demand(log).shared.lists)
    }
    #expect(
      seen == [["base", "v1"], ["base", "v1", "v2"], ["v1", "v2", "v3"], ["v2", "v3", "v4"]])
    // A version that comes back is not counted twice; the rule files are the version before the first.
    try log.put(Self.rules("a", ["v3"]))
    #expect(try Self.demand(log).shared.lists == ["v2", "v3", "v4"])
    try log.put(nil)
    #expect(try Self.demand(log).shared.lists == ["base", "v3", "v4"])
    // Below an end nothing that came later counts.
    let second = try #require(log.registry.activations[.shared]?[1].offset)
    #expect(try Self.demand(log, before: second + 1).shared.lists == ["base", "v1", "v2"])
  }

  @Test func eachMallAsksForItsOwnAndForTheSharedOnesOnly() throws {
    var log = Log()
    try log.put(Self.rules("a", ["shared"]))
    for mall in 0..<20 { try log.put(Self.rules("b", ["list-\(mall)"]), "mall\(mall)") }
    try log.put(Self.rules("b", ["shop"]), "mall7", shop: 3)
    // A rule takes the place of the shared one with its id: whose list is still there when it goes again.
    try log.put(Self.rules("a", ["instead"]), "mall9")
    let demand = try Self.demand(log)
    #expect(demand.shared.lists == ["base", "shared"])
    #expect(demand.own[RegistryScope(mallId: "mall8")]?.lists == ["base", "list-8", "shared"])
    #expect(demand.own[RegistryScope(mallId: "mall7")]?.lists == ["base", "list-7", "shared"])
    #expect(
      demand.own[RegistryScope(mallId: "mall7", shopNo: 3)]?.lists == ["base", "list-7", "shared", "shop"])
    #expect(demand.own[RegistryScope(mallId: "mall9")]?.lists == ["base", "instead", "list-9", "shared"])
  }

  @Test func whatIsInForceGoesBeforeWhatWasAndAVersionIsComputedWholeOrNotAtAll() throws {
    var log = Log()
    let many = (0..<40).map { "v1-\($0)" }
    try log.put(Self.rules("a", many))
    try log.put(Self.rules("a", (0..<40).map { "v2-\($0)" }))
    let demand = try Self.demand(log).shared
    // 40 of the second; 40 more are too many, the files' one has room.
    #expect(demand.lists.count == 41 && demand.lists.contains("base") && !demand.lists.contains("v1-0"))
    #expect(demand.fitsARecord)
  }

  @Test func whatARecordHoldsBackWasNeverAskedFor() throws {
    var log = Log()
    try log.put(Self.rules("a", ["v1"]))
    try log.put(Self.rules("a", ["v2"]))
    #expect(try Self.demand(log, held: [.shared: 1]).shared.lists == ["base", "v1"])
    #expect(try Self.demand(log, held: [.shared: 0]).shared.lists == ["base"])
  }

  @Test func thePartsThatStayAreNotWorkedOutAgainAndTheAnswerIsTheSame() throws {
    var log = Log()
    let catalogue = try Self.catalogue()
    var demands = PublishedDemands()
    for step in 0..<12 {
      try log.put(Self.rules("a", ["s\(step / 3)"]), step % 3 == 0 ? "" : "mall\(step % 3)")
      let edition = RuleEdition(log.registry, rulesEnd: log.registry.activationsEnd)
      let kept = try demands.of(edition, log.registry, catalogue)
      let anew = try Self.demand(log)
      #expect(kept.shared == anew.shared && kept.own == anew.own)
    }
  }

  @Test func whatIsMissingIsWhatNoPlanOfEnrichHasYet() throws {
    var log = Log()
    let catalogue = try Self.catalogue()
    var demands = PublishedDemands()
    func missing(at end: Int64) throws -> [String] {
      try demands.missing(
        of: RuleEdition(log.registry, rulesEnd: .max), at: RuleEdition(log.registry, rulesEnd: end),
        log.registry,
        catalogue)
    }
    try log.put(Self.rules("a", ["v1"]))
    try log.put(Self.rules("a", ["v2"]))
    let second = log.registry.activationsEnd
    // A rollback asks for nothing new, nor does the one after it.
    try log.put(Self.rules("a", ["v1"]))
    #expect(try missing(at: second) == [])
    try log.put(nil)
    #expect(try missing(at: second) == [])
    try log.put(Self.rules("a", ["v3"]), "mall")
    let own = log.registry.activationsEnd
    try log.put(nil, "mall")
    #expect(try missing(at: own) == [])
    try log.put(Self.rules("a", ["v3"]), "mall")
    #expect(try missing(at: second) == ["inList(\"v3\")"])
    #expect(try missing(at: log.registry.activationsEnd) == [])
    #expect(try missing(at: 0) == ["inList(\"v3\")"])
    // The same list by another mall is that mall's affair.
    let third = log.registry.activationsEnd
    try log.put(Self.rules("a", ["v3"]), "other")
    #expect(try missing(at: third) == ["inList(\"v3\")"])
  }

  @Test func ofTheAnnouncementsTheFurthestOfEachPartitionCounts() {
    var progress = DemandProgress()
    func tell(_ partition: Int32, _ end: Int64) {
      var told = RuleSwitchValue(rulesEnd: end, held: [:])
      (told.partition, told.partitionCount) = (partition, 3)
      progress.take(told)
    }
    #expect(progress.isEmpty && !progress.hasReached(0))
    #expect(progress.reached == [RuleSwitchValue()])
    tell(0, 5)
    #expect(progress.behind(5) == [1, 2] && !progress.hasReached(5))
    tell(1, 7)
    tell(2, 5)
    tell(1, 4)
    #expect(progress.hasReached(5) && progress.behind(6) == [0, 2])
    #expect(progress.reached.map(\.rulesEnd) == [5, 7])
  }
}
