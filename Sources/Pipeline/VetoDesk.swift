internal import ApplyStage
internal import Files
internal import Kafka
public import Orders
public import Stage
public import Topics

/// Vetoes of people on labels of ours: which there are, from apply's ledger, and the act that lifts them, a record among
/// the decisions.
public struct VetoDesk {
  public struct Entry: Sendable {
    public var order: OrderIdentity
    public var veto: LabelVetoValue
  }

  /// Bytes of a note.
  public static let noteBytesMax = 200

  private let broker: BrokerAccess
  private let topics: TopicNames

  public init(_ broker: BrokerAccess, topics: TopicNames = TopicNames()) {
    self.broker = broker
    self.topics = topics
  }

  /// Vetoes, sorted by mall, shop and order.
  public func list(mall: String? = nil, order: String? = nil) throws -> [Entry] {
    let count = try broker.partitionCount(topics.applyChangelog)
    let partitions = mall.map { [partition(of: $0, among: count)] } ?? Array(0..<Int32(count))
    var found: [[UInt8]: AppliedLedgerValue] = [:]
    for partition in partitions {
      try read(partition) { key, identity, ledger in
        guard mall == nil || identity.mallId == mall, order == nil || identity.orderId == order else {
          return
        }
        found[key] = ledger.flatMap { $0.vetoes.isEmpty ? nil : $0 }
      }
    }
    return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { key, ledger in
      guard let order = key.withUnsafeBytes({ LedgerKey.identity($0) }) else { return [Entry]() }
      return ledger.vetoes.map { Entry(order: order, veto: $0) }
    }
  }

  /// Writes the act behind the decisions of the order's mall. Returns where it stands: partition of `decisions`.
  ///
  /// Throws `UserError` when there is no such order, or no such veto on it.
  public func lift(_ lift: VetoLiftValue, of order: OrderIdentity) throws -> Int32 {
    let count = try broker.partitionCount(topics.applyChangelog)
    var last: AppliedLedgerValue?
    try read(partition(of: order.mallId, among: count)) { _, identity, ledger in
      if identity == order { last = ledger }
    }
    guard let last else {
      throw UserError("apply knows of no order \(order.orderId) of \(order.mallId)/\(order.shopNo)")
    }
    let ofLabel = last.vetoes.filter { $0.label.utf8.elementsEqual(lift.label.utf8) }
    guard ofLabel.contains(where: { lift.rule.isEmpty || $0.rules.contains(lift.rule) }) else {
      let known = Set(last.vetoes.map(\.label)).sorted().joined(separator: ", ")
      throw UserError(
        "there is no veto on \(lift.label)\(lift.rule.isEmpty ? "" : " of rule \(lift.rule)") on that order"
          + (known.isEmpty ? "" : "\n  hint: there are vetoes on \(known)"))
    }
    return try send(DecisionValue(lifting: lift, of: order))
  }

  /// What is wrong with a note; nil: nothing. A note is read by many: nothing that looks like a person's number or
  /// address belongs there.
  public static func problem(ofNote note: String) -> String? {
    if note.isEmpty { return "say why: --note" }
    if note.utf8.count > noteBytesMax { return "the note has more than \(noteBytesMax) bytes" }
    if note.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
      return "the note has control characters"
    }
    var digits = 0
    for scalar in note.unicodeScalars {
      if scalar == "@" { return "the note seems to name an e-mail address: personal data never goes there" }
      if ("0"..."9").contains(scalar) { digits += 1 } else if scalar != "-", scalar != " " { digits = 0 }
      if digits >= 8 { return "the note seems to name a number of a person: personal data never goes there" }
    }
    return nil
  }

  private func partition(of mall: String, among count: Int) -> Int32 {
    Array(mall.utf8).withUnsafeBytes { Partitioner.partition(forKey: $0, count: count) }
  }

  /// Each record of a partition of the ledger; nil: the order is no longer there.
  private func read(
    _ partition: Int32, _ body: ([UInt8], OrderIdentity, AppliedLedgerValue?) -> Void
  ) throws {
    let reader = try ChangelogReader(settings: broker.client)
    defer { reader.close() }
    let place = TopicPartition(topics.applyChangelog, partition)
    _ = try reader.readToEnd(place, from: nil) { key, value, _ in
      guard let key, let identity = LedgerKey.identity(key) else { return }
      body([UInt8](key), identity, value.flatMap { AppliedLedgerValue(protobuf: $0) })
    }
  }

  private func send(_ record: DecisionValue) throws -> Int32 {
    let producer = try broker.producer()
    defer { producer.close(timeoutMs: 1_000) }
    let topic = try broker.topic(topics.decisions, of: producer, readBy: nil)
    let key = Array(record.mallId.utf8)
    let partition = partition(of: record.mallId, among: topic.partitionCount)
    let sequence = try key.withUnsafeBytes { key in
      try record.protobuf.withUnsafeBytes {
        try producer.send(topic: topic, partition: partition, key: key, value: $0)
      }
    }
    guard producer.waitAcknowledged(through: sequence, timeoutMs: 30_000) else {
      throw UserError(
        "the broker did not acknowledge it: look at 'passflow labels veto list' before trying again")
    }
    return partition
  }
}
