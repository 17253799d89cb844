/// An address as text, read without allocation (D18).
enum IPAddress: Equatable {
  case v4(UInt32)
  case v6(high: UInt64, low: UInt64)

  /// Dotted IPv4 without leading zeros, IPv6 text with `::` and an IPv4 tail. IPv4-mapped addresses become IPv4.
  init?(_ text: UnsafeRawBufferPointer) {
    guard text.count >= 2, text.count <= 45 else { return nil }
    if let address = Self.dotted(text, from: 0) {
      self = .v4(address)
      return
    }
    guard let (high, low) = Self.groups(text) else { return nil }
    if high == 0, low >> 32 == 0xFFFF {
      self = .v4(UInt32(truncatingIfNeeded: low))
    } else {
      self = .v6(high: high, low: low)
    }
  }

  /// Four octets from `start` to the end of the text.
  static func dotted(_ text: UnsafeRawBufferPointer, from start: Int) -> UInt32? {
    var value: UInt32 = 0
    var octets = 0
    var index = start
    while octets < 4 {
      if octets > 0 {
        guard index < text.count, text[index] == 46 else { return nil }
        index += 1
      }
      let first = index
      var octet: UInt32 = 0
      while index < text.count, index - first < 4, text[index] >= 48, text[index] <= 57 {
        octet = octet * 10 + UInt32(text[index] - 48)
        index += 1
      }
      guard index > first, octet <= 255, index - first == 1 || text[first] != 48 else { return nil }
      value = value << 8 | octet
      octets += 1
    }
    return index == text.count ? value : nil
  }

  /// The two halves of an IPv6 address.
  static func groups(_ text: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64)? {
    // Groups before `::` fill `front`, those behind it `back`; each holds the last eight groups read.
    var front = Halves()
    var back = Halves()
    var gap = false
    var index = 0
    if text[0] == 58 {
      guard text.count >= 2, text[1] == 58 else { return nil }
      gap = true
      index = 2
    }
    while index < text.count {
      guard front.count + back.count < 8 else { return nil }
      let start = index
      var group: UInt32 = 0
      while index < text.count, index - start < 5, let digit = hexDigit(text[index]) {
        group = group << 4 | UInt32(digit)
        index += 1
      }
      if index < text.count, text[index] == 46 {
        guard front.count + back.count <= 6, let tail = dotted(text, from: start) else { return nil }
        Self.append(UInt16(tail >> 16), gap, &front, &back)
        Self.append(UInt16(truncatingIfNeeded: tail), gap, &front, &back)
        index = text.count
        break
      }
      guard index > start, index - start <= 4 else { return nil }
      Self.append(UInt16(truncatingIfNeeded: group), gap, &front, &back)
      guard index < text.count else { break }
      guard text[index] == 58 else { return nil }
      index += 1
      guard index < text.count else { return nil }
      if text[index] == 58 {
        guard !gap else { return nil }
        gap = true
        index += 1
      }
    }
    let count = front.count + back.count
    guard gap ? count <= 7 : count == 8 else { return nil }
    let shifted = front.shiftedLeft(groups: 8 - front.count)
    return (shifted.high | back.high, shifted.low | back.low)
  }

  private static func append(_ group: UInt16, _ gap: Bool, _ front: inout Halves, _ back: inout Halves) {
    if gap { back.append(group) } else { front.append(group) }
  }

  @inline(__always) private static func hexDigit(_ byte: UInt8) -> UInt8? {
    if byte >= 48, byte <= 57 { return byte - 48 }
    let lower = byte | 32
    return lower >= 97 && lower <= 102 ? lower - 87 : nil
  }

  private struct Halves {
    var high: UInt64 = 0
    var low: UInt64 = 0
    var count = 0

    mutating func append(_ group: UInt16) {
      high = high << 16 | low >> 48
      low = low << 16 | UInt64(group)
      count += 1
    }

    func shiftedLeft(groups: Int) -> Halves {
      var copy = self
      for _ in 0..<max(groups, 0) { copy.append(0) }
      return copy
    }
  }

  /// Private, shared, loopback, link-local, documentation, benchmark, multicast and reserved ranges say nothing
  /// about a country.
  var isPublic: Bool {
    switch self {
    case .v4(let address):
      return !Self.special4.contains { address & $0.mask == $0.network }
    case .v6(let high, let low):
      if high == 0, low <= 0xFFFF_FFFF { return false }  // ::, ::1, IPv4-compatible
      if high >> 57 == 0x7E { return false }  // fc00::/7
      if high >> 54 == 0x3FA || high >> 54 == 0x3FB { return false }  // fe80::/10, fec0::/10
      if high >> 56 == 0xFF { return false }  // ff00::/8
      if high >> 32 == 0x2001_0DB8 { return false }  // 2001:db8::/32
      if high >> 44 == 0x3FFF0 { return false }  // 3fff::/20
      return high != 0x0100_0000_0000_0000  // 100::/64
    }
  }

  private static let special4: [(network: UInt32, mask: UInt32)] = [
    (0x0000_0000, 0xFF00_0000),  // 0.0.0.0/8
    (0x0A00_0000, 0xFF00_0000),  // 10.0.0.0/8
    (0x6440_0000, 0xFFC0_0000),  // 100.64.0.0/10
    (0x7F00_0000, 0xFF00_0000),  // 127.0.0.0/8
    (0xA9FE_0000, 0xFFFF_0000),  // 169.254.0.0/16
    (0xAC10_0000, 0xFFF0_0000),  // 172.16.0.0/12
    (0xC000_0000, 0xFFFF_FF00),  // 192.0.0.0/24
    (0xC000_0200, 0xFFFF_FF00),  // 192.0.2.0/24
    (0xC0A8_0000, 0xFFFF_0000),  // 192.168.0.0/16
    (0xC612_0000, 0xFFFE_0000),  // 198.18.0.0/15
    (0xC633_6400, 0xFFFF_FF00),  // 198.51.100.0/24
    (0xCB00_7100, 0xFFFF_FF00),  // 203.0.113.0/24
    (0xE000_0000, 0xE000_0000),  // 224.0.0.0/3: multicast and reserved
  ]
}
