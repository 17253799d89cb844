/// The measures of earlier orders that a plan reads, each with its slot, found by what stands on the wire.
struct AggregateSlots: Sendable, Equatable {
  /// The position is the slot.
  private(set) var all: [HistoryAggregate] = []
  /// Open addressing by hash: 1 + slot, 0 for none. A power of two, at most half full.
  private var table: [Int32] = Array(repeating: 0, count: 16)

  static func == (left: AggregateSlots, right: AggregateSlots) -> Bool { left.all == right.all }

  /// - Parameters: numbers as in `enriched.proto`, `HistoryAggregate`.
  func slot(measure: Int, spanUs: Int64, months: Int, code: UnsafeBufferPointer<UInt8>) -> Int? {
    let mask = table.count - 1
    var place = AggregateSlots.hash(measure, spanUs, months, code) & mask
    while case let slot = Int(table[place]) - 1, slot >= 0 {
      let entry = all[slot]
      if entry.measure.rawValue == measure, entry.window.spanUs == spanUs, entry.window.monthCount == months,
        entry.code.count == code.count, entry.code.withUnsafeBufferPointer({ $0.elementsEqual(code) })
      {
        return slot
      }
      place = (place + 1) & mask
    }
    return nil
  }

  func slot(of aggregate: HistoryAggregate) -> Int? {
    aggregate.code.withUnsafeBufferPointer {
      slot(
        measure: aggregate.measure.rawValue, spanUs: aggregate.window.spanUs,
        months: aggregate.window.monthCount, code: $0)
    }
  }

  /// The slot of a measure, which gets one when it has none.
  mutating func add(_ aggregate: HistoryAggregate) -> Int {
    if let slot = slot(of: aggregate) { return slot }
    all.append(aggregate)
    if all.count * 2 > table.count {
      table = Array(repeating: 0, count: table.count * 2)
      for slot in all.indices { enter(slot) }
    } else {
      enter(all.count - 1)
    }
    return all.count - 1
  }

  private mutating func enter(_ slot: Int) {
    let mask = table.count - 1
    let entry = all[slot]
    var place = entry.code.withUnsafeBufferPointer {
      AggregateSlots.hash(
        entry.measure.rawValue, entry.window.spanUs, entry.window.monthCount, $0)
    }
    place &= mask
    while table[place] != 0 { place = (place + 1) & mask }
    table[place] = Int32(truncatingIfNeeded: slot + 1)
  }

  private static func hash(
    _ measure: Int, _ spanUs: Int64, _ months: Int, _ code: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var hash = StringDictionary.hash(code) ^ UInt64(bitPattern: spanUs)
    hash ^= UInt64(truncatingIfNeeded: measure) &<< 8 ^ UInt64(truncatingIfNeeded: months)
    hash = (hash ^ (hash &>> 31)) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: hash &>> 16)
  }
}
