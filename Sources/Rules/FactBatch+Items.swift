extension FactBatch {
  /// Adds an item line to the row at hand; false beyond `itemsMax`. The setters below speak of the newest line.
  @inlinable @discardableResult
  public func addItem(live: Bool, gift: Bool, voucher: Bool = false) -> Bool {
    guard count > 0, items.add(row: row) else { return false }
    items.setTruth(.itemLive, live)
    items.setTruth(.itemGift, gift)
    items.setTruth(.itemVoucher, voucher)
    return true
  }

  /// A count, or an amount already in ten-thousandths.
  @inlinable public func setItemInt(_ fact: Fact, _ value: Int64) { items.setNumber(fact, value) }

  @inlinable public func setItemMoney(_ fact: Fact, minorUnits: Int64) {
    items.setNumber(fact, ruleUnits(minorUnits))
  }

  @inlinable public func setItemBool(_ fact: Fact, _ value: Bool) { items.setTruth(fact, value) }

  /// `StockLevel` of the item with this index within the order at hand; an index that is not there is ignored.
  @inlinable public func setStock(itemIndex: Int, after: Int64, safety: Int64) {
    guard count > 0, itemIndex >= 0, itemIndex < items.count &- Int(items.starts[row]) else { return }
    let item = Int(items.starts[row]) &+ itemIndex
    let base = Int(Fact.itemQuantity.rawValue)
    items.setNumber(column: Int(Fact.itemStockAfter.rawValue) &- base, line: item, after)
    items.setNumber(column: Int(Fact.itemStockSafety.rawValue) &- base, line: item, safety)
  }

  /// Empty bytes: missing.
  @inlinable public func setItemString(_ fact: Fact, _ text: UnsafeBufferPointer<UInt8>) {
    items.setCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  public func setItemString(_ fact: Fact, _ text: String) {
    items.setCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  /// One of the categories of the newest item.
  public func addCategory(_ text: UnsafeBufferPointer<UInt8>) {
    if !text.isEmpty { items.addElement(.itemCategories, dictionary.intern(text)) }
  }

  /// One of the parts of the newest item, a bundle.
  public func addBundleCode(_ text: UnsafeBufferPointer<UInt8>) {
    if !text.isEmpty { items.addElement(.itemBundleCodes, dictionary.intern(text)) }
  }

  /// The zone of the receiver with this index within the order at hand; empty bytes: missing.
  public func setReceiverZone(receiverIndex: Int, _ text: UnsafeBufferPointer<UInt8>) {
    guard count > 0, receiverIndex >= 0, receiverIndex < receivers.count &- Int(receivers.starts[row]) else {
      return
    }
    receivers.setCode(
      .receiverZone, line: Int(receivers.starts[row]) &+ receiverIndex,
      text.isEmpty ? 0 : dictionary.intern(text))
  }

  /// Receiver lines of the order at hand.
  public var receiversOfRow: Int { count > 0 ? receivers.count &- Int(receivers.starts[row]) : 0 }

  /// `Facts.item_lists` of the item with this index within the order at hand, in the order's own numbering.
  @inlinable public func setListMembership(itemIndex: Int, mask: UInt64) {
    guard count > 0, itemIndex >= 0, itemIndex < items.count &- Int(items.starts[row]) else { return }
    let item = Int(items.starts[row]) &+ itemIndex
    let itemBit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: item & 63)
    forEachSlot(ofMask: mask) { slot in
      setOnList(slot)
      if slot < items.slots { items.onLists[slot &* (items.capacity &>> 6) &+ item &>> 6] |= itemBit }
    }
  }

  // MARK: Receivers, claims, coupons

  /// Adds a line of another level to the row at hand; false beyond `itemsMax`. The setters below speak of the newest
  /// line of their fact's level.
  @discardableResult
  public func addLine(_ level: RowLevel) -> Bool {
    count > 0 && level != .order && lines(level).add(row: row)
  }

  /// A count, or an instant in µs since 1970.
  public func setLineInt(_ fact: Fact, _ value: Int64) {
    if fact.level != .order { lines(fact.level).setNumber(fact, value) }
  }

  public func setLineMoney(_ fact: Fact, minorUnits: Int64) { setLineInt(fact, ruleUnits(minorUnits)) }

  public func setLineBool(_ fact: Fact, _ value: Bool) {
    if fact.level != .order { lines(fact.level).setTruth(fact, value) }
  }

  /// Empty bytes: missing.
  public func setLineString(_ fact: Fact, _ text: UnsafeBufferPointer<UInt8>) {
    if fact.level != .order { lines(fact.level).setCode(fact, text.isEmpty ? 0 : dictionary.intern(text)) }
  }

  public func setLineString(_ fact: Fact, _ text: String) {
    var copy = text
    copy.withUTF8 { setLineString(fact, $0) }
  }

  /// Kind, status and reason of the newest claim: `order.proto` ClaimKind and ClaimStatus, what is none of their values
  /// is missing; the reason as the platform gave it, empty for none.
  public func setClaim(kind: Int, status: Int, reason: UnsafeBufferPointer<UInt8>) {
    let (kinds, statuses) = (StringDictionary.claimKinds, StringDictionary.claimStatuses)
    claims.setCode(.claimKind, kinds.indices.contains(kind) ? kinds[kind] : 0)
    claims.setCode(.claimStatus, statuses.indices.contains(status) ? statuses[status] : 0)
    claims.setTruth(.claimCompleted, status == 3)
    claims.setTruth(.claimCustomerFault, FactBatch.isCustomerFault(reason))
    setLineString(.claimReason, reason)
  }

  /// The platform's reasons A, E and F, or none given, as in `history.returns`.
  private static func isCustomerFault(_ reason: UnsafeBufferPointer<UInt8>) -> Bool {
    reason.isEmpty || (reason.count == 1 && [65, 69, 70].contains(reason[0]))
  }

  func lines(_ level: RowLevel) -> LineColumns {
    switch level {
    case .order, .item: items
    case .receiver: receivers
    case .claim: claims
    case .coupon: coupons
    case .heldCoupon: heldCoupons
    case .cartLine: cartLines
    }
  }
}
