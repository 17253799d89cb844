import Testing

@testable import Kafka

/// A member that answers whatever the group asks, and remembers what it was given.
final class GroupMember {
  struct Record: Hashable {
    let partition: Int32
    let offset: Int64
    let value: Int
  }

  let consumer: Consumer
  let batch = MessageBatch()
  var owned: Set<TopicPartition> = []
  /// In the order of arrival.
  var records: [Record] = []
  var assignments = 0
  var revocations = 0
  var losses = 0
  /// What was read in between is read again by whoever comes next.
  var refusedCommits = 0
  /// Messages of partitions that were not ours when they came.
  var strays = 0
  /// Those that do not pass by themselves (a new topic is not known to every broker at once).
  var errors: [KafkaError] = []
  var distinct: Set<Int> { Set(records.map(\.value)) }
  /// Leaves the next rebalance unanswered.
  var isSilent = false

  init(_ settings: ClientSettings, _ topic: String, group: String, cooperative: Bool, sessionTimeoutMs: Int)
    throws
  {
    consumer = try Consumer(
      settings: settings, groupId: group,
      membership: .group(cooperative: cooperative, sessionTimeoutMs: sessionTimeoutMs))
    try consumer.subscribe([topic])
  }

  /// One poll with all that follows from it; a batch is committed at once.
  func step(waitMs: Int = 10) throws {
    let events = consumer.poll(into: batch, max: 50, timeoutMs: waitMs)
    var positions: [TopicPartition: Int64] = [:]
    for index in 0..<batch.count {
      let view = batch[index]
      let partition = TopicPartition(consumer.topics[Int(view.topicIndex)], view.partition)
      if !owned.contains(partition) { strays += 1 }
      records.append(
        Record(
          partition: view.partition, offset: view.offset, value: text(view.value).flatMap { Int($0) } ?? -1))
      positions[partition] = view.offset + 1
    }
    batch.release()
    for event in events { try take(event, &positions) }
    if !positions.isEmpty { try? consumer.commitAsync(positions.map { ($0.key, $0.value) }) }
  }

  private func take(_ event: ConsumerEvent, _ positions: inout [TopicPartition: Int64]) throws {
    switch event {
    case .assigned(let partitions):
      assignments += 1
      if isSilent { return }
      let committed = try consumer.committed(partitions)
      try consumer.finishAssignment(partitions.map { ($0, committed[$0] ?? 0) })
      owned.formUnion(partitions)
    case .revoked(let partitions, let lost):
      revocations += 1
      if lost { losses += 1 }
      if isSilent { return }
      let read = partitions.compactMap { one in consumer.nextOffset(of: one).map { (one, $0) } }
      if !lost {
        do { try consumer.commit(read) } catch {
          refusedCommits += 1
          #expect(error.remedy == .rejoin)
        }
      }
      try consumer.finishRevocation(partitions)
      for partition in partitions { positions[partition] = nil }
      owned.subtract(partitions)
    case .error(let error): if error.remedy != .retry { errors.append(error) }
    case .endOfPartition: break
    }
  }
}

/// Steps all members in turn until it holds; false: not within the time.
func step(_ members: [GroupMember], forMs: Int = 20_000, until holds: () -> Bool) throws -> Bool {
  let limit = deadline(inMs: forMs)
  while !holds() {
    if monotonicMs() > limit { return false }
    for member in members { try member.step() }
  }
  return true
}

/// Two members come, share, and one leaves; the same for every broker and protocol.
struct GroupScenario {
  let settings: ClientSettings
  let topic: String
  let cooperative: Bool
  let sessionTimeoutMs: Int
  let partitions = 4

  func member() throws -> GroupMember {
    try GroupMember(
      settings, topic, group: "group-\(topic)-\(cooperative)", cooperative: cooperative,
      sessionTimeoutMs: sessionTimeoutMs)
  }

  func send(_ range: Range<Int>, _ producer: Producer, _ handle: TopicHandle) throws {
    for number in range { _ = try producer.sendText(handle, Int32(number % partitions), "", "\(number)") }
    #expect(producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 10_000))
  }

  /// All values there; each partition's offsets ascend for each member; once each, unless repeats are due.
  func check(_ members: [GroupMember], count: Int, repeatsAllowed: Bool = false) {
    let all = members.flatMap(\.records)
    #expect(Set(all.map(\.value)) == Set(0..<count))
    let mayRepeat = repeatsAllowed || members.contains { $0.refusedCommits > 0 }
    for member in members {
      #expect(member.strays == 0)
      #expect(member.errors.isEmpty, "\(member.errors)")
    }
    if mayRepeat { return }
    guard cooperative else { return checkOnce(members, count: count) }
    // librdkafka 2.0.2 can lose a commit made during a cooperative rebalance (#4059), so records come again. The
    // stages use the eager protocol, which is checked strictly.
    withKnownIssue("a commit is lost in a cooperative rebalance", isIntermittent: true) {
      checkOnce(members, count: count)
    }
  }

  private func checkOnce(_ members: [GroupMember], count: Int) {
    #expect(members.reduce(0) { $0 + $1.records.count } == count)
    for member in members {
      for partition in 0..<Int32(partitions) {
        let offsets = member.records.filter { $0.partition == partition }.map(\.offset)
        #expect(offsets == offsets.sorted())
      }
    }
  }

  func run() throws {
    let producer = try Producer(settings: settings)
    let handle = try producer.topic(topic)
    let first = try member()
    try send(0..<400, producer, handle)
    #expect(try step([first]) { first.distinct.count >= 400 })
    #expect(first.owned.count == partitions)
    let second = try member()
    // Messages go on coming while the group rebalances.
    try send(400..<800, producer, handle)
    let both = [first, second]
    #expect(try step(both) { first.owned.count == 2 && second.owned.count == 2 })
    #expect(first.owned.isDisjoint(with: second.owned))
    #expect(first.revocations > 0)
    try send(800..<1_200, producer, handle)
    #expect(try step(both) { first.distinct.union(second.distinct).count >= 1_200 })
    let start = monotonicMs()
    second.consumer.close()
    #expect(monotonicMs() - start < 4_000)
    try send(1_200..<1_600, producer, handle)
    #expect(try step([first]) { first.distinct.union(second.distinct).count >= 1_600 })
    #expect(first.owned.count == partitions)
    // The group heard of the leaving at once, not by a session's time-out.
    check(both, count: 1_600)
    first.consumer.close()
    #expect(producer.close())
  }
}
