import Topics

/// The country that a beacon told of an order, and since when (docs/design.md, "An order and its beacon").
struct DatedCountry: Equatable, Comparable {
  var at: Int64
  /// Two capital letters, the first in the high byte; 0 = the address tells none.
  var country: UInt16

  static func < (left: DatedCountry, right: DatedCountry) -> Bool {
    left.at != right.at ? left.at < right.at : left.country < right.country
  }

  /// Writes the fields of a `LedgerContext`.
  func write(to writer: inout ProtobufWriter) {
    writer.int64(1, at)
    writer.string(2, countryText(country))
  }

  init(at: Int64, country: UInt16) {
    self.at = at
    self.country = country
  }

  /// Of a stored `LedgerContext`.
  init(stored bytes: UnsafeRawBufferPointer) throws(HistoryError) {
    self.init(at: 0, country: 0)
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: at = reader.int64()
      case 2: country = packedCountry(reader.slice())
      default: reader.skip()
      }
    }
    guard !reader.failed else { throw .malformedRecord }
  }
}

/// What the beacons of one order told, by (at, country).
///
/// Of more than `countMax` the earliest stay: which they are does not depend on the order of arrival, and nothing
/// that comes later pushes out what a closed order was decided on.
struct DatedCountries: Equatable {
  static let countMax = 32

  private(set) var all: [DatedCountry] = []

  var isEmpty: Bool { all.isEmpty }

  /// False: it is known, or there are so many earlier ones.
  mutating func insert(_ new: DatedCountry) -> Bool {
    var index = all.count
    while index > 0, new < all[index - 1] { index -= 1 }
    if index > 0, all[index - 1] == new { return false }
    guard index < Self.countMax else { return false }
    all.insert(new, at: index)
    if all.count > Self.countMax { all.removeLast() }
    return true
  }

  /// Told last at the instant; 0 when nothing was.
  func country(at instant: Int64) -> UInt16 {
    all.last { $0.at <= instant }?.country ?? 0
  }
}
