import Orders
import TestKit
import Testing
import Topics

@testable import History

/// Guests who become members (docs/design.md, "A guest who becomes a member"): whatever comes first and whoever dies,
/// the facts are those of orders that had been the member's from the start.
@Suite struct MergeTests {
  private static let demand = FactDemand(
    claimWindows: [ClaimWindow(scope: .returnsAndExchanges, months: 3)],
    timed: [TimedFact(.duplicates, span: 3_600_000_000)],
    aggregates: [HistoryAggregate(.orders, .span(86_400_000_000))], profile: .grade)

  private let guest = Person.phone(21)
  private let mail = Person.email(31)
  private let kim = Person.member(40)
  private let lee = Person.member(51)

  private enum Event {
    case order(SnapshotBuilder)
    case merge(Person, Person)
    case context(Person, order: String, at: Int64)
    case grade(Person, String, at: Int64)
  }

  private func send(_ event: Event, to world: MergeWorld) {
    switch event {
    case .order(let order): world.send(order)
    case .merge(let from, let to): world.send(from.merged(into: to))
    case .context(let person, let order, let minute):
      var context = ContextEventValue()
      (context.mallId, context.shopNo, context.orderId) = ("demomall", 1, order)
      context.customer = person.key
      context.ip = minute % 2 == 0 ? "8.8.8.8" : "9.9.9.9"
      context.at = Instant(microseconds: SnapshotBuilder.minute(minute))
      world.send(context)
    case .grade(let person, let grade, let minute):
      var profile = ProfileEventValue()
      (profile.mallId, profile.shopNo, profile.grade) = ("demomall", 1, grade)
      profile.customer = person.key
      profile.at = Instant(microseconds: SnapshotBuilder.minute(minute))
      world.send(profile)
    }
  }

  /// The same with every order the member's from the start, and nobody merged.
  private func reference(_ events: [Event], _ member: Person) throws -> [String: ReadRecord] {
    let world = MergeWorld(partitions: 1, demand: Self.demand)
    for event in events {
      switch event {
      case .order(let order): world.send(order.of(member))
      case .merge: continue
      case .context(_, let order, let minute):
        send(.context(member, order: order, at: minute), to: world)
      case .grade(let person, let grade, let minute):
        if person == member { send(.grade(person, grade, at: minute), to: world) }
      }
    }
    try world.runToTheEnd()
    #expect(world.refused.isEmpty)
    return world.said()
  }

  private var visit: [Event] {
    let first = SnapshotBuilder("G1", at: 10).of(guest)
    let second = SnapshotBuilder("G2", at: 30).of(guest)
    return [
      .order(first), .order(second), .merge(guest, kim), .order(SnapshotBuilder("M1", at: 40).of(kim)),
      .order(second.shipped(70, version: 2)), .order(first.cancelled(60, version: 2)),
    ]
  }

  /// Two orders of a guest, one left, one cancelled late; one of the member; the merge: all 720 orders of arrival, over
  /// three partitions whose owners read in any order, commit and die now and then.
  @Test func everyOrderOfArrivalEndsInTheFactsOfOneCustomer() throws {
    let events = visit
    let expected = try reference(events, kim)
    #expect(expected["M1"]?.facts.orders == 1 && expected["M1"]?.facts.partners == 0)
    // What the guest's orders say would be another thing without the merge.
    let apart = MergeWorld(partitions: 3, demand: Self.demand)
    for event in events { if case .merge = event { continue } else { send(event, to: apart) } }
    try apart.runToTheEnd()
    #expect(apart.said() != expected)
    var random = SeededGenerator.announced("merge permutations", seed: 41)
    for order in permutations(events.count) {
      let world = MergeWorld(partitions: 3, demand: Self.demand)
      for index in order {
        send(events[index], to: world)
        try disturb(world, &random)
      }
      try world.runToTheEnd()
      guard world.said() == expected, world.refused.isEmpty else {
        Issue.record("arrival \(order): \(world.said()) instead of \(expected), \(world.refused)")
        return
      }
      #expect(try world.orders(of: guest.identity) == 0 && world.orders(of: kim.identity) == 3)
    }
  }

