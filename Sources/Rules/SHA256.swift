internal import CRuleKernels

/// SHA-256 (FIPS 180-4), for content hashes of rule sets: a few kilobytes for each mall.
enum SHA256 {
  private static let digits = Array("0123456789abcdef".utf8)

  /// 64 lower-case hex digits.
  static func hex(_ message: [UInt8]) -> String {
    var state: [UInt32] = [
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    let whole = message.count / 64
    message.withUnsafeBufferPointer {
      if let first = $0.baseAddress { rule_sha256_blocks(&state, first, whole) }
    }
    // The end, a one, zeros, and the length in bits as the last eight bytes of a block.
    var end = Array(message[(whole * 64)...])
    end.append(0x80)
    while end.count % 64 != 56 { end.append(0) }
    let bits = UInt64(message.count) &* 8
    for shift in stride(from: 56, through: 0, by: -8) {
      end.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    rule_sha256_blocks(&state, end, end.count / 64)
    return String(unsafeUninitializedCapacity: 64) { text in
      for (index, word) in state.enumerated() {
        for place in 0..<8 {
          text[index * 8 + place] = digits[Int((word >> UInt32(28 - place * 4)) & 15)]
        }
      }
      return 64
    }
  }
}
