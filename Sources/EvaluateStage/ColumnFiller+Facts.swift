import Orders
import Rules
import Topics

/// The facts that enrich has computed.
extension ColumnFiller {
  /// False when the bytes are malformed.
  mutating func fillFacts(
    _ facts: UnsafeRawBufferPointer, _ row: RowIdentity, _ batch: FactBatch
  ) -> Bool {
    var reader = ProtobufReader(facts)
    var orders: Int64 = 0
    var amount: Int64 = 0
    var partners: Int64 = 0
    var amountItems: Int64 = 0
    var historyKnown = false
    var placedHoliday = false
    var paidHoliday = false
    var receiver = 0
    zones.removeAll(keepingCapacity: true)
    listNames.removeAll(keepingCapacity: true)
    stock.removeAll(keepingCapacity: true)
    itemLists.removeAll(keepingCapacity: true)
    while reader.next() {
      switch reader.field {
      case 1: amountItems = reader.int64()
      case 2: historyKnown = reader.bool()
      case 3: orders = reader.int64()
      case 4: amount = reader.int64()
      case 5: fillClaims(reader.slice(), batch)
      case 6: partners = reader.int64()
      case 7: digests.presentBytes(16, reader.slice())
      case 8:
        let zone = reader.slice()
        digests.presentBytes(7, zone)
        if zones.count < 2 { zones.append(zone) }
        if layout.uses(.zones) { batch.addZone(zone.assumingMemoryBound(to: UInt8.self)) }
      case 9:
        if reader.bool() {
          digests.bool(8, true)
          batch.setZoneMissing()
        }
      case 10:
        let country = reader.slice()
        digests.presentBytes(9, country)
        setText(.ipCountry, country, batch)
      case 11:
        let name = reader.slice()
        listNames.append(name)
        batch.addList(name.assumingMemoryBound(to: UInt8.self))
      case 12: readPacked(&reader)
      case 13: digests.presentBytes(13, reader.slice())
      case 14: readStock(reader.message())
      case 16: placedHoliday = reader.bool()
      case 17: paidHoliday = reader.bool()
      case 18: fillTimed(reader.slice(), batch)
      case 20: fillAggregate(reader.slice(), batch)
      case 30:
        let zone = reader.slice().assumingMemoryBound(to: UInt8.self)
        if layout.uses(.receiverZone) { batch.setReceiverZone(receiverIndex: receiver, zone) }
        receiver += 1
      case 31: setText(.customerGrade, reader.slice(), batch)
      case 32: ProfileColumns.fillHeldCoupons(reader.message(), layout, batch)
      case 33: ProfileColumns.fillCart(reader.message(), currency: row.currency, layout, batch)
      default: reader.skip()
      }
    }
    guard !reader.failed else { return false }
    batch.setMoney(.amountItems, minorUnits: amountItems)
    digests.int64(1, amountItems)
    if historyKnown {
      batch.setInt(.historyOrders, orders)
      batch.setMoney(.historyAmount, minorUnits: amount)
      batch.setInt(.bundlePartners, partners)
      digests.int64(6, partners)
      digests.bool(2, true)
      digests.int64(3, orders)
      digests.int64(4, amount)
    }
    batch.setBool(.placedHoliday, placedHoliday)
    batch.setBool(.paidHoliday, paidHoliday)
    applyLists(batch)
    applyStock(batch)
    // Of a single receiver the order's zone is the one.
    if layout.uses(.receiverZone), batch.receiversOfRow == 1, zones.count == 1 {
      batch.setReceiverZone(receiverIndex: 0, zones[0].assumingMemoryBound(to: UInt8.self))
    }
    return true
  }

  private mutating func fillClaims(_ bytes: UnsafeRawBufferPointer, _ batch: FactBatch) {
    digests.presentBytes(5, bytes)
    var reader = ProtobufReader(bytes)
    var scope = 0
    var months = 0
    var count: Int64 = 0
    while reader.next() {
      switch reader.field {
      case 1: scope = Int(truncatingIfNeeded: reader.int64())
      case 2: months = Int(truncatingIfNeeded: reader.int64())
      case 3: count = reader.int64()
      default: reader.skip()
      }
    }
    guard let scope = ClaimScope(rawValue: scope), let slot = layout.claimSlot(scope, months: months) else {
      return
    }
    batch.setClaimCount(slot: slot, count)
  }

  private mutating func fillTimed(_ bytes: UnsafeRawBufferPointer, _ batch: FactBatch) {
    digests.presentBytes(17, bytes)
    var reader = ProtobufReader(bytes)
    var kind = 0
    var span: Int64 = 0
    var value: Int64 = 0
    var code = UnsafeRawBufferPointer(start: nil, count: 0)
    while reader.next() {
      switch reader.field {
      case 1: kind = Int(truncatingIfNeeded: reader.int64())
      case 2: span = reader.int64()
      case 3: value = reader.int64()
      case 4: code = reader.slice()
      default: reader.skip()
      }
    }
    if let slot = layout.timedSlot(kind, span: span, code: code) { batch.setTimed(slot: slot, value) }
  }

  private mutating func fillAggregate(_ bytes: UnsafeRawBufferPointer, _ batch: FactBatch) {
    digests.presentBytes(20, bytes)
    var reader = ProtobufReader(bytes)
    var measure = 0
    var span: Int64 = 0
    var months = 0
    var code = UnsafeRawBufferPointer(start: nil, count: 0)
    var value: Int64?
    while reader.next() {
      switch reader.field {
      case 1: measure = Int(truncatingIfNeeded: reader.int64())
      case 2: span = reader.int64()
      case 3: months = Int(truncatingIfNeeded: reader.int64())
      case 4: code = reader.slice()
      case 5: value = reader.int64()
      default: reader.skip()
      }
    }
    guard let value,
      let slot = layout.aggregateSlot(
        measure: measure, spanUs: span, months: months, code: code.assumingMemoryBound(to: UInt8.self))
    else { return }
    batch.setAggregate(slot: slot, value)
  }

  private mutating func readPacked(_ reader: inout ProtobufReader) {
    if reader.wireType == 0 {
      itemLists.append(reader.uint64())
      return
    }
    var packed = PackedReader(reader.slice())
    while let value = packed.next() { itemLists.append(value) }
  }

  private mutating func readStock(_ message: ProtobufReader) {
    var reader = message
    var level = (item: 0, after: Int64(0), safety: Int64(0))
    while reader.next() {
      switch reader.field {
      case 1: level.item = Int(truncatingIfNeeded: reader.int64())
      case 2: level.after = reader.int64()
      case 3: level.safety = reader.int64()
      default: reader.skip()
      }
    }
    stock.append(level)
  }

  private mutating func applyLists(_ batch: FactBatch) {
    var all: UInt64 = 0
    for (index, mask) in itemLists.enumerated() {
      all |= mask
      if layout.usesItems { batch.setListMembership(itemIndex: index, mask: mask) }
    }
    if !layout.usesItems { batch.addOrderLists(mask: all) }
    for (bit, name) in listNames.enumerated() where bit < 64 && all >> UInt64(bit) & 1 == 1 {
      digests.presentBytes(12, name)
    }
  }

  private mutating func applyStock(_ batch: FactBatch) {
    guard !stock.isEmpty else { return }
    var margin = Int64.max
    for level in stock {
      if layout.usesItems { batch.setStock(itemIndex: level.item, after: level.after, safety: level.safety) }
      margin = min(margin, level.after &- level.safety)
    }
    digests.optionalInt64(14, margin)
  }
}
