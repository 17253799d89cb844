extension FactBatch {
  /// Adds an item line to the row at hand; false beyond `itemsMax`. The setters below speak of the newest line.
  @inlinable @discardableResult
  public func addItem(live: Bool, gift: Bool, voucher: Bool = false) -> Bool {
    guard count > 0 else { return false }
    if itemCount == itemCapacity, !growItems() { return false }
    itemOrders[itemCount] = Int32(truncatingIfNeeded: row)
    storedItemCount &+= 1
    itemStarts[count] = Int32(truncatingIfNeeded: itemCount)
    setItemBool(.itemLive, live)
    setItemBool(.itemGift, gift)
    setItemBool(.itemVoucher, voucher)
    return true
  }

  /// A count, or an amount already in ten-thousandths.
  @inlinable public func setItemInt(_ fact: Fact, _ value: Int64) {
    let column = Int(fact.rawValue) &- Int(Fact.itemQuantity.rawValue)
    guard itemCount > 0, column >= 0, column < Fact.itemNumberCount else { return }
    setItemNumber(column: column, item: itemCount &- 1, value)
  }

  @inlinable func setItemNumber(column: Int, item: Int, _ value: Int64) {
    itemNumbers[column &* itemCapacity &+ item] = value
    itemNumbersKnown[column &* (itemCapacity &>> 6) &+ item &>> 6] |=
      1 &<< UInt64(truncatingIfNeeded: item & 63)
  }

  @inlinable public func setItemMoney(_ fact: Fact, minorUnits: Int64) {
    setItemInt(fact, ruleUnits(minorUnits))
  }

  /// `StockLevel` of the item with this index within the order at hand; an index that is not there is ignored.
  @inlinable public func setStock(itemIndex: Int, after: Int64, safety: Int64) {
    guard count > 0, itemIndex >= 0, itemIndex < itemCount &- Int(itemStarts[row]) else { return }
    let item = Int(itemStarts[row]) &+ itemIndex
    let base = Int(Fact.itemQuantity.rawValue)
    setItemNumber(column: Int(Fact.itemStockAfter.rawValue) &- base, item: item, after)
    setItemNumber(column: Int(Fact.itemStockSafety.rawValue) &- base, item: item, safety)
  }

  @inlinable func setItemBool(_ fact: Fact, _ value: Bool) {
    let column = Int(fact.rawValue) &- Int(Fact.itemLive.rawValue)
    let item = itemCount &- 1
    let word = column &* (itemCapacity &>> 6) &+ item &>> 6
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: item & 63)
    itemTruthsKnown[word] |= bit
    itemTruths[word] = value ? itemTruths[word] | bit : itemTruths[word] & ~bit
  }

  /// Empty bytes: missing.
  @inlinable public func setItemString(_ fact: Fact, _ text: UnsafeBufferPointer<UInt8>) {
    setItemCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  public func setItemString(_ fact: Fact, _ text: String) {
    setItemCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  @inlinable func setItemCode(_ fact: Fact, _ code: UInt32) {
    let column = Int(fact.rawValue) &- Int(Fact.itemSku.rawValue)
    guard itemCount > 0, column >= 0, column < Fact.itemTextCount else { return }
    itemTexts[column &* itemCapacity &+ itemCount &- 1] = code
  }

  /// `Facts.item_lists` of the item with this index within the order at hand, in the order's own numbering.
  @inlinable public func setListMembership(itemIndex: Int, mask: UInt64) {
    guard count > 0, itemIndex >= 0, itemIndex < itemCount &- Int(itemStarts[row]) else { return }
    let item = Int(itemStarts[row]) &+ itemIndex
    let itemBit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: item & 63)
    forEachSlot(ofMask: mask) { slot in
      setOnList(slot)
      if slot < itemListSlots { itemOnLists[slot &* (itemCapacity &>> 6) &+ item &>> 6] |= itemBit }
    }
  }

  /// Doubles the item columns; false at the limit.
  @usableFromInline func growItems() -> Bool {
    guard itemCapacity < FactBatch.itemsMax else { return false }
    let old = itemCapacity
    let new = min(old * 2, FactBatch.itemsMax)
    itemOrders = moved(itemOrders, columns: 1, old, new)
    itemNumbers = moved(itemNumbers, columns: Fact.itemNumberCount, old, new)
    itemNumbersKnown = moved(itemNumbersKnown, columns: Fact.itemNumberCount, old / 64, new / 64)
    itemTruths = moved(itemTruths, columns: Fact.itemTruthCount, old / 64, new / 64)
    itemTruthsKnown = moved(itemTruthsKnown, columns: Fact.itemTruthCount, old / 64, new / 64)
    itemTexts = moved(itemTexts, columns: Fact.itemTextCount, old, new)
    itemOnLists = moved(itemOnLists, columns: itemListSlots, old / 64, new / 64)
    itemCapacity = new
    return true
  }

  private func moved<Value: FixedWidthInteger>(
    _ pointer: UnsafeMutablePointer<Value>, columns: Int, _ oldStride: Int, _ newStride: Int
  ) -> UnsafeMutablePointer<Value> {
    let target: UnsafeMutablePointer<Value> = FactBatch.zeroed(columns * newStride)
    for column in 0..<columns {
      (target + column * newStride).update(from: pointer + column * oldStride, count: oldStride)
    }
    pointer.deallocate()
    return target
  }
}
