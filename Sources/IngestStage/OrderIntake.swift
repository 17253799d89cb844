public import Kafka
import Orders
public import Stage
public import Topics

/// Where ingest writes to, and with which keys.
public struct IntakeTopics: Sendable {
  public var orders: TopicHandle
  public var deadLetters: TopicHandle
  /// Where an order without an address leaves a pointer to its customer; nil: nowhere.
  public var context: TopicHandle?

  public init(orders: TopicHandle, deadLetters: TopicHandle, context: TopicHandle? = nil) {
    self.orders = orders
    self.deadLetters = deadLetters
    self.context = context
  }
}

/// The largest things that an intake takes and makes.
public struct IntakeLimits: Sendable, Equatable {
  /// A longer event is refused before it is looked into.
  public var eventBytesMax = OrderEventLimits.bytesMax
  /// Key and value of one record; the topics and the client must allow as much.
  public var recordBytesMax = Producer.recordBytesMax

  public init() {}
}

/// What ingest has seen, for metrics and summaries. Counted per event, read by anybody.
public struct IntakeCounts: Sendable, Equatable {
  public var accepted = 0
  public var refused = 0
  public var unknownFields = 0
  public var unknownCodes = 0
  public var amountsThatDiffer = 0
}

/// Turns raw order events into records of `orders`, or into dead letters. One per thread.
public final class OrderIntake {
  public enum Verdict: Sendable {
    /// Taken; acknowledged once the producer is through this sequence number.
    case accepted(sequence: UInt64)
    /// A dead letter; durable once the producer is through this sequence number.
    case refused([Problem], sequence: UInt64)
  }

  private let reader: OrderEventReader
  private let producer: Producer
  private let topics: IntakeTopics
  private let seal: DeadLetterSeal
  private let knownMalls: Set<String>
  private let limits: IntakeLimits
  private let clockUs: @Sendable () -> Int64
  private var writer = ProtobufWriter(capacity: 8192)
  public private(set) var counts = IntakeCounts()
  /// Sees every refusal, for files that list them.
  /// Set: the highest event time of what was accepted is kept here, µs.
  public var latestEventTimeUs: Int64?
  public var onRefusal: ((Int64, [Problem], Int) -> Void)?
  /// A profile's or merge's `at` may be so many µs ahead of the clock; nil: any number. What is told of later times would never be
  /// outdone.
  public var profileAheadUsMax: Int64?

  /// `knownMalls`: empty takes every mall.
  public init(
    secret: IdentitySecret, producer: Producer, topics: IntakeTopics, seal: DeadLetterSeal,
    knownMalls: Set<String> = [], limits: IntakeLimits = IntakeLimits(),
    clockUs: @escaping @Sendable () -> Int64 = wallClockUs
  ) {
    reader = OrderEventReader(secret: secret)
    self.producer = producer
    self.topics = topics
    self.seal = seal
    self.knownMalls = knownMalls
    self.limits = limits
    self.clockUs = clockUs
  }

  /// Takes one event. `position` is its line or a number of the sender's request.
  /// `readableAfter`: bytes of memory behind the event that may be read. `owner`: it is a customer's profile.
  /// `mergeMall`: it is a merge of customers.
  public func take(
    _ bytes: UnsafeRawBufferPointer, readableAfter: Int = 0, source: String, position: Int64,
    profileOf owner: ProfileOwner? = nil, mergeIn mergeMall: String? = nil
  ) throws -> Verdict {
    writer.removeAll()
    if bytes.count > limits.eventBytesMax {
      let problem = Problem(
        code: OrderIntake.tooLargeCode, field: "", expected: "at most \(limits.eventBytesMax) bytes",
        found: "\(bytes.count) bytes")
      return try refuse(bytes, [problem], source: source, position: position)
    }
    switch reader.read(
      bytes, readableAfter: readableAfter, profileOf: owner, mergeIn: mergeMall, into: &writer)
    {
    case .accepted(let routing):
      if let problem = problem(with: routing) {
        return try refuse(bytes, [problem], source: source, position: position)
      }
      count(routing)
      if let latest = latestEventTimeUs { latestEventTimeUs = max(latest, eventTimeUs(routing)) }
      let partition = Partitioner.partition(forKey: routing.key, count: topics.orders.partitionCount)
      var sequence = try writer.withUnsafeBytes {
        try producer.send(topic: topics.orders, partition: partition, key: routing.key, value: $0)
      }
      if let context = topics.context, !routing.hasAddress { sequence = try point(routing, context) }
      return .accepted(sequence: sequence)
    case .refused(let problems):
      return try refuse(bytes, problems, source: source, position: position)
    }
  }

