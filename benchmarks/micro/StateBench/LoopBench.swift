import BenchKit
import EnrichStage
import Glibc
import History
import Kafka
import Stage
import Store
import Synchronization
import Topics

/// Enrich, or a bare loop with the same order of commits, between two topics of a real broker.
///
/// `StateBench loop BOOTSTRAP DIRECTORY enrich|bare CUSTOMERS SNAPSHOTS RATE`: at RATE snapshots a second, or, with 0,
/// as fast as it goes on snapshots that are there already. The bare loop is the same lane with a processor that copies
/// its inputs to the output and to the changelog: outputs at once, changelog and offsets in transactions.
struct LoopBench {
  let access: BrokerAccess
  let names: TopicNames
  let directory: String
  let isEnrich: Bool
  let partitions = 6
  let values: EncodedSnapshots
  var commitIntervalMs = 200
  var checkpointIntervalMs = 5_000
  var gatherMs = 0
  var cacheBytes = 128 << 20

  init(_ arguments: [String]) throws {
    guard arguments.count == 6, let customers = Int(arguments[3]), let count = Int(arguments[4]) else {
      throw Restoring.Failure("loop BOOTSTRAP DIRECTORY enrich|bare CUSTOMERS SNAPSHOTS RATE")
    }
    access = BrokerAccess(
      client: ClientSettings(bootstrap: arguments[0], clientId: "bench-loop"), isEmbedded: false)
    directory = arguments[1] + "/loop-\(getpid())"
    isEnrich = arguments[2] == "enrich"
    var names = TopicNames()
    let suffix = ".\(getpid())"
    names.orders += suffix
    names.enriched += suffix
    names.deadLetters += suffix
    names.enrichChangelog += suffix
    self.names = names
    values = EncodedSnapshots(customers: customers, count: count, partitions: partitions)
    func setting(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
    commitIntervalMs = setting("PASSFLOW_BENCH_COMMIT_MS") ?? commitIntervalMs
    checkpointIntervalMs = setting("PASSFLOW_BENCH_CHECKPOINT_MS") ?? checkpointIntervalMs
    gatherMs = setting("PASSFLOW_BENCH_GATHER_MS") ?? gatherMs
    cacheBytes = setting("PASSFLOW_BENCH_CACHE_MB").map { $0 << 20 } ?? cacheBytes
  }

  func run(rate: Double) throws {
    let admin = try Admin(settings: access.client)
    let shortly = ["segment.bytes": "\(16 << 20)", "retention.bytes": "\(512 << 20)"]
    let topics = [names.orders, names.enriched, names.enrichChangelog].map {
      TopicPlan(name: $0, partitions: partitions, properties: shortly)
    }
    try admin.createTopics(topics + [TopicPlan(name: names.deadLetters, partitions: 1)])
    admin.close()
    mkdir(directory, 0o755)
    let producer = try access.producer()
    let topic = try access.topic(names.orders, of: producer, readBy: nil)
    let context = LaneContext { report in
      if case .clientError(let text) = report { StandardStream.error.write("lane: \(text)\n") }
    }
    if rate == 0 { try feedAll(producer, topic) }
    let thread = NativeThread(name: "lane") {
      do { try runLane(context) } catch { context.fail("\(error)") }
    }
    while context.current != .ready, context.failure == nil { usleep(1_000) }
    if rate == 0 { flatOut(context) } else { try drive(producer, topic, rate: rate, context) }
    context.stop()
    thread?.join()
    if let failure = context.failure { throw Restoring.Failure(failure) }
    producer.close()
  }

  private func feedAll(_ producer: Producer, _ topic: TopicHandle) throws {
    for number in 0..<values.count {
      try values.send(number, producer, topic)
      if number % 512 == 511 {
        producer.flushPending()
        _ = producer.waitForRoom(maxBytes: 32 << 20, timeoutMs: 60_000)
      }
    }
    producer.flushPending()
    guard producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 60_000) else {
      throw Restoring.Failure("the inputs were not taken")
    }
  }

