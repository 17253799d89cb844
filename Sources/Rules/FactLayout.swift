/// Which facts a plan reads and where those stand that have no fixed column: what a `FactBatch` is shaped by.
public struct FactLayout: Sendable, Equatable {
  /// Bit per `Fact`.
  @usableFromInline var used: UInt128 = 0
  /// Bit per `RowLevel`: lines of this level are needed, whatever is read of them.
  private var usedLevels: UInt8 = 0
  /// The position is the slot.
  public internal(set) var claimWindows: [ClaimWindow] = []
  /// The position is the slot.
  public internal(set) var timedFacts: [TimedFact] = []
  private(set) var aggregateSlots = AggregateSlots()
  /// The position is the slot.
  public var aggregates: [HistoryAggregate] { aggregateSlots.all }
  /// The position is the slot.
  public var lists: [String] { listBytes.map { String(decoding: $0, as: UTF8.self) } }
  /// `lists` as UTF-8: names are the same when their bytes are.
  private(set) var listBytes: [[UInt8]] = []
  /// Open addressing by hash of the name: 1 + slot, 0 for none. A power of two, at most half full.
  private var slotTable: [Int32] = Array(repeating: 0, count: 16)

  /// Different lists that one plan may ask for, over all its rule sets.
  public static let listsMax = 4_096
  /// Different lists that one rule set may ask for: a record on the wire has a bit for each.
  public static let listsOfSetMax = 64
  /// Different measures of earlier orders that one plan may ask for, over all its rule sets: a column each.
  public static let aggregatesMax = 1_024

  public init() {}

  @inlinable public func uses(_ fact: Fact) -> Bool { (used &>> UInt128(fact.rawValue)) & 1 == 1 }

  /// Some column of the items is read, so items have to be added to the batch.
  public var usesItems: Bool { usesLines(.item) }
  var usesItemLists = false { didSet { if usesItemLists { use(.item) } } }

  /// Lines of this level have to be added to the batch.
  public func usesLines(_ level: RowLevel) -> Bool { (usedLevels >> level.rawValue) & 1 == 1 }

  mutating func use(_ level: RowLevel) { usedLevels |= 1 << level.rawValue }

  mutating func use(_ fact: Fact) {
    used |= 1 << UInt128(fact.rawValue)
    use(fact.level)
    if fact == .paidOrPlacedAt {
      used |= (1 << UInt128(Fact.paidAt.rawValue)) | (1 << UInt128(Fact.placedAt.rawValue))
    }
  }

  public func claimSlot(_ scope: ClaimScope, months: Int) -> Int? {
    claimWindows.firstIndex(of: ClaimWindow(scope: scope, months: months))
  }

  public func timedSlot(_ kind: Int, span: Int64, code: UnsafeRawBufferPointer = .init(start: nil, count: 0))
    -> Int?
  {
    timedFacts.firstIndex {
      $0.kind.rawValue == kind && $0.span == span && $0.code.count == code.count
        && $0.code.elementsEqual(code)
    }
  }

  /// The slot of a measure of earlier orders by the wire's numbers; nil when no rule asks for it.
  public func aggregateSlot(
    measure: Int, spanUs: Int64, months: Int, code: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    aggregateSlots.slot(measure: measure, spanUs: spanUs, months: months, code: code)
  }

  /// The slot of a list by its name; nil when no rule asks for it.
  public func listSlot(_ name: UnsafeBufferPointer<UInt8>) -> Int? {
    let mask = slotTable.count - 1
    var place = Int(truncatingIfNeeded: StringDictionary.hash(name)) & mask
    while case let slot = Int(slotTable[place]) - 1, slot >= 0 {
      if listBytes[slot].count == name.count,
        listBytes[slot].withUnsafeBufferPointer({ $0.elementsEqual(name) })
      {
        return slot
      }
      place = (place + 1) & mask
    }
    return nil
  }

  func listSlot(of name: [UInt8]) -> Int? { name.withUnsafeBufferPointer { listSlot($0) } }

  /// The slot of a list, which gets one when it has none.
  mutating func addList(_ name: [UInt8]) -> Int {
    if let slot = listSlot(of: name) { return slot }
    listBytes.append(name)
    if listBytes.count * 2 > slotTable.count {
      slotTable = Array(repeating: 0, count: slotTable.count * 2)
      for slot in listBytes.indices { enter(slot) }
    } else {
      enter(listBytes.count - 1)
    }
    return listBytes.count - 1
  }

  private mutating func enter(_ slot: Int) {
    let mask = slotTable.count - 1
    var place =
      Int(truncatingIfNeeded: listBytes[slot].withUnsafeBufferPointer { StringDictionary.hash($0) }) & mask
    while slotTable[place] != 0 { place = (place + 1) & mask }
    slotTable[place] = Int32(truncatingIfNeeded: slot + 1)
  }

  /// The column of a count, which gets one when it has none: there are two for each month at most.
  mutating func addClaims(_ window: ClaimWindow) -> Int {
    if let slot = claimWindows.firstIndex(of: window) { return slot }
    claimWindows.append(window)
    return claimWindows.count - 1
  }

  mutating func addTimed(_ fact: TimedFact) -> Int {
    if let slot = timedFacts.firstIndex(of: fact) { return slot }
    timedFacts.append(fact)
    return timedFacts.count - 1
  }

  mutating func addAggregate(_ aggregate: HistoryAggregate) -> Int { aggregateSlots.add(aggregate) }

  /// A batch of one layout serves a plan of the other.
  public static func == (left: FactLayout, right: FactLayout) -> Bool {
    left.used == right.used && left.usedLevels == right.usedLevels
      && left.usesItemLists == right.usesItemLists && left.listBytes == right.listBytes
      && left.claimWindows == right.claimWindows && left.timedFacts == right.timedFacts
      && left.aggregateSlots == right.aggregateSlots
  }
}