  /// Of the record just written.
  private func eventTimeUs(_ routing: OrderRouting) -> Int64 {
    if routing.isProfile { return routing.eventTime.microseconds }
    // No fact depends on it.
    if routing.isMerge { return .min }
    return writer.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes)
      while reader.next() {
        if reader.field == 6 { return reader.int64() }
        reader.skip()
      }
      return .min
    }
  }

  /// Tells the join whom the order belongs to. Needs not wait for the order: enrich takes the two in any order.
  private func point(_ routing: OrderRouting, _ topic: TopicHandle) throws -> UInt64 {
    var customer = CustomerKeyValue()
    customer.kind = routing.customerKind
    customer.digest = Array(routing.customerDigest)
    let pointer = PointerValue(customer: customer, takenAt: Instant(microseconds: clockUs()))
    let key = OrderContextKey.bytes(
      mallId: routing.mallId, shopNo: routing.shopNo, orderId: routing.orderId)
    let value = OrderContextValue(pointer).protobuf
    return try key.withUnsafeBytes { key in
      try value.withUnsafeBytes { value in
        try producer.send(
          topic: topic, partition: Partitioner.partition(forKey: key, count: topic.partitionCount), key: key,
          value: value)
      }
    }
  }

  /// What speaks against an event that can be read.
  private func problem(with routing: OrderRouting) -> Problem? {
    if !knownMalls.isEmpty, !knownMalls.contains(String(decoding: routing.mallId, as: UTF8.self)) {
      return Problem(
        code: "mall.unknown", field: "mall_id", expected: "a mall of ingest.malls",
        found: "string of \(routing.mallId.count) bytes")
    }
    if routing.isProfile || routing.isMerge, let ahead = profileAheadUsMax,
      routing.eventTime.microseconds > clockUs() &+ ahead
    {
      return Problem(
        code: "time.future", field: "at", expected: "at most \(ahead / 60_000_000) minutes from now",
        found: "a later time")
    }
    let bytes = routing.key.count &+ writer.count
    guard bytes > limits.recordBytesMax else { return nil }
    return Problem(
      code: "record.too_large", field: "", expected: "a record of at most \(limits.recordBytesMax) bytes",
      found: "\(bytes) bytes")
  }

  private func count(_ routing: OrderRouting) {
    counts.accepted += 1
    counts.unknownFields += routing.unknownFields
    counts.unknownCodes += routing.unknownCodes
    if routing.flags & 1 != 0 { counts.amountsThatDiffer += 1 }
  }

  /// Writes a dead letter of bytes that were refused.
  public func refuse(
    _ bytes: UnsafeRawBufferPointer, _ problems: [Problem], source: String, position: Int64
  ) throws -> Verdict {
    counts.refused += 1
    onRefusal?(position, problems, bytes.count)
    var letter = DeadLetterValue()
    letter.stage = "ingest"
    letter.source = source
    letter.position = position
    letter.at = Instant(microseconds: clockUs())
    letter.problems = problems
    letter.bodyBytes = Int64(bytes.count)
    let kept = min(OrderIntake.sealedBytesMax, max(0, limits.recordBytesMax &- OrderIntake.letterBytesMax))
    letter.sealedBody = seal.seal(UnsafeRawBufferPointer(rebasing: bytes.prefix(kept)))
    let value = letter.protobuf
    // No key, so any partition will do: in turn.
    let partition = Int32(clamping: counts.refused % max(1, topics.deadLetters.partitionCount))
    let sequence = try value.withUnsafeBytes {
      try producer.send(topic: topics.deadLetters, partition: partition, key: nil, value: $0)
    }
    return .refused(problems, sequence: sequence)
  }

  /// Code of the problem with an event that is too long.
  public static let tooLargeCode = "json.too_large"
  /// What a dead letter has beside its body: seal, problems, place.
  private static let letterBytesMax = 32 * 1024
  /// Bytes of a refused event that its dead letter keeps: an event of legal size whole.
  public static let sealedBytesMax = 1 << 20
}
