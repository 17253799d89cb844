import Topics

/// What was applied to one order, as apply keeps it in memory: the stored record, taken apart only where every
/// decision changes it.
final class LedgerEntry {
  /// Position and version of the last decision acted on; nil: nothing was ever decided.
  private(set) var position: Position?
  private(set) var latestVersion: Int64 = 0
  /// Labels, effects and rule set: fields 3 to 5 of the record as they are stored.
  private var rest: [UInt8] = []
  private(set) var ruleSet: [UInt8] = []
  private(set) var digest = DesiredDigest.none
  /// No label and no effect is noted: the order is as we found it.
  private(set) var isBare = true
  var isTouched = false
  /// Waits for the shop: what is here is not final.
  var isInWave = false

  init() {}

  /// From a stored record; nil when it is malformed.
  init?(_ record: UnsafeRawBufferPointer) {
    guard let value = AppliedLedgerValue(protobuf: record) else { return nil }
    set(value)
    var reader = ProtobufReader(record)
    while reader.next() {
      if reader.field == 6 { digest = DesiredDigest(stored: reader.slice()) } else { reader.skip() }
    }
  }

  /// Estimate of the memory held.
  var bytes: Int { 400 + rest.count + ruleSet.count }

  /// The ledger, decoded.
  var value: AppliedLedgerValue? {
    guard let position else { return nil }
    var value = rest.withUnsafeBytes { AppliedLedgerValue(protobuf: $0) } ?? AppliedLedgerValue()
    value.position = position
    value.latestVersion = latestVersion
    return value
  }

  /// A newer decision that asks for the same.
  func confirm(_ position: Position, latestVersion: Int64) {
    self.position = position
    self.latestVersion = latestVersion
  }

  /// What was settled; the digest is that of the decision's wishes, `none` if some were refused.
  func set(_ value: AppliedLedgerValue, digest: DesiredDigest = .none) {
    position = value.position
    latestVersion = value.latestVersion
    ruleSet = Array(value.ruleSet.utf8)
    self.digest = digest
    isBare = value.labels.isEmpty && value.effects.isEmpty
    var stored = value
    stored.position = Position()
    stored.latestVersion = 0
    var writer = ProtobufWriter(capacity: 512)
    stored.write(into: &writer)
    // The empty position is written as a field of two bytes; it stands in front.
    rest = Array(writer.bytes.dropFirst(2))
  }

  /// The labels of a decision, all put on; `scratch` is used and left as it comes.
  func set(
    _ header: DecisionHeader, _ desire: UniformDesire, digest: DesiredDigest, scratch: inout ProtobufWriter
  ) {
    position = header.position
    latestVersion = header.latestVersion
    if !header.ruleSet.elementsEqual(ruleSet) { ruleSet = [UInt8](header.ruleSet) }
    self.digest = digest
    isBare = desire.labels.isEmpty
    scratch.removeAll()
    if !isBare { scratch.presentBytes(3, desire.fields) }
    if !ruleSet.isEmpty { scratch.presentBytes(5, header.ruleSet) }
    rest = [UInt8](scratch.bytes)
  }

  func write(into writer: inout ProtobufWriter) {
    guard let position else { return }
    let start = writer.beginMessage(1)
    position.write(into: &writer)
    writer.endMessage(start)
    writer.int64(2, latestVersion)
    rest.withUnsafeBytes { writer.raw($0) }
    writer.bytes(6, digest.bytes)
  }
}
