import Orders
import Topics

/// Parts of a customer's profile.
public struct ProfileParts: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let grade = ProfileParts(rawValue: 1)
  public static let coupons = ProfileParts(rawValue: 2)
  public static let cart = ProfileParts(rawValue: 4)
}

/// What is known of a customer in one shop beside his orders, each part with its dated states.
struct CustomerProfile {
  let shopNo: Int32
  private(set) var grade = DatedParts()
  private(set) var coupons = DatedParts()
  private(set) var cart = DatedParts()
  /// Differ from what was last handed to the changelog.
  var changed: ProfileParts = []

  init(shopNo: Int32) { self.shopNo = shopNo }

  /// The latest instant of which anything was told; `.min`: nothing was.
  var latestAt: Int64 { [grade, coupons, cart].reduce(.min) { max($0, $1.latest?.at ?? .min) } }
  var byteCount: Int { grade.byteCount + coupons.byteCount + cart.byteCount }

  /// Takes what is told. Returns the parts that this changed.
  mutating func insert(_ event: ProfileEventValue) -> ProfileParts {
    let at = event.at.microseconds
    var new: ProfileParts = []
    if !event.grade.isEmpty, grade.insert(DatedPart(at: at, bytes: Array(event.grade.utf8))) {
      new.insert(.grade)
    }
    if let told = event.coupons, coupons.insert(DatedPart(at: at, bytes: told.protobuf)) {
      new.insert(.coupons)
    }
    if let told = event.cart, cart.insert(DatedPart(at: at, bytes: told.protobuf)) { new.insert(.cart) }
    changed.formUnion(new)
    return new
  }

  // MARK: The changelog records

  /// Number of each part in its record's key.
  private static let numbers: [(part: ProfileParts, number: UInt8)] = [
    (.grade, 1), (.coupons, 2), (.cart, 3),
  ]

  private func parts(_ part: ProfileParts) -> DatedParts {
    part == .grade ? grade : part == .coupons ? coupons : cart
  }

  /// Hands out the record of every part changed since the last call, with its number.
  mutating func takeChanged(into store: (_ number: UInt8, _ record: [UInt8]) -> Void) {
    for (part, number) in Self.numbers where changed.contains(part) { store(number, parts(part).record) }
    changed = []
  }

  mutating func restore(_ number: UInt8, _ record: [UInt8]) throws(HistoryError) {
    let restored = try DatedParts(record: record)
    switch number {
    case 1 where grade.isEmpty: grade = restored
    case 2 where coupons.isEmpty: coupons = restored
    case 3 where cart.isEmpty: cart = restored
    default: throw .malformedRecord
    }
  }
}

/// Keys of profiles among the stored records: 0xFF ‖ "profile" ‖ a customer's record prefix ‖ shop ‖ 0x00 ‖ part. They
/// stand apart from the orders, where a program that knows no profiles does not look.
public enum ProfileKey {
  public static let prefix: [UInt8] = [0xFF] + Array("profile".utf8)

  /// What the keys of a customer's profiles begin with.
  public static func prefix(ofCustomer recordPrefix: [UInt8]) -> [UInt8] { prefix + recordPrefix }

  static func bytes(ofCustomer recordPrefix: [UInt8], shopNo: Int32, part: UInt8) -> [UInt8] {
    prefix(ofCustomer: recordPrefix) + Array(String(shopNo).utf8) + [0, part]
  }

  /// Nil when the key is none of the customer's profiles.
  static func parts(of key: [UInt8], customer recordPrefix: [UInt8]) -> (shopNo: Int32, part: UInt8)? {
    let beginning = prefix(ofCustomer: recordPrefix)
    guard key.count > beginning.count + 2, key.starts(with: beginning), key[key.count - 2] == 0,
      let shop = Int32(String(decoding: key[beginning.count..<(key.count - 2)], as: UTF8.self))
    else { return nil }
    return (shop, key[key.count - 1])
  }
}
