import Glibc
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
  var bytes: Int { 250 + rest.count + ruleSet.count }

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
    var stored = value
    stored.position = Position()
    stored.latestVersion = 0
    var writer = ProtobufWriter(capacity: 512)
    stored.write(into: &writer)
    // The empty position is written as a field of two bytes; it stands in front.
    rest = Array(writer.bytes.dropFirst(2))
  }

  /// Lends labels, effects and rule set as they are stored.
  func withFields<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try rest.withUnsafeBytes(body)
  }

  /// Labels and effects of a decision, all done. `fields` are those that `withFields` lends, without the rule set,
  /// which is added.
  func set(_ header: DecisionHeader, digest: DesiredDigest, fields: inout ProtobufWriter, isChanged: Bool) {
    position = header.position
    latestVersion = header.latestVersion
    self.digest = digest
    let isSameSet = sameBytes(ruleSet, header.ruleSet)
    if isSameSet, !isChanged { return }
    if !isSameSet { ruleSet = [UInt8](header.ruleSet) }
    if !ruleSet.isEmpty { fields.presentBytes(5, header.ruleSet) }
    rest = fields.withUnsafeBytes { [UInt8]($0) }
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

/// Equal in length and content.
func sameBytes(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let start = right.baseAddress else { return true }
  return left.withUnsafeBytes { bytes in
    bytes.baseAddress.map { memcmp($0, start, right.count) == 0 } ?? true
  }
}
