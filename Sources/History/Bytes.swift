import Glibc

/// Equal in length and content.
@inline(__always)
func sameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard left.count > 0, let first = left.baseAddress, let second = right.baseAddress else { return true }
  return memcmp(first, second, left.count) == 0
}

/// Byte order: negative, 0 or positive; a prefix comes first.
func compareBytes(_ left: [UInt8], _ right: [UInt8]) -> Int {
  left.withUnsafeBytes { first in
    right.withUnsafeBytes { second in
      let shared = min(first.count, second.count)
      if shared > 0, let one = first.baseAddress, let other = second.baseAddress {
        let answer = memcmp(one, other, shared)
        if answer != 0 { return Int(answer) }
      }
      return first.count - second.count
    }
  }
}
