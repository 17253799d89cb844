public import Orders

/// Zones, lists, stock, holidays and IP ranges of one edition. Never changes once built.
public final class ReferenceData: Sendable {
  let zones: ZoneTable
  let lists: ListTable
  let stock: StockTable
  public let holidays: Set<CivilDate>
  public let geo: GeoTable
  /// Twelve hexadecimal digits of a hash of everything that was parsed: equal content, equal edition. Or the name of
  /// an edition that was published.
  public let edition: String
  /// Hash of each kind's content, by `ReferenceKind.rawValue`.
  let contentHashes: [UInt64]

  init(
    zones: ZoneTable, lists: ListTable, stock: StockTable, holidays: Set<CivilDate>, geo: GeoTable,
    contentHashes: [UInt64], edition name: String? = nil
  ) {
    self.zones = zones
    self.lists = lists
    self.stock = stock
    self.holidays = holidays
    self.geo = geo
    self.contentHashes = contentHashes
    var hash = ContentHash()
    for part in contentHashes { hash.add(part) }
    let digits = String(hash.value & 0xFFFF_FFFF_FFFF, radix: 16)
    edition = name ?? String(repeating: "0", count: 12 - digits.count) + digits
  }

  /// No table at all: every list was never imported, every country is missing.
  public static let empty: ReferenceData = {
    var builder = ReferenceBuilder()
    return builder.build()
  }()

  /// No file of any kind was read.
  public var isEmpty: Bool { contentHashes.allSatisfy { $0 == 0 } }

  public var zoneRangeCount: Int { zones.starts.count }
  public var listNames: [String] { lists.names }

  /// True when the civil date is in the holiday table.
  public func isHoliday(_ date: CivilDate) -> Bool { holidays.contains(date) }
}

/// The kinds of reference file (facts.md, "The trial run").
public enum ReferenceKind: Int, CaseIterable, Sendable {
  case zones, lists, stock, holidays, geo

  /// As topic `reference` names it.
  public var name: String { "\(self)" }

  public init?(named name: some StringProtocol) {
    guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }

  /// Its name in a `--reference` folder.
  public var fileName: String {
    switch self {
    case .zones: "zones.csv"
    case .lists: "lists.csv"
    case .stock: "stock.csv"
    case .holidays: "holidays.csv"
    case .geo: "geo.csv"
    }
  }
}
