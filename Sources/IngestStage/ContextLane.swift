import Kafka
public import Stage
import Synchronization

/// How the join of orders and beacons runs beside ingest.
public struct ContextJoinSettings: Sendable {
  /// Asked once the topics are there.
  public var lane: @Sendable (BrokerAccess) throws -> LaneSettings
  /// Memory for orders in use, over all partitions.
  public var cacheBytes = 32 << 20

  public init(lane: @escaping @Sendable (BrokerAccess) throws -> LaneSettings) { self.lane = lane }
}

/// The join as a lane of its own thread: reads `order.context`, writes to `orders`.
final class ContextLane: Sendable {
  let context: LaneContext
  let counts = ContextProcessor.Counts()
  private let thread = Mutex<NativeThread?>(nil)

  init(log: Log) {
    context = LaneContext { ContextLane.note($0, log) }
  }

  /// Starts it; it ends by `stop`, or by itself with `context.failure`.
  func start(_ settings: IngestLaneSettings, _ join: ContextJoinSettings) throws {
    let lane = try join.lane(settings.broker)
    let cacheBytes = max(join.cacheBytes / max(lane.inputPartitions, 1), 1 << 20)
    let started = NativeThread(name: "ingest-context") { [self] in
      do { try run(settings, lane, cacheBytes: cacheBytes) } catch { context.fail("\(error)") }
    }
    guard let started else { throw IngestFailure("the system has no more threads") }
    thread.withLock { $0 = started }
  }

  private func run(_ settings: IngestLaneSettings, _ lane: LaneSettings, cacheBytes: Int) throws {
    let broker = settings.broker
    let producer = try broker.producer()
    defer { producer.close(timeoutMs: 2_000) }
    let processor = ContextProcessor(
      outputs: .init(
        orders: try broker.topic(settings.topics.orders, of: producer, readBy: GroupNames.enrich),
        deadLetters: try broker.topic(settings.topics.deadLetters, of: producer, readBy: nil)),
      seal: settings.seal, cacheBytesMax: cacheBytes, counts: counts, clockUs: settings.clockUs)
    let stateful = StatefulLane(
      settings: lane, clientSettings: broker.client,
      consumer: try broker.consumer(group: lane.groupId, reading: lane.inputTopic),
      producer: producer, processor: processor, schemaVersion: ContextProcessor.schemaVersion,
      context: context)
    stateful.run()
  }

  /// Asks it to drain and end.
  func stop() { context.stop() }

  /// Waits for its end.
  func join() { thread.withLock { $0 }?.join() }

  private static func note(_ report: LaneReport, _ log: Log) {
    switch report {
    case .condition: break
    case .assigned(let partition, let offset, let restored):
      log.info(
        "context.partition_assigned", .integer("partition", Int(partition)), .integer("offset", Int(offset)),
        .integer("restored", Int(restored)))
    case .revoked(let partition, let lost):
      log.info("context.partition_revoked", .integer("partition", Int(partition)), .flag("lost", lost))
    case .stateRebuilt(let partition, let reason):
      log.warning(
        "context.state_rebuilt", .integer("partition", Int(partition)), .name("reason", reason))
    case .inputSkipped(let partition, let from, let to):
      log.warning(
        "context.input_skipped", .integer("partition", Int(partition)), .integer("from", Int(from)),
        .integer("to", Int(to)))
    case .standby: break
    case .commitRepeated(let reason): log.warning("context.commit_repeated", .name("reason", reason))
    case .clientError(let text): log.warning("context.client", .name("problem", text))
    case .failed(let text): log.error("context.failed", .name("problem", text))
    }
  }
}
