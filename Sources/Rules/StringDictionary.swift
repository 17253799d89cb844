/// Texts of a batch as small numbers: equal bytes have equal codes. Codes begin at 1; 0 means missing.
///
/// Kept from batch to batch, so that a code seen once costs one look-up; emptied between batches when it has
/// grown beyond `entriesMax` or `bytesMax`, which raises `generation`.
public final class StringDictionary {
  public static let entriesMax = 65_536
  public static let bytesMax = 8 << 20

  /// Changes whenever codes lose their meaning.
  @exclusivity(unchecked) public private(set) var generation: UInt64 = 1
  @exclusivity(unchecked) @usableFromInline var slots: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) @usableFromInline var slotMask: Int
  /// Per code: where its bytes start, and hash; entry 0 is unused.
  @exclusivity(unchecked) @usableFromInline var starts: [Int] = [0, 0]
  @exclusivity(unchecked) @usableFromInline var hashes: [UInt64] = [0]
  @exclusivity(unchecked) @usableFromInline var bytes: [UInt8] = []

  public init() {
    slotMask = 1023
    slots = .allocate(capacity: 1024)
    slots.initialize(repeating: 0, count: 1024)
    internFixed()
  }

  deinit { slots.deallocate() }

  /// Texts with a code known in advance, in the order of their codes from 1.
  static let fixed = [
    "unpaid", "partly", "paid", "entered", "pending", "refused", "expired", "cancel", "return", "exchange",
    "requested", "accepted", "completed", "withdrawn",
  ]
  @usableFromInline static let paymentBase: UInt32 = 0
  @usableFromInline static let addressBase: UInt32 = 3
  /// By the wire's number; 0: missing.
  static let claimKinds: [UInt32] = [0, 8, 9, 10]
  static let claimStatuses: [UInt32] = [0, 11, 12, 13, 6, 14]

  private func internFixed() {
    for text in StringDictionary.fixed { _ = intern(text) }
  }

  /// Number of codes given out.
  @inlinable public var count: Int { hashes.count - 1 }

  /// Called between batches.
  func trim() {
    guard count > StringDictionary.entriesMax || bytes.count > StringDictionary.bytesMax else { return }
    slots.update(repeating: 0, count: slotMask + 1)
    starts = [0, 0]
    hashes = [0]
    bytes = []
    generation &+= 1
    internFixed()
  }

  public func intern(_ text: String) -> UInt32 {
    var copy = text
    return copy.withUTF8 { intern($0) }
  }

  @inlinable static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: text.count)
    let raw = UnsafeRawBufferPointer(text)
    var index = 0
    while index &+ 8 <= raw.count {
      let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash &>> 32
      index &+= 8
    }
    var tail: UInt64 = 0
    while index < raw.count {
      tail = (tail &<< 8) | UInt64(raw[index])
      index &+= 1
    }
    hash = (hash ^ tail) &* 0xC4CE_B9FE_1A85_EC53
    return hash ^ (hash &>> 29)
  }

  /// The code of a text; the same bytes give the same code until `generation` changes.
  @inlinable public func intern(_ text: UnsafeBufferPointer<UInt8>) -> UInt32 {
    let hash = StringDictionary.hash(text)
    var slot = Int(truncatingIfNeeded: hash) & slotMask
    while true {
      let code = slots[slot]
      if code == 0 { return add(text, hash, slot) }
      if hashes[Int(code)] == hash, equals(code, text) { return code }
      slot = (slot &+ 1) & slotMask
    }
  }

  @inlinable func equals(_ code: UInt32, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = starts[Int(code)]
    guard starts[Int(code) + 1] &- start == text.count else { return false }
    return bytes.withUnsafeBufferPointer { stored in
      for index in 0..<text.count where stored[start &+ index] != text[index] { return false }
      return true
    }
  }

  @usableFromInline func add(_ text: UnsafeBufferPointer<UInt8>, _ hash: UInt64, _ slot: Int) -> UInt32 {
    let code = UInt32(truncatingIfNeeded: hashes.count)
    bytes.append(contentsOf: text)
    starts.append(bytes.count)
    hashes.append(hash)
    slots[slot] = code
    if hashes.count &* 2 > slotMask { grow() }
    return code
  }

  private func grow() {
    let size = (slotMask + 1) * 2
    slots.deallocate()
    slots = .allocate(capacity: size)
    slots.initialize(repeating: 0, count: size)
    slotMask = size - 1
    for code in 1..<hashes.count {
      var slot = Int(truncatingIfNeeded: hashes[code]) & slotMask
      while slots[slot] != 0 { slot = (slot + 1) & slotMask }
      slots[slot] = UInt32(truncatingIfNeeded: code)
    }
  }

  /// Lends the bytes of a code; nothing for 0 or an unknown code.
  func withBytes<Result>(of code: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    guard code > 0, Int(code) < hashes.count else { return body(UnsafeBufferPointer(start: nil, count: 0)) }
    return bytes.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[starts[Int(code)]..<starts[Int(code) + 1]]))
    }
  }

  /// The text of a code; empty for 0.
  public func text(of code: UInt32) -> String {
    withBytes(of: code) { String(decoding: $0, as: UTF8.self) }
  }
}
