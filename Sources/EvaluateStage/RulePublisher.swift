import Kafka
import Orders
public import RuleVersions
import Rules
public import Stage
public import Topics

/// Writes versions and activations to topic `rules`: the other side of what evaluate follows. One thread.
public final class RulePublisher {
  /// Why nothing was published or activated.
  public struct Problem: Error, CustomStringConvertible {
    public let description: String
  }

  /// Bytes of a version's texts together: one record, with room for the rest of it.
  public static let textBytesMax = 900_000

  private let reader: RuleRegistryReader
  private let producer: Producer
  private let topic: TopicHandle
  private let nowUs: () -> Int64

  /// Reads the topic to its end.
  public init(
    _ broker: BrokerAccess, topics: TopicNames = TopicNames(), nowUs: @escaping () -> Int64 = wallClockUs
  )
    throws
  {
    guard let reader = try RuleRegistryReader.open(broker, topic: topics.rules, keepsHistory: true) else {
      throw Problem(description: "the broker has no topic \(topics.rules): 'passflow topics create' makes it")
    }
    try reader.catchUp()
    self.reader = reader
    self.nowUs = nowUs
    producer = try broker.producer()
    topic = try broker.topic(topics.rules, of: producer, readBy: nil)
  }

  public var registry: RuleRegistry { reader.registry }

  public func close() {
    producer.close(timeoutMs: 1_000)
    reader.close()
  }

  // MARK: Versions

  /// Checks and plans the rules, then writes them as a version. A version that is there already stays as it is.
  ///
  /// Throws the files' diagnostics, `PlanError`, or a `Problem`.
  public func publish(_ files: [(path: String, text: String)], author: String, note: String) throws
    -> (version: RuleVersionValue, wasThere: Bool)
  {
    let set = try RuleSet.load(files: files)
    _ = try Plan([set])
    let bytes = files.reduce(0) { $0 + $1.text.utf8.count }
    guard bytes <= Self.textBytesMax else {
      throw Problem(description: "the rule files have \(bytes) bytes, more than \(Self.textBytesMax)")
    }
    if let known = registry.versions[set.hash] { return (known, true) }
    var version = RuleVersionValue()
    version.hash = set.hash
    version.files = files.map { file in
      RuleFileValue(path: file.path.split(separator: "/").last.map(String.init) ?? file.path, text: file.text)
    }
    version.author = author
    version.note = note
    version.createdAt = Instant(microseconds: nowUs())
    version.digest = RuleSet.textDigest(files.map(\.text))
    try send(RuleRegistry.key(of: version), version.protobuf)
    try reader.catchUp()
    return (registry.versions[set.hash] ?? version, false)
  }

  /// The one version whose hash begins so; an empty prefix and `none` name no version.
  public func hash(beginning prefix: String) throws -> String {
    if prefix.isEmpty || prefix == "none" { return "" }
    let found = registry.hashes(beginning: prefix)
    guard let only = found.first else {
      throw Problem(description: "no published version begins with \(prefix)")
    }
    guard found.count == 1 else {
      throw Problem(
        description: "\(found.count) published versions begin with \(prefix): give more of the hash")
    }
    return only
  }

  // MARK: Activations

  /// Puts a version in force in a scope; an empty hash takes the scope's rules away.
  ///
  /// - Parameter replacing: hash (or its beginning) that must be in force now; nil: whatever is.
  /// Throws a `Problem` when somebody else was faster: then nothing of this counts.
  @discardableResult
  public func activate(
    _ hash: String, in scope: RegistryScope, author: String, note: String, replacing: String? = nil
  ) throws -> RuleActivationValue {
    try reader.catchUp()
    return try activateNow(hash, in: scope, author: author, note: note, replacing: replacing, restores: 0)
  }

  func activateNow(
    _ hash: String, in scope: RegistryScope, author: String, note: String, replacing: String?, restores: Int64
  ) throws -> RuleActivationValue {
    let known = registry.activations[scope] ?? []
    let current = known.last?.value.hash ?? ""
    if let replacing,
      replacing == "none" ? !current.isEmpty : !current.hasPrefix(replacing) || current.isEmpty
    {
      throw Problem(
        description: "\(RulePublisher.short(current)) is in force in \(scope), not \(replacing): "
          + "look at 'passflow rules history' and decide again")
    }
    if let version = registry.versions[hash] {
      if case .failure(let refusal) = RuleCatalogue.compiled(version) {
        throw Problem(description: "\(RulePublisher.short(hash)) cannot be used: \(refusal)")
      }
    } else if !hash.isEmpty {
      throw Problem(description: "no such published version: \(hash)")
    }
    var activation = RuleActivationValue()
    activation.mallId = scope.mallId
    activation.shopNo = scope.shopNo
    activation.number = Int64(known.count) + 1
    activation.hash = hash
    activation.author = author
    activation.note = note
    activation.at = Instant(microseconds: nowUs())
    activation.replaces = current
    activation.token = RulePublisher.token()
    activation.restores = restores
    try send(RuleRegistry.key(of: activation), activation.protobuf)
    try reader.catchUp()
    guard let counted = registry.activations[scope]?.first(where: { $0.value.number == activation.number }),
      counted.value.token == activation.token
    else { throw Problem(description: lost(activation, scope)) }
    return activation
  }

  private func lost(_ mine: RuleActivationValue, _ scope: RegistryScope) -> String {
    let winner = registry.activations[scope]?.first { $0.value.number == mine.number }?.value
    let who = winner.map { "\($0.author) activated \(RulePublisher.short($0.hash)) at \($0.at.rfc3339())" }
    return "somebody was faster in \(scope): \(who ?? "another activation counts"); yours does not count. "
      + "Look at 'passflow rules history' and decide again"
  }

  /// Puts back what was in force before the version that is now. Again: what was before that.
  @discardableResult
  public func rollback(_ scope: RegistryScope, author: String, note: String) throws -> RuleActivationValue {
    try reader.catchUp()
    let known = registry.activations[scope] ?? []
    guard let current = known.last?.value, current.restores != -1 else {
      throw Problem(description: "nothing to go back to in \(scope)")
    }
    var place = Int(clamping: current.restores > 0 ? current.restores : current.number) - 2
    while place >= 0, known[place].value.hash == current.hash { place -= 1 }
    let before = place >= 0 ? known[place].value : nil
    return try activateNow(
      before?.hash ?? "", in: scope, author: author, note: note, replacing: nil,
      restores: before?.number ?? -1)
  }

  private func send(_ key: String, _ value: [UInt8]) throws {
    let sequence = try Array(key.utf8).withUnsafeBytes { key in
      try value.withUnsafeBytes { try producer.send(topic: topic, partition: 0, key: key, value: $0) }
    }
    guard producer.waitAcknowledged(through: sequence, timeoutMs: 30_000) else {
      throw Problem(
        description: "the broker did not acknowledge it; look at 'passflow rules history' before trying again"
      )
    }
  }

  private static func token() -> String {
    var generator = SystemRandomNumberGenerator()
    return String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
  }

  /// A hash as people read it.
  public static func short(_ hash: String) -> String { hash.isEmpty ? "none" : String(hash.prefix(12)) }
}
