import Orders
import Topics

/// What one order's state gives to its siblings' facts. Plain numbers, so that a pass over a customer's orders
/// touches one array only.
struct Contribution: Equatable {
  struct Flags: OptionSet {
    var rawValue: UInt8
    static let notCancelled = Flags(rawValue: 1)
    static let paid = Flags(rawValue: 2)
    static let open = Flags(rawValue: 4)
    static let giftPending = Flags(rawValue: 8)
    static let hasReceiver = Flags(rawValue: 16)
    static let hasFaultClaims = Flags(rawValue: 32)
  }

  var placedAt: Int64 = 0
  var netAmount: Int64 = 0
  var fingerprintHigh: UInt64 = 0
  var fingerprintLow: UInt64 = 0
  var currencyCode: UInt32 = 0
  var flags: Flags = []

  init() {}

  init(_ summary: SnapshotSummary) {
    placedAt = summary.placedAt.microseconds
    netAmount = summary.netAmount
    fingerprintHigh = summary.fingerprintHigh
    fingerprintLow = summary.fingerprintLow
    currencyCode = summary.currencyCode
    flags = []
    if !summary.isAllCancelled { flags.insert(.notCancelled) }
    if summary.isPaid { flags.insert(.paid) }
    if !summary.isClosed { flags.insert(.open) }
    if summary.isGiftPending { flags.insert(.giftPending) }
    if summary.hasReceiverFingerprint { flags.insert(.hasReceiver) }
    if !summary.faultClaims.isEmpty { flags.insert(.hasFaultClaims) }
  }

  /// Alike but for the receiver and what says whether a parcel can be shared.
  func givesSameSums(as other: Contribution) -> Bool {
    let parcel: Flags = [.open, .giftPending, .hasReceiver]
    return placedAt == other.placedAt && netAmount == other.netAmount && currencyCode == other.currencyCode
      && flags.subtracting(parcel) == other.flags.subtracting(parcel)
  }

  /// Placed so far apart from any of that span that no parcel can be shared, in whatever state.
  @inline(__always) func isApart(first: Int64, last: Int64) -> Bool {
    placedAt &- last > Contribution.bundleWindowUs || first &- placedAt > Contribution.bundleWindowUs
  }

  /// `bundle.partners`: both ends of the hour count (D16). Whether `self` may bundle at all is the caller's to say.
  @inline(__always) func bundles(with partner: Contribution) -> Bool {
    bundles(with: partner, within: Contribution.bundleWindowUs)
  }

  /// The same for orders placed at most so many µs apart.
  @inline(__always) func bundles(with partner: Contribution, within span: Int64) -> Bool {
    partner.flags.contains([.open, .hasReceiver]) && !partner.flags.contains(.giftPending)
      && flags.contains(.hasReceiver) && !flags.contains(.giftPending)
      && partner.fingerprintHigh == fingerprintHigh && partner.fingerprintLow == fingerprintLow
      && abs(placedAt - partner.placedAt) <= span
  }

  static let bundleWindowUs: Int64 = 3_600_000_000
}

/// One dated state of an order: its bytes without ip, and what was read or resolved when it was folded. Never
/// changes.
final class DatedSnapshot {
  let bytes: [UInt8]
  let summary: SnapshotSummary
  /// Two capital letters, the first in the high byte; 0 = missing.
  let country: UInt16
  /// The snapshot told an address, if only one without a country: no beacon's counts then.
  let hasIP: Bool
  let zones: ResolvedZones
  /// Of the multiset of live lines as (SKU, else product code; quantity); 0 = a line has neither, or none is live.
  /// Computed when a rule first asks for it.
  private(set) lazy var linesHash = DatedSnapshot.linesHash(bytes)
  /// What `purchases` found; nil until a rule first asks for it.
  var keptPurchases: [Purchase]?

  var eventTime: Int64 { summary.eventTime.microseconds }
  var version: Int64 { summary.version }
  /// Put together when asked for: it would be kept with every state of every order.
  var contribution: Contribution { Contribution(summary) }

  init(
    bytes: [UInt8], summary: SnapshotSummary, country: UInt16, hasIP: Bool, zones: ResolvedZones
  ) {
    self.bytes = bytes
    self.summary = summary
    self.country = country
    self.hasIP = hasIP
    self.zones = zones
  }

  /// Of a snapshot from topic `orders`: takes out the ip and resolves it and the zones.
  convenience init(
    _ bytes: UnsafeRawBufferPointer, summary: SnapshotSummary, reference: ReferenceData,
    countries: inout CountryMemo
  ) {
    self.init(
      bytes: DatedSnapshot.withoutIP(bytes, summary), summary: summary,
      country: countries.country(ofText: summary.ip.slice(of: bytes), in: reference.geo),
      hasIP: summary.ip.count > 0,
      zones: reference.zones.resolve(receiversOf: bytes, summary))
  }

  /// Which of two different snapshots of the same version stands: smaller event time, then smaller bytes, then the
  /// known country, then one without a country before none. Does not depend on which came first.
  func yields(to other: DatedSnapshot) -> Bool {
    if eventTime != other.eventTime { return other.eventTime < eventTime }
    let order = compareBytes(other.bytes, bytes)
    if order != 0 { return order < 0 }
    return other.country != country ? other.country > country : other.hasIP && !hasIP
  }