  private func flatOut(_ context: LaneContext) {
    while context.handled.load(ordering: .relaxed) == 0, context.failure == nil { usleep(200) }
    let start = monotonicUs()
    let first = context.handled.load(ordering: .relaxed)
    let cpu = processCPU()
    while context.handled.load(ordering: .relaxed) < values.count, context.failure == nil { usleep(1_000) }
    let seconds = Double(monotonicUs() - start) / 1e6
    let count = Double(Int64(values.count) - first)
    print(
      "\(isEnrich ? "enrich" : "bare  ") flat out: \(Int(count / seconds))/s, CPU \((processCPU() - cpu) / count * 1e6) "
        + "µs each, \(context.stateCommits.load(ordering: .relaxed)) commits, peak memory "
        + "\(ProcessMemory.peakBytes >> 20) MB")
  }

  private func drive(
    _ producer: Producer, _ topic: TopicHandle, rate: Double, _ context: LaneContext
  ) throws {
    let starts = (0..<Int32(partitions)).map { (TopicPartition(names.enriched, $0), LogicalOffset.beginning) }
    let meter = ArrivalMeter(access: access, starts: starts, count: values.count) {
      [values, isEnrich] in values.number(of: $0, isEnrich: isEnrich)
    }
    meter.start()
    usleep(500_000)
    var due = [Int64](repeating: 0, count: values.count)
    let start = monotonicUs()
    var behind: Int64 = 0
    var next = 0
    while next < due.count, context.failure == nil {
      let now = monotonicUs()
      let bound = min(Int(Double(now - start) * rate / 1e6) + 1, due.count)
      while next < bound {
        due[next] = start + Int64(Double(next) * 1e6 / rate)
        behind = max(behind, now - due[next])
        try values.send(next, producer, topic)
        next += 1
      }
      producer.flushPending()
      usleep(1_000)
    }
    let arrivals = meter.finish(withinMs: 30_000)
    // The first second warms up: connections, pages, the broker's files.
    var latencies: [Int64] = []
    var missing = 0
    for number in min(Int(rate), due.count / 4)..<due.count {
      if arrivals[number] == 0 { missing += 1 } else { latencies.append(arrivals[number] - due[number]) }
    }
    latencies.sort()
    func quantile(_ share: Double) -> Double {
      latencies.isEmpty
        ? -1 : Double(latencies[min(Int(Double(latencies.count) * share), latencies.count - 1)] / 10) / 100
    }
    print(
      "\(isEnrich ? "enrich" : "bare  ") \(Int(rate))/s: p50 \(quantile(0.5)) p90 \(quantile(0.9)) p99 \(quantile(0.99)) "
        + "max \(quantile(1)) ms, missing \(missing), driver behind by at most \(Double(behind / 10) / 100) ms"
    )
  }

  private func runLane(_ context: LaneContext) throws {
    var lane = LaneSettings(
      inputTopic: names.orders, groupId: GroupNames.enrich + "-\(getpid())", usesGroup: true,
      durability: .transaction(
        transactionalId: "bench-\(getpid())", changelogTopic: names.enrichChangelog))
    lane.inputPartitions = partitions
    lane.stateDirectory = directory
    lane.commitIntervalMs = commitIntervalMs
    lane.checkpointIntervalMs = checkpointIntervalMs
    lane.gatherMs = gatherMs
    lane.dirtyBytesMax = min(lane.dirtyBytesMax, max(cacheBytes / 4, 1 << 20))
    if isEnrich {
      guard let seal = DeadLetterSeal(key: [UInt8](repeating: 3, count: DeadLetterSeal.keyByteCount)) else {
        throw Restoring.Failure("libsodium does not start")
      }
      return try runEnrichLane(
        EnrichLaneSettings(
          broker: access, topics: names, lane: lane, cacheBytes: cacheBytes / partitions, seal: seal,
          reference: .empty, plan: DemandPlan(StateBench.demand)), context: context)
    }
    let producer = try access.producer()
    let bare = BareProcessor(
      output: try access.topic(names.enriched, of: producer, readBy: nil),
      partitions: partitions)
    let changelog = EffectTopic(
      name: names.enrichChangelog, handle: try access.topic(names.enrichChangelog, of: producer, readBy: nil))
    StatefulLane(
      settings: lane, clientSettings: access.client,
      consumer: try access.consumer(group: lane.groupId, reading: lane.inputTopic), producer: producer,
      processor: bare, schemaVersion: 1, effectTopics: [changelog], context: context
    ).run()
    producer.close(timeoutMs: 2_000)
  }
}

