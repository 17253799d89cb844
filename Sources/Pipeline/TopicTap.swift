import Kafka
public import Stage
import Topics

/// The records of one of PassFlow's topics as JSON lines: for a look into a running pipeline, and for checks.
///
/// Read committed, from each partition's beginning to the end it has when asked. No personal data: keys are
/// shown as a hash (a customer key is a digest already), orders without their address, dead letters without
/// their sealed bodies.
public struct TopicTap {
  /// What is shown of the topic.
  public struct Selection: Sendable {
    /// Only records of this order; nil: all.
    public var orderId: String?
    /// At most so many records; nil: all.
    public var limit: Int?

    public init() {}
  }

  private let broker: BrokerAccess
  private let topic: String
  private let kind: Kind
  private let selection: Selection
  private var json = JSONWriter(capacity: 16_384)
  private var shown = 0

  enum Kind { case decisions, actions, deadLetters, enriched, orders, other }

  public init(broker: BrokerAccess, topic: String, selection: Selection, names: TopicNames = TopicNames()) {
    self.broker = broker
    self.topic = topic
    self.selection = selection
    kind =
      switch topic {
      case names.decisions: .decisions
      case names.actions: .actions
      case names.deadLetters: .deadLetters
      case names.enriched: .enriched
      case names.orders: .orders
      default: .other
      }
  }

  /// Writes the lines to a file, by partition and offset; returns how many.
  public mutating func run(to path: String) throws -> Int {
    let file = try OutputFile(path)
    let partitions = try broker.partitionCount(topic)
    for partition in 0..<Int32(partitions) where shown < selection.limit ?? .max {
      let reader = try ChangelogReader(settings: broker.client)
      defer { reader.close() }
      _ = try reader.readToEnd(TopicPartition(topic, partition), from: nil) { key, value, offset in
        guard shown < selection.limit ?? .max else { return }
        if let wanted = selection.orderId, orderId(value) != wanted { return }
        line(partition, offset, key, value)
        try json.withBytes { try file.write($0) }
        json.removeAll()
        shown += 1
      }
    }
    try file.flush()
    return shown
  }

  private func orderId(_ value: UnsafeRawBufferPointer?) -> String? {
    guard let value else { return nil }
    switch kind {
    case .decisions: return DecisionValue(protobuf: value)?.orderId
    case .actions: return ActionValue(protobuf: value)?.orderId
    case .enriched: return EnrichedOrderValue(protobuf: value)?.snapshot?.orderId
    case .orders: return OrderSnapshotValue(protobuf: value)?.orderId
    case .deadLetters, .other: return nil
    }
  }

  private mutating func line(
    _ partition: Int32, _ offset: Int64, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?
  ) {
    json.beginObject()
    json.name("topic")
    json.string(topic)
    json.name("partition")
    json.integer(Int64(partition))
    json.name("offset")
    json.integer(offset)
    json.name("key_hash")
    json.string(key.map { TopicTap.hash($0) } ?? "")
    json.name("bytes")
    json.integer(Int64(value?.count ?? -1))
    json.name("hash")
    json.string(value.map { TopicTap.hash($0) } ?? "")
    if let value {
      if kind == .enriched, RuleSwitchValue.isControl(key) {
        ruleSwitch(RuleSwitchValue(protobuf: value))
      } else if kind == .orders, ReferenceSwitchValue.isHeld(by: value) {
        reference(value)
      } else if kind == .orders, RuleSwitchValue.isHeld(by: value) {
        ruleSwitch(RuleSwitchValue(orders: value))
      } else {
        fields(value)
      }
    }
    json.endObject()
    json.endLine()
  }

  private mutating func reference(_ value: UnsafeRawBufferPointer) {
    guard let entry = ReferenceSwitchValue(orders: value) else { return malformed() }
    json.name("reference")
    json.integer(entry.number)
    json.name("edition")
    json.string(entry.hash)
  }

  private mutating func fields(_ value: UnsafeRawBufferPointer) {
    switch kind {
    case .decisions:
      guard let decision = DecisionValue(protobuf: value) else { return malformed() }
      identity(decision.mallId, decision.shopNo, decision.orderId, decision.position)
      json.name("version")
      json.integer(decision.version)
      json.name("rule_set")
      json.string(decision.ruleSet)
      json.name("labels")
      json.strings(decision.labels.map(\.label))
      json.name("pending_on")
      json.strings(decision.pendingOn)
      if let lift = decision.vetoLift {
        json.name("veto_lift")
        json.string(lift.label)
      }
    case .actions:
      guard let action = ActionValue(protobuf: value) else { return malformed() }
      actionFields(action)
    case .enriched:
      guard let order = EnrichedOrderValue(protobuf: value), let snapshot = order.snapshot else {
        return malformed()
      }
      identity(snapshot.mallId, snapshot.shopNo, snapshot.orderId, order.position)
      json.name("version")
      json.integer(snapshot.version)
      json.name("own")
      json.bool(order.own)
      json.name("history_orders")
      json.integer(order.facts?.historyOrders ?? -1)
    case .orders:
      guard let snapshot = OrderSnapshotValue(protobuf: value) else { return malformed() }
      identity(snapshot.mallId, snapshot.shopNo, snapshot.orderId, nil)
      json.name("version")
      json.integer(snapshot.version)
      json.name("event")
      json.string(snapshot.event)
    case .deadLetters:
      guard let letter = DeadLetterValue(protobuf: value) else { return malformed() }
      json.name("stage")
      json.string(letter.stage)
      json.name("source")
      json.string(letter.source)
      json.name("source_position")
      json.integer(letter.position)
      json.name("problems")
      json.strings(letter.problems.map(\.code))
    case .other: return
    }
  }

  private mutating func actionFields(_ action: ActionValue) {
    identity(action.mallId, action.shopNo, action.orderId, nil)
    json.name("decision")
    json.string(action.decisionId)
    json.name("kind")
    json.string(action.kind)
    json.name("label")
    json.string(action.label)
    json.name("cause")
    json.string(action.cause)
    json.name("rules")
    json.strings(action.rules)
    json.name("items")
    json.strings(action.itemCodes)
    json.name("result")
    json.string(action.result)
    json.name("at")
    json.time(action.at)
  }

  private mutating func identity(_ mall: String, _ shop: Int32, _ order: String, _ position: Position?) {
    json.name("mall_id")
    json.string(mall)
    json.name("shop_no")
    json.integer(Int64(shop))
    json.name("order_id")
    json.string(order)
    if let position {
      json.name("position")
      json.string(position.description)
    }
  }

  /// A switch of rules, or of what is computed for them, among the orders.
  private mutating func ruleSwitch(_ found: RuleSwitchValue?) {
    guard let found else { return malformed() }
    json.name("rules_end")
    json.integer(found.rulesEnd)
    json.name("held")
    json.integer(Int64(found.held.count))
  }

  private mutating func malformed() {
    json.name("problem")
    json.string("not a record of this topic's schema")
  }

  /// 64 bits of FNV-1a, hexadecimal: equal bytes, equal hash; to compare records, not to protect them.
  static func hash(_ bytes: UnsafeRawBufferPointer) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
