import History
public import Kafka
import Orders
import Store
import Topics

/// How an idle partition's deadlines fall due: by marks that its owner writes into it.
public struct IdleClock: Sendable {
  /// Topic `orders`, of the lane's producer.
  public var orders: TopicHandle
  /// µs without an input after which a partition is idle.
  public var idleAfterUs: Int64

  public init(orders: TopicHandle, idleAfterUs: Int64) {
    self.orders = orders
    self.idleAfterUs = idleAfterUs
  }
}

/// A record of `orders` that moves the clock of its partition and is nothing else.
public enum ClockMark {
  /// Value of topic `orders`.
  public static func value(at instant: Int64) -> [UInt8] {
    var mark = ContextEventValue()
    mark.at = Instant(microseconds: instant)
    return mark.ordersValue
  }

  /// A context of nobody's order, of no time but one.
  static func isHeld(by context: ContextEventValue) -> Bool {
    context.orderId.isEmpty && context.mallId.isEmpty && context.customer == nil && context.ip.isEmpty
      && context.at.microseconds != 0
  }
}

extension EnrichProcessor {
  /// An event may be so far ahead of its record's time for the clock, where that is bounded.
  static let aheadUsMax: Int64 = 600_000_000
  /// A partition that is behind with its deadlines gets a mark after so long without an input.
  static let behindAfterUs: Int64 = 1_000_000

  /// Finds the clock and every deadline of a partition that was claimed; nil when no rule has ever asked for any.
  func deadlines(of state: PartitionState) throws -> Deadlines? {
    var stored: Deadlines.Stored?
    try state.scan(prefix: Deadlines.recordKey) { _, record in stored = Deadlines.read(record) }
    // A clock that is there goes on: published rules may ask again, and then it has to be the same for everybody.
    guard folder.watchesDeadlines || stored != nil else { return nil }
    let hash = folder.watchesHash
    let isSame = stored?.watchesHash == hash
    // What was not watched before may be long due.
    let deadlines = Deadlines(
      clock: stored?.clock ?? .min, watchesHash: hash, isChanged: !isSame, nowUs: clockUs(),
      reached: isSame ? stored?.reached : .first)
    guard folder.watchesDeadlines else { return deadlines }
    try scheduleStored(deadlines, of: state)
    return deadlines
  }

  /// Before an input is folded: the clock that it moves on.
  func advanceClock(_ deadlines: Deadlines, to eventTime: Int64, _ message: MessageView) {
    var instant = eventTime
    if isClockBounded, message.timestampMs > 0 {
      instant = min(instant, message.timestampMs &* 1_000 &+ EnrichProcessor.aheadUsMax)
    }
    deadlines.advance(to: instant)
    folder.clock = deadlines.clock
  }

  /// After an input was folded: what the clock has reached. `emitted`: records that the input caused so far.
  func fireDue(
    _ deadlines: Deadlines, _ message: MessageView, emitted: Int, _ customers: Customers, _ producer: Producer
  ) throws {
    guard deadlines.next <= deadlines.clock else { return deadlines.reach(nil) }
    folder.clock = deadlines.clock
    var number = UInt32(clamping: max(emitted, 1))
    let first = number
    var place: DeadlinePlace?
    while number - first < firedPerInputMax, let (key, due) = deadlines.popDue() {
      place = DeadlinePlace(due: due, key: key)
      guard let identity = CustomerIdentity(recordPrefix: key) else { continue }
      let customer = try self.customer(identity, key: key, customers)
      let next = folder.nextDue(in: customer, after: due - 1)
      guard next == due else {
        // Another state has cancelled it.
        deadlines.schedule(key, next)
        continue
      }
      let outcome = try sending(producer) { emit in
        folder.fire(customer, from: due, position: message.inputPosition, number: number, emit: emit)
      }.get()
      number += UInt32(clamping: outcome.emitted)
      counts.emitted += outcome.emitted
      counts.fired += outcome.emitted
      deadlines.schedule(key, outcome.nextDue)
      customer.accountedBytes += customer.takePurchaseBytes()
      try note(customer, key: key, customers)
    }
    deadlines.reach(deadlines.next <= deadlines.clock ? place ?? deadlines.reached : nil)
    counts.deadlinesUnwatched = deadlines.unwatched
  }

  /// Called between batches: marks idle partitions whose next deadline the wall clock has passed.
  public func tick(outputs producer: Producer) throws {
    try follower?.tick(outputs: producer)
    try referenceFollower?.tick(outputs: producer)
    guard let idleClock else { return }
    let now = clockUs()
    for (partition, customers) in partitions {
      guard let deadlines = customers.deadlines else { continue }
      let isIdle = now - deadlines.lastActiveUs >= idleClock.idleAfterUs
      let isBehind = deadlines.isBehind && now - deadlines.lastActiveUs >= EnrichProcessor.behindAfterUs
      guard isBehind || (isIdle && deadlines.next <= now && deadlines.clock < now) else { continue }
      deadlines.lastActiveUs = now
      // What is left goes on with the clock as it is.
      let instant = isBehind ? deadlines.clock : now
      _ = try ClockMark.value(at: instant).withUnsafeBytes {
        try producer.send(topic: idleClock.orders, partition: partition, key: nil, value: $0)
      }
      producer.flushPending()
      counts.marks += 1
    }
  }
}