/// Copies each input to the output, with as many bytes more as enrich adds, and to the changelog.
final class BareProcessor: StatefulProcessor {
  private static let moreBytes = [UInt8](repeating: 65, count: 90)
  private let output: TopicHandle
  private var kept = StateChanges()
  private var value: [UInt8] = []

  init(output: TopicHandle, partitions: Int) { self.output = output }

  func open(_ partition: Int32, state: PartitionState) {}
  func close(_ partition: Int32) {}
  func persisted() {}
  func tick(outputs: Producer) {}
  var dirtyBytes: Int { 0 }

  func process(_ batch: MessageBatch, outputs: Producer) throws {
    for index in 0..<batch.count {
      let message = batch[index]
      guard let bytes = message.value, let key = message.key else { continue }
      value.removeAll(keepingCapacity: true)
      value.append(contentsOf: bytes)
      value.append(contentsOf: Self.moreBytes)
      _ = try value.withUnsafeBytes {
        try outputs.send(topic: output, partition: message.partition, key: key, value: $0)
      }
      kept.send(causedBy: message.partition, topic: 0, to: message.partition, key: key, value: bytes)
    }
  }

  func collect(into changes: inout StateChanges) {
    kept.lendEntries { entry, key, value in
      guard let value else { return }
      changes.send(causedBy: entry.partition, topic: 0, to: entry.partition, key: key, value: value)
    }
    kept.removeAll()
  }
}

/// Encoded snapshots in one piece of memory, by the partition that they go to.
struct EncodedSnapshots: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var starts: [Int] = []
  private(set) var places: [Int32] = []
  private(set) var order: [[Int32]]
  private static let keyCount = 17
  var count: Int { places.count }

  init(customers: Int, count: Int, partitions: Int) {
    order = Array(repeating: [], count: partitions)
    var source = BenchOrders(customers: customers, isZipf: true, snapshots: count, seed: 3)
    while places.count < count, source.advance() {
      starts.append(bytes.count)
      // The key's content does not matter; that a customer's snapshots stay together does.
      var key = [UInt8](repeating: 1, count: Self.keyCount)
      withUnsafeBytes(of: source.customer) { key.replaceSubrange(1..<9, with: $0) }
      let partition = key.withUnsafeBytes { Partitioner.partition(forKey: $0, count: partitions) }
      order[Int(partition)].append(Int32(places.count))
      places.append(partition)
      bytes.append(contentsOf: key)
      source.writer.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    starts.append(bytes.count)
  }

  func send(_ number: Int, _ producer: Producer, _ topic: TopicHandle) throws {
    _ = try bytes.withUnsafeBytes { all in
      let valueStart = starts[number] + Self.keyCount
      return try producer.send(
        topic: topic, partition: places[number],
        key: UnsafeRawBufferPointer(rebasing: all[starts[number]..<valueStart]),
        value: UnsafeRawBufferPointer(rebasing: all[valueStart..<starts[number + 1]]))
    }
  }
}

extension EncodedSnapshots {
  /// Which snapshot a record behind the loop answers; nil when it is not the snapshot's own.
  func number(of message: MessageView, isEnrich: Bool) -> Int? {
    guard isEnrich else { return Int(order[Int(message.partition)][Int(message.offset)]) }
    guard let value = message.value else { return nil }
    var record = ProtobufReader(value)
    guard record.next(), record.field == 1 else { return nil }
    var position = record.message()
    var (partition, offset, number) = (0, 0, 0)
    while position.next() {
      switch position.field {
      case 2: partition = Int(position.int32())
      case 3: offset = Int(position.int64())
      case 4: number = Int(position.int64())
      default: position.skip()
      }
    }
    guard number == 0, order.indices.contains(partition), offset < order[partition].count else {
      return nil
    }
    return Int(order[partition][offset])
  }
}

func processCPU() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
