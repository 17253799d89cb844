public import History
import Kafka
public import Stage
public import Topics

/// Why an edition cannot be used.
public struct ReferenceProblems: Error, CustomStringConvertible, Sendable, Equatable {
  /// One line each.
  public let lines: [String]
  public var description: String { lines.joined(separator: "\n") }

  public init(_ lines: [String]) { self.lines = lines }
}

/// Reads the files of editions from topic `reference` and makes them ready. Not bound to a thread: each call has a
/// consumer of its own.
public struct ReferenceLoader: Sendable {
  private let broker: BrokerAccess
  private let topic: String
  private let timeoutMs: Int

  public init(_ broker: BrokerAccess, topic: String, timeoutMs: Int = 60_000) {
    self.broker = broker
    self.topic = topic
    self.timeoutMs = timeoutMs
  }

  /// The edition's tables over those of the configuration; an empty hash: those alone.
  ///
  /// Throws `ReferenceProblems` when a part is missing or damaged, or what a file holds is not what it should;
  /// `KafkaError` when the broker cannot be asked.
  public func load(_ hash: String, _ registry: ReferenceRegistry, over base: ReferenceData) throws
    -> ReferenceData
  {
    if hash.isEmpty { return base }
    guard let edition = registry.editions[hash] else {
      throw ReferenceProblems(["no edition \(hash) on topic \(topic)"])
    }
    var builder = ReferenceBuilder(startingFrom: base)
    for file in edition.files {
      guard let kind = ReferenceKind(named: file.kind) else {
        throw ReferenceProblems([
          "edition \(hash) has a file of a kind that this program does not know: \(file.kind)"
        ])
      }
      let bytes = try bytes(of: file, registry)
      bytes.withUnsafeBytes { builder.add(kind, $0, file: file.name) }
    }
    // Lines that were left out were told, and agreed to, when it was imported.
    return builder.build(edition: ReferenceLoader.name(hash, edition, base))
  }

  /// What enriched records say: the edition, and that of the configuration's files where they count too.
  static func name(_ hash: String, _ edition: ReferenceEditionValue, _ base: ReferenceData) -> String {
    let own = Set(edition.files.map(\.kind))
    let isAlone = own.count == ReferenceKind.allCases.count || base.isEmpty
    return String(hash.prefix(12)) + (isAlone ? "" : "+" + base.edition)
  }

  /// A file, put together and compared with its name.
  public func bytes(of file: ReferenceFileValue, _ registry: ReferenceRegistry) throws -> [UInt8] {
    let known = registry.parts[file.hash] ?? [:]
    let offsets = (0..<Int(max(file.chunks, 0))).map { known[$0] }
    guard !offsets.contains(nil) else {
      let missing = offsets.indices.filter { offsets[$0] == nil }
      throw ReferenceProblems([
        "\(file.name) (\(file.hash.prefix(12))) lacks \(missing.count) of \(file.chunks) parts on topic \(topic): "
          + "import it again"
      ])
    }
    let parts = try read(Set(offsets.compactMap(\.self)))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(clamping: max(file.bytes, 0)))
    for offset in offsets.compactMap(\.self) { bytes += parts[offset] ?? [] }
    guard Int64(bytes.count) == file.bytes, ContentDigest.sha256(bytes) == file.hash else {
      throw ReferenceProblems([
        "\(file.name) (\(file.hash.prefix(12))) is damaged on topic \(topic): \(bytes.count) bytes of \(file.bytes), "
          + "or others than were imported; put another edition in force"
      ])
    }
    return bytes
  }

  private func read(_ offsets: Set<Int64>) throws -> [Int64: [UInt8]] {
    guard let first = offsets.min(), let last = offsets.max() else { return [:] }
    let consumer = try Consumer(
      settings: broker.client, groupId: "passflow-reference", isolation: .readUncommitted, membership: .manual
    )
    defer { consumer.close() }
    try consumer.assign([(TopicPartition(topic, 0), first)])
    var found: [Int64: [UInt8]] = [:]
    let batch = MessageBatch()
    let deadline = monotonicMs() + Int64(timeoutMs)
    var position = first
    while position <= last {
      let events = consumer.poll(into: batch, max: 1_000, timeoutMs: 100)
      for index in 0..<batch.count {
        let message = batch[index]
        position = max(position, message.offset + 1)
        guard offsets.contains(message.offset), let value = message.value else { continue }
        found[message.offset] = ReferenceChunkValue(protobuf: value)?.data
      }
      batch.release()
      for case .error(let error) in events where error.isFatal || error.name == "_AUTO_OFFSET_RESET" {
        throw error
      }
      if position <= last, monotonicMs() > deadline {
        throw ReferenceProblems(["topic \(topic) was read to \(position) of \(last) in \(timeoutMs / 1000) s"]
        )
      }
    }
    return found
  }
}
