public import Topics

/// What topic `rules` says, folded record by record.
///
/// A pure function of the records in their order. Compaction changes nothing: every key is written once, and a key
/// that came twice (a producer that repeated itself) is the same record.
public struct RuleRegistry: Sendable {
  public private(set) var versions: [String: RuleVersionValue] = [:]
  /// By scope, oldest first: numbers 1, 2, 3 … without a gap.
  public private(set) var activations: [RegistryScope: [Activation]] = [:]
  /// Activations that came second, or out of their turn: they never count.
  public private(set) var lostCount = 0
  /// Records that are neither; they never count.
  public private(set) var malformedCount = 0
  /// Offset after the last record folded.
  public private(set) var end: Int64 = 0
  /// Offset after the last activation that counts: equal ends are equal rules.
  public private(set) var activationsEnd: Int64 = 0

  /// Scopes with activations.
  public static let scopesMax = 100_000

  /// Also what people said of activations that are no longer the newest.
  private let keepsHistory: Bool
  /// One text for each hash that was ever activated.
  private var hashes: Set<String> = []

  public init(keepsHistory: Bool = true) { self.keepsHistory = keepsHistory }

  /// Takes the next record; one that lies before `end` was taken already and is passed over.
  public mutating func fold(
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, offset: Int64
  ) {
    guard offset >= end else { return }
    end = offset + 1
    guard let key else {
      malformedCount += 1
      return
    }
    let name = String(decoding: key, as: UTF8.self)
    if name.hasPrefix(RuleRegistry.versionPrefix) {
      foldVersion(String(name.dropFirst(RuleRegistry.versionPrefix.count)), value)
    } else if name.hasPrefix(RuleRegistry.activationPrefix), let value,
      let activation = RuleActivationValue(protobuf: value)
    {
      foldActivation(activation, offset)
    } else {
      malformedCount += 1
    }
  }

  private mutating func foldVersion(_ hash: String, _ bytes: UnsafeRawBufferPointer?) {
    guard let bytes, let version = RuleVersionValue(protobuf: bytes), version.hash == hash else {
      malformedCount += 1
      return
    }
    // Immutable: the first text of a hash stays.
    if versions[hash] == nil { versions[hash] = version }
  }

  private mutating func foldActivation(_ activation: RuleActivationValue, _ offset: Int64) {
    let scope = activation.scope
    let count = activations[scope]?.count ?? 0
    guard activation.number == Int64(count) + 1, count > 0 || activations.count < Self.scopesMax else {
      let place = Int(clamping: activation.number) - 1
      if !(0..<count).contains(place) || activations[scope]?[place].isOf(activation) != true {
        lostCount += 1
      }
      return
    }
    let hash = hashes.insert(activation.hash).memberAfterInsert
    if !keepsHistory, count > 0 { activations[scope]?[count - 1].forgetWords() }
    activations[scope, default: []].append(Activation(activation, offset: offset, hash: hash))
    activationsEnd = offset + 1
  }

  /// What is in force in a scope, activations from `rulesEnd` on left out; nil: nothing was ever activated, or what
  /// is held is "none".
  public func inForce(_ scope: RegistryScope, before rulesEnd: Int64 = .max, held: HeldScopes = [:])
    -> Activation?
  {
    guard let list = activations[scope] else { return nil }
    return RuleRegistry.inForce(list, before: rulesEnd, held: held[scope])
  }

  /// The same among the activations of one scope, of which number `held` is held.
  static func inForce(_ list: [Activation], before rulesEnd: Int64, held: Int64?) -> Activation? {
    if let held {
      let place = Int(clamping: held) - 1
      return list.indices.contains(place) ? list[place] : nil
    }
    return list.last { $0.offset < rulesEnd }
  }

  /// Versions whose hash begins so.
  public func hashes(beginning prefix: String) -> [String] {
    versions.keys.filter { $0.hasPrefix(prefix) }.sorted()
  }

  static let versionPrefix = "version/"
  static let activationPrefix = "activation/"

  /// Key of a version's record.
  public static func key(of version: RuleVersionValue) -> String { versionPrefix + version.hash }

  /// Key of an activation's record.
  public static func key(of activation: RuleActivationValue) -> String {
    let mall = activation.mallId.isEmpty ? "*" : activation.mallId
    return "\(activationPrefix)\(mall)/\(activation.shopNo)/\(activation.number)/\(activation.token)"
  }
}
