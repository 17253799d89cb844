internal import EnrichStage
internal import EvaluateStage
public import History
internal import Orders
public import Rules
public import Topics

/// An order event that the intake refuses.
public struct RefusedOrder: Error, CustomStringConvertible {
  public let problems: [Problem]
  public var description: String {
    "the order is refused: "
      + problems.map { problem in
        (problem.field.isEmpty ? "" : "\(problem.field): ")
          + "expected \(problem.expected), found \(problem.found)"
      }.joined(separator: "; ")
  }
}

/// Decides orders in memory with the stages' own cores: intake, fold, facts, rules. No broker, no file, no clock.
public final class OrderTrial {
  /// An order by its mall, shop and number.
  public struct OrderName: Hashable, Sendable, CustomStringConvertible {
    public var mall: String
    public var shop: Int
    public var order: String

    public init(mall: String, shop: Int, order: String) {
      self.mall = mall
      self.shop = shop
      self.order = order
    }

    public var description: String { "\(mall)/\(shop)/\(order)" }
  }

  let ruleSet: RuleSet
  private let reader: OrderEventReader
  private let plan: Plan
  private let customers: CustomerBook
  /// The latest enriched record of each order.
  private var records: [OrderName: [UInt8]] = [:]
  private var offset: Int64 = 0

  public init(ruleSet: RuleSet, reference: ReferenceData) throws {
    self.ruleSet = ruleSet
    plan = try Plan([ruleSet])
    reader = try OrderTrial.eventReader()
    customers = CustomerBook(
      folder: HistoryFolder(reference: reference, demand: factDemand(of: ruleSet)))
  }

  /// With a fixed key: digests only have to be equal within one run.
  static func eventReader() throws -> OrderEventReader {
    guard let secret = IdentitySecret(bytes: [UInt8](repeating: 0x50, count: IdentitySecret.byteCount)) else {
      throw RefusedOrder(problems: [])
    }
    return OrderEventReader(secret: secret)
  }

  /// One event through intake and fold. Returns the order and how many fields the contract does not know.
  @discardableResult
  public func take(_ event: UnsafeRawBufferPointer) throws -> (name: OrderName, unknownFields: Int) {
    var writer = ProtobufWriter()
    switch reader.read(event, into: &writer) {
    case .refused(let problems): throw RefusedOrder(problems: problems)
    case .accepted(let routing):
      let name = OrderName(
        mall: String(decoding: routing.mallId, as: UTF8.self), shop: Int(routing.shopNo),
        order: String(decoding: routing.orderId, as: UTF8.self))
      let unknown = routing.unknownFields
      try writer.withUnsafeBytes { try fold($0) }
      offset += 1
      return (name, unknown)
    }
  }

  private func fold(_ snapshot: UnsafeRawBufferPointer) throws {
    let position = InputPosition(partition: 0, offset: offset)
    try customers.take(snapshot, position: position) { keep($0) }
  }

  private func keep(_ record: EmittedRecord) {
    guard let value = EnrichedOrderValue(protobuf: record.bytes), let snapshot = value.snapshot else {
      return
    }
    let name = OrderName(
      mall: snapshot.mallId, shop: Int(snapshot.shopNo), order: snapshot.orderId)
    records[name] = [UInt8](record.bytes)
  }

  /// What is overdue by the latest event taken.
  private func fireDeadlines() {
    customers.fireAll(position: InputPosition(partition: 0, offset: offset), emit: { keep($0) })
  }

  /// Changes facts of an order before it is decided, for tests that give facts instead of a history.
  func changeFacts(of name: OrderName, _ change: (inout FactsValue) throws -> Void) throws {
    fireDeadlines()
    guard let bytes = records[name], var value = bytes.withUnsafeBytes({ EnrichedOrderValue(protobuf: $0) }),
      var facts = value.facts
    else { return }
    try change(&facts)
    value.facts = facts
    records[name] = value.protobuf
  }

  /// The decision on an order as it stands now, and why; nil for an order that was never taken.
  public func decide(_ name: OrderName) -> OrderAnswer? {
    fireDeadlines()
    guard let record = records[name] else { return nil }
    let decider = Decider(plan: plan)
    return record.withUnsafeBytes { bytes in
      guard decider.add(bytes, input: 0) else { return nil }
      // Before deciding, which empties the batch.
      let rules = RuleAnswer.all(of: ruleSet, batch: decider.batch, row: 0, plan: plan)
      var decision: DecisionValue?
      decider.decide { decision = DecisionValue(protobuf: $0.bytes) }
      return decision.map { OrderAnswer(decision: $0, rules: rules) }
    }
  }
}
