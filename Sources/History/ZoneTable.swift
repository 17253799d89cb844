import Orders
import Topics

/// Zip ranges → region, with the province tokens behind it (facts.md, `zone`; D17).
struct ZoneTable: Sendable {
  /// Ascending, without overlap.
  var starts: [Int32] = []
  var ends: [Int32] = []
  /// Index into `regions`.
  var regionIndexes: [Int32] = []
  /// Ready-made answers of one region each.
  var regions: [ResolvedZones] = []

  static let jeju = ResolvedZones(names: ["제주"], isMissing: false)
  static let remote = ResolvedZones(names: ["도서산간"], isMissing: false)

  func region(ofZip zip: Int32) -> ResolvedZones? {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= zip { low = middle + 1 } else { high = middle }
    }
    guard low > 0, ends[low - 1] >= zip else { return nil }
    return regions[Int(regionIndexes[low - 1])]
  }

  /// The zones of all receivers of an encoded snapshot that `summary` was read from.
  func resolve(receiversOf bytes: UnsafeRawBufferPointer, _ summary: SnapshotSummary) -> ResolvedZones {
    if summary.receiverCount == 0 { return .missing }
    if summary.receiverCount == 1 { return zone(ofReceiver: summary.firstReceiver.slice(of: bytes)) }
    var all = ResolvedZones(names: [], isMissing: false)
    var reader = ProtobufReader(bytes)
    while reader.next() {
      guard reader.field == 21 else {
        reader.skip()
        continue
      }
      let one = zone(ofReceiver: reader.slice())
      all.isMissing = all.isMissing || one.isMissing
      for name in one.names where !all.names.contains(name) && all.names.count < ResolvedZones.namesMax {
        all.names.append(name)
      }
      let place = one.names.first.flatMap { all.names.firstIndex(of: $0) }
      all.ofReceivers.append(UInt8(truncatingIfNeeded: (place ?? -1) + 1))
    }
    return all
  }

  private func zone(ofReceiver bytes: UnsafeRawBufferPointer) -> ResolvedZones {
    var reader = ProtobufReader(bytes)
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    var (zipText, region1, region2, country) = (nothing, nothing, nothing, nothing)
    var hasAddress = false
    while reader.next() {
      switch reader.field {
      case 2: zipText = reader.slice()
      case 3: region1 = reader.slice()
      case 4: region2 = reader.slice()
      case 5: hasAddress = reader.bool()
      case 6: country = reader.slice()
      default: reader.skip()
      }
    }
    if !country.isEmpty, !Self.isKorea(country) { return .none }
    let zip = Self.fiveDigits(zipText)
    if let zip, let region = region(ofZip: zip) { return region }
    if let region = Self.region(region1, region2) { return region }
    return zip == nil && !hasAddress && region1.isEmpty ? .missing : .none
  }

  private static func isKorea(_ country: UnsafeRawBufferPointer) -> Bool {
    func letter(_ index: Int) -> UInt8 { country[index] & 0xDF }
    guard country.count == 2 || country.count == 3, letter(0) == 75 else { return false }
    return country.count == 2 ? letter(1) == 82 : letter(1) == 79 && letter(2) == 82
  }

  /// Exactly five ASCII digits as a number.
  static func fiveDigits(_ text: UnsafeRawBufferPointer) -> Int32? {
    guard text.count == 5 else { return nil }
    var value: Int32 = 0
    for byte in text {
      guard byte >= 48, byte <= 57 else { return nil }
      value = value * 10 + Int32(byte - 48)
    }
    return value
  }

  private static let jejuNames = ["제주특별자치도", "제주도", "제주"].map { Array($0.utf8) }
  /// Province names and the island county in them.
  private static let islandCounties = [
    (["경상북도", "경북"], "울릉군"), (["인천광역시", "인천"], "옹진군"), (["전라남도", "전남"], "신안군"),
  ].map { (provinces: $0.0.map { Array($0.utf8) }, county: Array($0.1.utf8)) }

  private static func region(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
  ) -> ResolvedZones? {
    func isText(_ bytes: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
      bytes.count == text.count && text.withUnsafeBytes { sameBytes($0, bytes) }
    }
    for name in jejuNames where isText(first, name) { return jeju }
    for entry in islandCounties where isText(second, entry.county) {
      for province in entry.provinces where isText(first, province) { return remote }
    }
    return nil
  }
}
