/// 128 bits that stand for the bytes of a `Decision.desired`: equal wishes have equal digests, on every machine.
///
/// Two independent 64-bit mixes; for bytes of our own making, not against an adversary.
public struct DesiredDigest: Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64

  public static let none = DesiredDigest(high: 0, low: 0)

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public init(_ bytes: UnsafeRawBufferPointer) {
    var first: UInt64 = 0x9E37_79B9_7F4A_7C15
    var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    func mix(_ word: UInt64) {
      let one = (first ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      first = (one.high ^ one.low) &+ word
      let two = (second &+ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
      second = (two.high &+ two.low) ^ word
    }
    var position = 0
    while position &+ 8 <= bytes.count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
      position &+= 8
    }
    var tail: UInt64 = 0
    while position < bytes.count {
      tail = tail << 8 | UInt64(bytes[position])
      position &+= 1
    }
    mix(tail)
    mix(UInt64(bytes.count))
    high = first == 0 && second == 0 ? 1 : first
    low = second
  }

  /// 16 bytes, or none for `none`.
  public var bytes: [UInt8] {
    if self == .none { return [] }
    var bytes: [UInt8] = []
    withUnsafeBytes(of: high.bigEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: low.bigEndian) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Of 16 bytes; anything else is `none`.
  public init(stored: UnsafeRawBufferPointer) {
    guard stored.count == 16 else {
      self = .none
      return
    }
    high = UInt64(bigEndian: stored.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    low = UInt64(bigEndian: stored.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  }
}
