/// 64 bits over a row of a state file, so that a byte that the disk changed is found when the row is read: SQLite
/// itself notices damage to its own structure only. Against accidents, not against forgery.
enum StateChecksum {
  /// A row's checksum is the sum of this and of its key's part.
  static func of(_ value: UnsafeRawBufferPointer) -> Int64 {
    var state: UInt64 = 0x7A3D_52C1_0E94_B68F
    add(value, &state)
    return Int64(bitPattern: state)
  }

  /// A key, and which value is its.
  static func of(_ key: UnsafeRawBufferPointer, _ id: Int64) -> Int64 {
    var state: UInt64 = 0x51B6_E80D_93F2_4C77
    add(key, &state)
    mix(UInt64(bitPattern: id), &state)
    return Int64(bitPattern: state)
  }

  /// Of rows that held key and value.
  static func ofFormer(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Int64 {
    var state: UInt64 = 0x9AE1_6A3B_2F90_404F
    add(key, &state)
    add(value, &state)
    return Int64(bitPattern: state)
  }

  static func of(_ position: StatePosition) -> Int64 {
    var state: UInt64 = 0xC3A5_C85C_97CB_3127
    mix(UInt64(bitPattern: position.inputOffset), &state)
    mix(UInt64(bitPattern: position.changelogOffset), &state)
    return Int64(bitPattern: state)
  }

  @inline(__always)
  private static func mix(_ word: UInt64, _ state: inout UInt64) {
    let product = (state ^ word).multipliedFullWidth(by: 0x9DDF_EA08_EB38_2D69)
    // The word goes in a second time, so that no word can cancel the state for good.
    state = (product.high ^ product.low ^ 0x3C79_AC49_2BA7_B653) &+ word
  }

  private static func add(_ bytes: UnsafeRawBufferPointer, _ state: inout UInt64) {
    var position = 0
    while position &+ 8 <= bytes.count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)), &state)
      position &+= 8
    }
    var tail: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      tail |= UInt64(bytes[position]) << shift
      position &+= 1
      shift &+= 8
    }
    mix(tail, &state)
    mix(UInt64(truncatingIfNeeded: bytes.count), &state)
  }
}