  static func withoutIP(_ bytes: UnsafeRawBufferPointer, _ summary: SnapshotSummary) -> [UInt8] {
    guard summary.ipFieldCount > 0 else { return [UInt8](bytes) }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    if summary.ipFieldCount == 1 {
      let field = summary.ipField
      kept.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<field.start]))
      kept.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[(field.start + field.count)...]))
      return kept
    }
    var reader = ProtobufReader(bytes)
    while true {
      let start = reader.offset
      guard reader.next() else { return kept }
      reader.skip()
      if reader.field != 30 {
        kept.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<reader.offset]))
      }
    }
  }

  /// Writes the fields of a `LedgerSnapshot` that follows on another.
  func write(
    to writer: inout ProtobufWriter, after before: DatedSnapshot?, _ scratch: inout ProtobufWriter
  ) {
    let isShort = before.map { before in
      before.bytes.withUnsafeBytes { old in
        bytes.withUnsafeBytes { SnapshotDelta.program(from: old, to: $0, into: &scratch) }
      }
    }
    if isShort == true {
      scratch.withUnsafeBytes { writer.presentBytes(8, $0) }
    } else {
      bytes.withUnsafeBytes { writer.presentBytes(1, $0) }
    }
    if let before, before.country == country, before.hasIP == hasIP, before.zones == zones {
      return writer.bool(9, true)
    }
    writer.string(2, countryText(country))
    writer.strings(3, zones.names)
    writer.bool(4, zones.isMissing)
    writer.bool(5, hasIP)
    writer.bytes(6, zones.ofReceivers)
  }

  /// Of a stored `LedgerSnapshot` that follows on another.
  convenience init(stored bytes: UnsafeRawBufferPointer, after before: DatedSnapshot?) throws(HistoryError) {
    var reader = ProtobufReader(bytes)
    var snapshot = UnsafeRawBufferPointer(start: nil, count: 0)
    var country: UInt16 = 0
    var hasIP = false
    var zones = ResolvedZones(names: [], isMissing: false)
    var made: [UInt8]?
    while reader.next() {
      switch reader.field {
      case 1: snapshot = reader.slice()
      case 2: country = packedCountry(reader.slice())
      case 3:
        guard zones.names.count < ResolvedZones.namesMax else { throw .malformedRecord }
        zones.names.append(reader.string())
      case 4: zones.isMissing = reader.bool()
      case 5: hasIP = reader.bool()
      case 6: zones.ofReceivers = reader.array()
      case 8:
        made = before.flatMap { Self.apply(reader.slice(), to: $0) }
        guard made != nil else { throw .malformedRecord }
      case 9:
        guard let before, reader.bool() else { throw .malformedRecord }
        (country, hasIP, zones) = (before.country, before.hasIP, before.zones)
      default: reader.skip()
      }
    }
    guard !reader.failed else { throw .malformedRecord }
    zones.completeReceivers()
    let kept = made ?? [UInt8](snapshot)
    // `Array.withUnsafeBytes` forgets the thrown type.
    let scanned = kept.withUnsafeBytes { try? SnapshotSummary($0) }
    guard let summary = scanned else { throw .malformedRecord }
    guard summary.ipFieldCount == 0 else { throw .malformedRecord }
    if zones == .none { zones = .none }
    // Records of before the field was there have it where it matters most.
    self.init(
      bytes: kept, summary: summary, country: country, hasIP: hasIP || country != 0, zones: zones)
  }

  /// More than any record of `orders` has.
  private static let bytesMax = 16 << 20

  private static func apply(_ program: UnsafeRawBufferPointer, to before: DatedSnapshot) -> [UInt8]? {
    before.bytes.withUnsafeBytes {
      SnapshotDelta.apply(program, to: $0, bytesMax: Self.bytesMax)
    }
  }
}

/// Zones of an order's receivers, distinct, in the order of the receivers.
struct ResolvedZones: Equatable, Sendable {
  var names: [String]
  var isMissing: Bool
  /// Of several receivers, each one's zone: 1-based index into `names`, 0 = missing. Empty for none or one.
  var ofReceivers: [UInt8] = []

  static let namesMax = 64
  static let none = ResolvedZones(names: ["none"], isMissing: false)
  static let missing = ResolvedZones(names: [], isMissing: true)

  /// After restoring: an index that is none is missing.
  mutating func completeReceivers() {
    for index in ofReceivers.indices where Int(ofReceivers[index]) > names.count { ofReceivers[index] = 0 }
  }
}

/// Two ASCII letters as one number; 0 for anything else.
func packedCountry(_ text: UnsafeRawBufferPointer) -> UInt16 {
  guard text.count == 2 else { return 0 }
  return UInt16(text[0]) << 8 | UInt16(text[1])
}

func countryText(_ packed: UInt16) -> String {
  guard packed != 0 else { return "" }
  return String(decoding: [UInt8(packed >> 8), UInt8(packed & 0xFF)], as: UTF8.self)
}