  private func disturb(_ world: MergeWorld, _ random: inout SeededGenerator) throws {
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let partition = Int.random(in: world.partitions, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: world.commit(partition)
      case 1: world.die(partition)
      default: try world.step(partition)
      }
    }
  }

  private func permutations(_ count: Int) -> [[Int]] {
    guard count > 0 else { return [[]] }
    return permutations(count - 1).flatMap { shorter in
      (0..<count).map { place in
        var longer = shorter
        longer.insert(count - 1, at: place)
        return longer
      }
    }
  }

  /// Phone and e-mail of one person and a former member id: chains, or a circle, with repeats, beacons, grades and
  /// random orders, 100 times.
  @Test(arguments: [false, true]) func chainsAndCirclesEndAtOneCustomer(_ isCircle: Bool) throws {
    var random = SeededGenerator.announced("merge chains, circle \(isCircle)", seed: 43)
    // In a circle the least key has the orders; in a chain the last one.
    let member = isCircle ? kim : lee
    for round in 0..<100 {
      var events = randomEvents(&random, member)
      events += [.merge(guest, kim), .merge(mail, guest), .merge(kim, lee)]
      if isCircle { events.append(.merge(lee, kim)) }
      if round % 3 == 0 { events += [.merge(guest, kim), .merge(kim, lee)] }
      let expected = try reference(events, member)
      let world = MergeWorld(partitions: Int.random(in: 1...4, using: &random), demand: Self.demand)
      for event in events.shuffled(using: &random) {
        send(event, to: world)
        try disturb(world, &random)
      }
      try world.runToTheEnd()
      guard world.said() == expected, world.refused.isEmpty else {
        Issue.record("round \(round): \(world.said())\ninstead of\n\(expected)\n\(world.refused)")
        return
      }
      for person in [guest, mail, kim, lee] where person != member {
        #expect(try world.orders(of: person.identity) == 0)
      }
    }
  }

  private func randomEvents(_ random: inout SeededGenerator, _ member: Person) -> [Event] {
    var events: [Event] = [.grade(member, "gold", at: 20), .grade(member, "vip", at: 90)]
    for number in 0..<Int.random(in: 2...6, using: &random) {
      let person = [guest, mail, kim, lee][Int.random(in: 0..<4, using: &random)]
      let minute = Int64.random(in: 0...120, using: &random)
      var order = SnapshotBuilder("O\(number)", at: minute).of(person).with {
        $0.items[0].price = Int64(1 + number) * 10_000
      }
      events.append(.order(order))
      for version in 2..<Int64.random(in: 2...4, using: &random) {
        let later = minute + version * 10
        switch Int.random(in: 0..<4, using: &random) {
        case 0: order = order.shipped(later, version: version)
        case 1: order = order.cancelled(later, version: version)
        default: order = order.later(later, version: version) { $0.items[0].quantity += 1 }
        }
        // Now and then the order has its member id, or another of the person's keys, from then on.
        if Int.random(in: 0..<4, using: &random) == 0 {
          order = order.of([guest, mail, kim, lee][Int.random(in: 0..<4, using: &random)])
        }
        events.append(.order(order))
      }
      if Bool.random(using: &random) {
        events.append(.context(person, order: "O\(number)", at: minute + 5))
      }
    }
    return events
  }

  /// A beacon before the merge, one after it, one of an order that comes later: wherever the order lives, it knows them.
  @Test func beaconsGoWithTheirOrders() throws {
    let events: [Event] = [
      .context(guest, order: "G1", at: 9), .order(SnapshotBuilder("G1", at: 10).of(guest)),
      .merge(guest, kim),
      .context(guest, order: "G1", at: 12), .context(guest, order: "G2", at: 13),
      .order(SnapshotBuilder("G2", at: 14).of(guest)),
    ]
    let expected = try reference(events, kim)
    #expect(expected["G1"]?.facts.country == "US" && expected["G2"]?.facts.country == "JP")
    for order in permutations(events.count) {
      let world = MergeWorld(partitions: 3, demand: Self.demand)
      for index in order { send(events[index], to: world) }
      try world.runToTheEnd()
      guard world.said() == expected, world.refused.isEmpty else {
        Issue.record("arrival \(order): \(world.said()) instead of \(expected), \(world.refused)")
        return
      }
    }
  }

  /// Backtests and rule tests: the same facts, and no two records at one position.
  @Test func aRunWithoutABrokerTakesMergesToo() throws {
    let book = CustomerBook(folder: HistoryFolder(reference: .empty, demand: Self.demand))
    var last: [String: ReadRecord.Facts] = [:]
    var places: Set<[Int64]> = []
    for (number, event) in visit.enumerated() {
      var value: [UInt8] = []
      if case .order(let order) = event { value = order.bytes }
      if case .merge(let from, let to) = event { value = from.merged(into: to).ordersValue }
      try value.withUnsafeBytes { bytes in
        try book.take(bytes, position: InputPosition(partition: 0, offset: Int64(number))) { record in
          let read = ReadRecord(record.bytes)
          last[read.order] = read.facts
          let offset = EnrichedOrderValue(protobuf: record.bytes)?.position.offset ?? -1
          #expect(places.insert([offset, Int64(record.n)]).inserted)
        }
      }
    }
    #expect(try last == reference(visit, kim).mapValues(\.facts) && places.count > 6)
  }

  @Test func nothingOfAMovedOrderIsLeftInTheStateAndLateInputsFollowIt() throws {
    let world = MergeWorld(partitions: 2, demand: Self.demand)
    let order = SnapshotBuilder("G1", at: 10).of(guest)
    world.send(order)
    try world.runToTheEnd()
    for partition in world.partitions { world.commit(partition) }
    #expect(world.storedKeys(of: guest.identity) == 1)
    world.send(guest.merged(into: kim))
    try world.runToTheEnd()
    for partition in world.partitions { world.commit(partition) }
    #expect(world.storedKeys(of: guest.identity) == 0 && world.storedKeys(of: kim.identity) == 1)
    #expect(world.last["G1"]?.position.epoch == 1)
    for partition in world.partitions { world.die(partition) }
    world.send(order.cancelled(30, version: 2))
    try world.runToTheEnd()
    #expect(world.last["G1"]?.record.state == 2 && world.last["G1"]?.position.epoch == 1)
    #expect(try world.orders(of: guest.identity) == 0 && world.orders(of: kim.identity) == 1)
  }

  /// The order's newer snapshot carries the member already and is there before the guest's states.
  @Test func aSnapshotMayOvertakeTheStatesThatAreMoved() throws {
    let world = MergeWorld(partitions: 3, demand: Self.demand)
    let order = SnapshotBuilder("X", at: 10).of(guest)
    world.send(order)
    world.send(order.later(20, version: 2).of(kim))
    try world.runToTheEnd()
    #expect(world.last["X"]?.position.epoch == 0)
    world.send(guest.merged(into: kim))
    try world.runToTheEnd()
    #expect(world.last["X"]?.position.epoch == 1 && world.last["X"]?.latestVersion == 2)
    #expect(try world.orders(of: kim.identity) == 1)
  }

  /// A merge does not pull an order back that has gone to somebody else since.
  @Test func aNewerSnapshotOfAnotherCustomerStaysNewer() throws {
    let world = MergeWorld(partitions: 3, demand: Self.demand)
    let order = SnapshotBuilder("X", at: 10).of(guest)
    world.send(order)
    world.send(order.cancelled(20, version: 2).of(lee))
    world.send(guest.merged(into: kim))
    try world.runToTheEnd()
    #expect(world.last["X"]?.latestVersion == 2 && world.last["X"]?.record.state == 2)
  }

  @Test func ofTwoMembersWithOnePhoneTheOneToldFirstCounts() throws {
    let world = MergeWorld(partitions: 3, demand: Self.demand)
    world.send(SnapshotBuilder("G1", at: 10).of(guest))
    world.send(guest.merged(into: kim))
    world.send(guest.merged(into: lee))
    world.send(guest.merged(into: kim))
    try world.runToTheEnd()
    #expect(world.refused == [HistoryError.mergedElsewhere])
    #expect(try world.orders(of: kim.identity) == 1 && world.orders(of: lee.identity) == 0)
  }

  @Test func aCustomerCannotBeMergedIntoHimselfOrNobody() throws {
    let folder = HistoryFolder(reference: .empty, demand: Self.demand)
    let customer = CustomerHistory(customer: guest.identity)
    #expect(throws: HistoryError.invalidField("to")) {
      try folder.fold(guest.merged(into: guest), into: customer) { _ in }
    }
    var nobody = guest.merged(into: kim)
    nobody.to = nil
    #expect(throws: HistoryError.invalidField("to")) { try folder.fold(nobody, into: customer) { _ in } }
    #expect(throws: HistoryError.otherCustomer) {
      try folder.fold(kim.merged(into: guest), into: customer) { _ in }
    }
    #expect(!customer.isMerged && !customer.hasChanges)
  }

  /// A large order goes in several records, each small enough for the topic.
  @Test func manyStatesGoInSeveralRecords() throws {
    let folder = HistoryFolder(reference: .empty, demand: Self.demand)
    let customer = CustomerHistory(customer: guest.identity)
    let other = CustomerHistory(customer: kim.identity)
    let position = InputPosition(partition: 0, offset: 0)
    var random = SeededGenerator.announced("large states", seed: 3)
    for version in 1..<120 {
      let order = SnapshotBuilder("G1", version: Int64(version), at: Int64(version)).of(guest).with {
        $0.items = (0..<100).map { number in
          SnapshotBuilder.Line(
            code: "i\(number)", sku: "S\(UInt64.random(in: 0...UInt64.max, using: &random))")
        }
      }
      try order.bytes.withUnsafeBytes { _ = try folder.fold($0, position: position, into: customer) { _ in } }
    }
    let states = try #require(customer.orders.first?.snapshots)
    var moved: [MovedRecord] = []
    #expect(try folder.fold(guest.merged(into: kim), into: customer) { moved.append($0) })
    #expect(moved.count > 1 && moved.allSatisfy { $0.value.count < 2 << 20 })
    for record in moved.reversed() {
      let value = try #require(record.value.withUnsafeBytes { MovedOrderValue(orders: $0) })
      try folder.fold(value, position: position, into: other) { _ in }
    }
    #expect(other.orders.first?.snapshots.map(\.bytes) == states.map(\.bytes))
    #expect(try !folder.fold(guest.merged(into: kim), into: customer) { _ in Issue.record("moved again") })
  }

  @Test func damagedRecordsAreRefusedAndChangeNothing() throws {
    let folder = HistoryFolder(reference: .empty, demand: Self.demand)
    let customer = CustomerHistory(customer: guest.identity)
    let position = InputPosition(partition: 0, offset: 0)
    let order = SnapshotBuilder("G1", at: 10).of(guest)
    try order.bytes.withUnsafeBytes { _ = try folder.fold($0, position: position, into: customer) { _ in } }
    var records: [[UInt8]] = []
    try folder.fold(guest.merged(into: kim), into: customer) { records.append($0.value) }
    let sound = try #require(records[0].withUnsafeBytes { MovedOrderValue(orders: $0) })
    let other = CustomerHistory(customer: kim.identity)
    for cut in 0..<sound.ledger.count {
      var short = sound
      short.ledger = Array(sound.ledger.prefix(cut))
      #expect(throws: HistoryError.self) { try folder.fold(short, position: position, into: other) { _ in } }
    }
    var foreign = sound
    foreign.orderId = "Z"
    #expect(throws: HistoryError.malformedRecord) {
      try folder.fold(foreign, position: position, into: other) { _ in }
    }
    #expect(other.orderCount == 0 && !other.hasChanges)
    let outcome = try folder.fold(sound, position: position, into: other) { _ in }
    #expect(outcome.emitted == 1 && !outcome.isDuplicate)
    let again = try folder.fold(sound, position: position, into: other) { _ in }
    #expect(again.emitted == 0 && again.isDuplicate)
    // A forwarding record of somebody else, or cut short, is found out when it is read.
    var stored: [[UInt8]: [UInt8]] = [:]
    customer.changedRecords { stored[[UInt8]($0)] = [UInt8]($1) }
    #expect(stored.count == 1)
    for (key, value) in stored {
      #expect(try CustomerHistory(customer: guest.identity, records: [(key, value)]).isMerged)
      #expect(throws: HistoryError.otherCustomer) {
        try CustomerHistory(customer: mail.identity, records: [(key, value)])
      }
      #expect(throws: HistoryError.malformedRecord) {
        try CustomerHistory(customer: guest.identity, records: [(key, Array(value.prefix(4)))])
      }
    }
  }
}
