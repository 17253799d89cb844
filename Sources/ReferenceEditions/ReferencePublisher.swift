public import History
import Kafka
import Orders
public import Stage
public import Topics

/// Writes editions and activations to topic `reference`: the other side of what enrich follows. One thread.
public final class ReferencePublisher {
  /// Why nothing was imported or activated.
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  /// A file to be imported.
  public struct File: Sendable {
    public var kind: ReferenceKind
    /// As given, for diagnostics.
    public var name: String
    public var bytes: [UInt8]

    public init(_ kind: ReferenceKind, name: String, bytes: [UInt8]) {
      self.kind = kind
      self.name = name
      self.bytes = bytes
    }
  }

  /// Bytes of a part: one record.
  public static let partBytes = 512 << 10
  /// Bytes of one file.
  public static let fileBytesMax = 256 << 20
  /// Files of one edition.
  public static let filesMax = 100

  private let reader: FoldedTopic<ReferenceRegistry>
  private let loader: ReferenceLoader
  private let producer: Producer
  private let topic: TopicHandle
  private let nowUs: () -> Int64

  /// Reads the topic to its end.
  public init(
    _ broker: BrokerAccess, topics: TopicNames = TopicNames(), nowUs: @escaping () -> Int64 = wallClockUs
  ) throws {
    guard let reader = try ReferenceRegistry.open(broker, topic: topics.reference) else {
      throw Problem(
        description: "the broker has no topic \(topics.reference): 'passflow topics create' makes it")
    }
    try reader.catchUp()
    self.reader = reader
    self.nowUs = nowUs
    loader = ReferenceLoader(broker, topic: topics.reference)
    producer = try broker.producer()
    topic = try broker.topic(topics.reference, of: producer, readBy: nil)
  }

  public var registry: ReferenceRegistry { reader.fold }

  public func close() {
    producer.close(timeoutMs: 1_000)
    reader.close()
  }

  // MARK: Editions

  /// The files over those of `parent` as an edition: a kind that is given takes the place of the parent's, but levels of
  /// stock are added to its levels. An edition that is there already stays as it is.
  ///
  /// - Parameters:
  ///   - parent: hash of an edition; empty: none.
  ///   - keptDays: as in `StockFile`.
  ///   - leavesOut: lines that are wrong are left out; otherwise nothing is imported.
  /// - Returns: also what was left out.
  /// Throws `ReferenceProblems` with all problems at once, or a `Problem`.
  public func publish(
    _ files: [File], parent: String, author: String, note: String, keptDays: Int = 31, leavesOut: Bool = false
  ) throws -> (edition: ReferenceEditionValue, wasThere: Bool, leftOut: [String]) {
    let parentFiles = registry.editions[parent]?.files ?? []
    if !parent.isEmpty, registry.editions[parent] == nil {
      throw Problem(description: "no such edition: \(parent)")
    }
    try ReferencePublisher.check(files)
    var problems = ReferencePublisher.problems(files)
    guard problems.isEmpty || leavesOut else { throw ReferenceProblems(problems) }
    var contents: [ReferenceKind: [File]] = [:]
    for file in files { contents[file.kind, default: []].append(file) }
    if let stock = contents[.stock] {
      contents[.stock] = [try merged(stock, parentFiles, keptDays, &problems)]
    }
    var entries: [ReferenceFileValue] = []
    for kind in ReferenceKind.allCases {
      guard let own = contents[kind] else {
        entries += parentFiles.filter { $0.kind == kind.name }
        continue
      }
      for file in own { entries.append(try send(file)) }
    }
    guard entries.count <= Self.filesMax else {
      throw Problem(description: "an edition has at most \(Self.filesMax) files, not \(entries.count)")
    }
    let hash = ReferenceEditionValue.hash(of: entries)
    if let known = registry.editions[hash] { return (known, true, problems) }
    var edition = ReferenceEditionValue()
    (edition.hash, edition.files, edition.parent) = (hash, entries, parent)
    (edition.author, edition.note) = (author, note)
    edition.createdAt = Instant(microseconds: nowUs())
    try send(ReferenceRegistry.key(of: edition), edition.protobuf)
    try reader.catchUp()
    guard let written = registry.editions[hash], written.files.allSatisfy(registry.isWhole) else {
      throw Problem(description: "what was written is not on the topic: nothing was put in force; try again")
    }
    return (written, false, problems)
  }

  private static func check(_ files: [File]) throws {
    guard !files.isEmpty else { throw Problem(description: "no file was given") }
    for file in files where file.bytes.count > fileBytesMax {
      throw Problem(description: "\(file.name) has more than \(fileBytesMax >> 20) MiB")
    }
  }

