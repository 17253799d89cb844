public import Stage
public import Topics

/// What topic `reference` says, folded record by record: a pure function of the records in their order.
///
/// Of the files only where their parts lie: the contents are read when an edition is made ready.
public struct ReferenceRegistry: TopicFold, Sendable {
  public private(set) var editions: [String: ReferenceEditionValue] = [:]
  /// Numbers 1, 2, 3 … without a gap.
  public private(set) var activations: [ReferenceActivationValue] = []
  /// By hash of a file: offset of each part, by number.
  public private(set) var parts: [String: [Int: Int64]] = [:]
  /// Activations that came second, or out of their turn: they never count.
  public private(set) var lostCount = 0
  /// Records that are none of these; they never count.
  public private(set) var malformedCount = 0
  /// Offset after the last record folded.
  public private(set) var end: Int64 = 0

  public init() {}

  public mutating func fold(
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, offset: Int64
  ) {
    guard offset >= end else { return }
    end = offset + 1
    let name = key.map { String(decoding: $0, as: UTF8.self) } ?? ""
    let words = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let value, words.count >= 2 else {
      malformedCount += 1
      return
    }
    switch (words[0], words.count) {
    case ("file", 3): foldPart(words[1], Int(words[2]), offset)
    case ("edition", 2): foldEdition(words[1], ReferenceEditionValue(protobuf: value))
    case ("activation", 3): foldActivation(ReferenceActivationValue(protobuf: value))
    default: malformedCount += 1
    }
  }

  private mutating func foldPart(_ hash: String, _ number: Int?, _ offset: Int64) {
    guard let number, number >= 0 else {
      malformedCount += 1
      return
    }
    if parts[hash]?[number] == nil { parts[hash, default: [:]][number] = offset }
  }

  private mutating func foldEdition(_ hash: String, _ edition: ReferenceEditionValue?) {
    guard let edition, edition.hash == hash, ReferenceEditionValue.hash(of: edition.files) == hash else {
      malformedCount += 1
      return
    }
    // Immutable: what was said of it first stays.
    if editions[hash] == nil { editions[hash] = edition }
  }

  private mutating func foldActivation(_ activation: ReferenceActivationValue?) {
    guard let activation else {
      malformedCount += 1
      return
    }
    guard activation.number == Int64(activations.count) + 1 else {
      // A repeat of its producer is the same record.
      let place = Int(clamping: activation.number) - 1
      if !activations.indices.contains(place) || activations[place].token != activation.token {
        lostCount += 1
      }
      return
    }
    activations.append(activation)
  }

  /// Whether all parts of a file are there.
  public func isWhole(_ file: ReferenceFileValue) -> Bool {
    let known = parts[file.hash] ?? [:]
    return (0..<Int(file.chunks)).allSatisfy { known[$0] != nil }
  }

  /// Editions whose hash begins so.
  public func hashes(beginning prefix: String) -> [String] {
    editions.keys.filter { $0.hasPrefix(prefix) }.sorted()
  }

  static func key(ofFile hash: String, part: Int) -> String { "file/\(hash)/\(part)" }
  static func key(of edition: ReferenceEditionValue) -> String { "edition/\(edition.hash)" }
  static func key(of activation: ReferenceActivationValue) -> String {
    "activation/\(activation.number)/\(activation.token)"
  }
}
