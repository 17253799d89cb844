import Rules

/// Drawn orders that look like a shop's: the same seed gives the same columns.
struct BenchmarkOrders {
  private var state: UInt64
  /// 2026-03-02T00:00:00Z.
  private let start: Int64 = 1_772_409_600_000_000

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  private mutating func below(_ bound: UInt64) -> Int64 { Int64(next() % bound) }
  private mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }

  /// Adds `rows` orders with every fact that the batch's plan reads.
  mutating func fill(_ batch: FactBatch, rows: Int, malls: Int = 1) {
    let layout = batch.layout
    for _ in 0..<rows {
      guard batch.beginOrder(ruleSet: malls == 1 ? 0 : Int(below(UInt64(malls)))) else { return }
      let placed = start + below(30 * 86_400) * 1_000_000
      batch.setTimes(placedAt: placed, paidAt: chance(80) ? placed + below(3_600) * 1_000_000 : nil)
      batch.setPaymentStatus(wire: chance(80) ? 3 : 1)
      batch.setAddressState(wire: 1)
      batch.setBool(.isGift, false)
      batch.setBool(.placedHoliday, chance(4))
      batch.setBool(.paidHoliday, chance(4))
      batch.setMoney(.amountItems, minorUnits: 5_000 + below(60) * below(60) * 100)
      if chance(93) { fillHistory(batch, layout) }
      if layout.uses(.paymentMethods) { batch.addMethod(chance(15) ? Texts.cash.buffer : Texts.card.buffer) }
      if layout.uses(.zones) { fillZones(batch) }
      if layout.uses(.ipCountry), chance(86) {
        batch.setString(.ipCountry, Texts.countries[chance(97) ? 0 : Int(below(4))].buffer)
      }
      fillItems(batch, layout)
    }
  }

  private mutating func fillHistory(_ batch: FactBatch, _ layout: FactLayout) {
    batch.setInt(.historyOrders, below(12))
    batch.setMoney(.historyAmount, minorUnits: below(2_000) * 1_000)
    batch.setInt(.bundlePartners, chance(3) ? 1 : 0)
    for slot in 0..<layout.claimWindows.count { batch.setClaimCount(slot: slot, chance(8) ? below(4) : 0) }
  }

  private mutating func fillZones(_ batch: FactBatch) {
    if chance(1) { batch.setZoneMissing() }
    batch.addZone(chance(95) ? Texts.none.buffer : chance(60) ? Texts.jeju.buffer : Texts.islands.buffer)
  }

  private mutating func fillItems(_ batch: FactBatch, _ layout: FactLayout) {
    for name in Texts.lists { batch.addList(name.buffer) }
    var all: UInt64 = 0
    let items = 1 + Int(below(3))
    for index in 0..<items {
      let mask = next() & next() & 0xF
      all |= mask
      guard layout.usesItems, batch.addItem(live: chance(97), gift: chance(2)) else { continue }
      batch.setListMembership(itemIndex: index, mask: mask)
      if chance(90) { batch.setStock(itemIndex: index, after: below(200) - 2, safety: 5) }
    }
    if !layout.usesItems { batch.addOrderLists(mask: all) }
  }
}

/// Texts as bytes that stay where they are, as they do in a record.
struct Texts: @unchecked Sendable {
  let buffer: UnsafeBufferPointer<UInt8>

  private init(_ text: String) {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
    _ = copy.initialize(from: text.utf8)
    buffer = UnsafeBufferPointer(copy)
  }

  static let cash = Texts("cash")
  static let card = Texts("card")
  static let none = Texts("none")
  static let jeju = Texts("제주")
  static let islands = Texts("도서산간")
  static let countries = ["KR", "US", "JP", "EU"].map(Texts.init)
  static let lists = ["best", "event", "new", "same_day"].map(Texts.init)
}