  /// What is wrong in the files, all of it, each line with file and line.
  public static func problems(_ files: [File]) -> [String] {
    var builder = ReferenceBuilder()
    for file in files {
      file.bytes.withUnsafeBytes { builder.add(file.kind, $0, file: file.name) }
    }
    _ = builder.build()
    var lines = builder.problems.map(\.description)
    if builder.problemCount > lines.count { lines.append("… and \(builder.problemCount - lines.count) more") }
    return lines
  }

  private func merged(
    _ files: [File], _ parentFiles: [ReferenceFileValue], _ keptDays: Int, _ problems: inout [String]
  ) throws -> File {
    var all: [(name: String, bytes: [UInt8])] = []
    for file in parentFiles where file.kind == ReferenceKind.stock.name {
      all.append((file.name, try loader.bytes(of: file, registry)))
    }
    let stock = StockFile(merging: all + files.map { ($0.name, $0.bytes) }, keptDays: keptDays)
    guard stock.rowCount <= ReferenceBuilder.rowsMax else {
      throw Problem(
        description: "with the levels of before these are \(stock.rowCount) levels of stock, more than "
          + "\(ReferenceBuilder.rowsMax): keep fewer days")
    }
    return File(.stock, name: ReferenceKind.stock.fileName, bytes: stock.bytes)
  }

  /// Writes the parts that are not there yet.
  private func send(_ file: File) throws -> ReferenceFileValue {
    var entry = ReferenceFileValue()
    entry.kind = file.kind.name
    entry.name = file.name.split(separator: "/").last.map(String.init) ?? file.name
    entry.hash = ContentDigest.sha256(file.bytes)
    entry.bytes = Int64(file.bytes.count)
    entry.chunks = Int32(clamping: max((file.bytes.count + Self.partBytes - 1) / Self.partBytes, 1))
    let known = registry.parts[entry.hash] ?? [:]
    for part in 0..<Int(entry.chunks) where known[part] == nil {
      let start = part * Self.partBytes
      let bytes = file.bytes[start..<min(start + Self.partBytes, file.bytes.count)]
      try send(
        ReferenceRegistry.key(ofFile: entry.hash, part: part), ReferenceChunkValue(Array(bytes)).protobuf)
    }
    return entry
  }

  /// The one edition whose hash begins so; an empty prefix and `none` name no edition.
  public func hash(beginning prefix: String) throws -> String {
    if prefix.isEmpty || prefix == "none" { return "" }
    let found = registry.hashes(beginning: prefix)
    guard let only = found.first else { throw Problem(description: "no edition begins with \(prefix)") }
    guard found.count == 1 else {
      throw Problem(description: "\(found.count) editions begin with \(prefix): give more of the hash")
    }
    return only
  }

  /// Hash of what was put in force last; empty: the files of enrich's configuration.
  public var current: String { registry.activations.last?.hash ?? "" }

  // MARK: Activations

  /// Puts an edition in force, after it was read back and made ready once; an empty hash: the files of the configuration.
  ///
  /// Throws a `Problem` when somebody else was faster: then nothing of this counts.
  @discardableResult
  public func activate(_ hash: String, author: String, note: String) throws -> ReferenceActivationValue {
    try reader.catchUp()
    _ = try loader.load(hash, registry, over: .empty)
    var activation = ReferenceActivationValue()
    activation.number = Int64(registry.activations.count) + 1
    activation.hash = hash
    (activation.author, activation.note) = (author, note)
    activation.at = Instant(microseconds: nowUs())
    activation.replaces = current
    var generator = SystemRandomNumberGenerator()
    activation.token = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
    try send(ReferenceRegistry.key(of: activation), activation.protobuf)
    try reader.catchUp()
    let place = Int(clamping: activation.number) - 1
    guard registry.activations.indices.contains(place), registry.activations[place].token == activation.token
    else {
      let winner =
        registry.activations.indices.contains(place) ? registry.activations[place].author : "somebody"
      throw Problem(
        description:
          "\(winner) was faster; yours does not count. Look at 'passflow reference history' and decide again")
    }
    return activation
  }

  /// A file of an edition as it was imported.
  public func bytes(of file: ReferenceFileValue) throws -> [UInt8] {
    try loader.bytes(of: file, registry)
  }

  private func send(_ key: String, _ value: [UInt8]) throws {
    let sequence = try Array(key.utf8).withUnsafeBytes { key in
      try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: key, value: $0) }
    }
    guard producer.waitAcknowledged(through: sequence, timeoutMs: 30_000) else {
      throw Problem(
        description:
          "the broker did not acknowledge it; look at 'passflow reference history' before trying again")
    }
  }
}

extension ReferenceRegistry {
  /// Nil when the broker has no such topic, also after a while.
  public static func open(_ broker: BrokerAccess, topic: String, waitMs: Int = 0) throws
    -> FoldedTopic<ReferenceRegistry>?
  {
    try FoldedTopic.open(
      broker, topic: topic, into: ReferenceRegistry(), reader: "passflow-reference",
      purpose: "activations have one order", waitMs: waitMs)
  }
}
