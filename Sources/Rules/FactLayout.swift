/// Which facts a plan reads and where those stand that have no fixed column: what a `FactBatch` is shaped by.
public struct FactLayout: Sendable {
  /// Bit per `Fact`.
  @usableFromInline var used: UInt64 = 0
  /// Sorted; the position is the slot.
  public internal(set) var claimWindows: [ClaimWindow] = []
  /// Sorted by bytes; the position is the slot and the bit of a mask.
  public var lists: [String] { listBytes.map { String(decoding: $0, as: UTF8.self) } }
  /// `lists` as UTF-8: names are the same when their bytes are.
  var listBytes: [[UInt8]] = []

  /// Different lists that one plan may ask for.
  public static let listsMax = 64
  /// Different claim counts that one plan may ask for.
  public static let claimWindowsMax = 64

  public init() {}

  @inlinable public func uses(_ fact: Fact) -> Bool { (used &>> UInt64(fact.rawValue)) & 1 == 1 }

  /// Some column of the items is read, so items have to be added to the batch.
  public var usesItems: Bool { used >> UInt64(Fact.itemQuantity.rawValue) != 0 || usesItemLists }
  var usesItemLists = false

  mutating func use(_ fact: Fact) {
    used |= 1 << UInt64(fact.rawValue)
    if fact == .paidOrPlacedAt {
      used |= (1 << UInt64(Fact.paidAt.rawValue)) | (1 << UInt64(Fact.placedAt.rawValue))
    }
  }

  public func claimSlot(_ scope: ClaimScope, months: Int) -> Int? {
    claimWindows.firstIndex(of: ClaimWindow(scope: scope, months: months))
  }

  /// The slot of a list by its name; nil when no rule asks for it.
  public func listSlot(_ name: UnsafeBufferPointer<UInt8>) -> Int? {
    listBytes.firstIndex { bytes in
      bytes.count == name.count && bytes.withUnsafeBufferPointer { $0.elementsEqual(name) }
    }
  }
}
