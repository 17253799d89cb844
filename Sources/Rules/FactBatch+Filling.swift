extension FactBatch {
  /// Starts the next row; false when the batch is full (the row is then not there).
  ///
  /// `ruleSet`: which set of the plan decides it. `currencyDecimals`: how the amounts of the row are scaled.
  @inlinable @discardableResult
  public func beginOrder(ruleSet: Int = 0, currencyDecimals: Int = 0) -> Bool {
    guard count < capacity else { return false }
    ruleSets[count] = UInt32(truncatingIfNeeded: ruleSet)
    switch currencyDecimals {
    case 0: moneyFactor = 10_000
    case 1: moneyFactor = 1_000
    case 2: moneyFactor = 100
    case 3: moneyFactor = 10
    default: moneyFactor = 1
    }
    rowLists.removeAll(keepingCapacity: true)
    storedCount &+= 1
    items.starts[count] = Int32(truncatingIfNeeded: items.count)
    receivers.starts[count] = Int32(truncatingIfNeeded: receivers.count)
    claims.starts[count] = Int32(truncatingIfNeeded: claims.count)
    coupons.starts[count] = Int32(truncatingIfNeeded: coupons.count)
    heldCoupons.starts[count] = Int32(truncatingIfNeeded: heldCoupons.count)
    cartLines.starts[count] = Int32(truncatingIfNeeded: cartLines.count)
    return true
  }

  @inlinable var row: Int { count &- 1 }

  /// Which set of the plan decides the row at hand.
  @inlinable public func setRuleSet(_ ruleSet: Int) {
    guard count > 0 else { return }
    ruleSets[row] = UInt32(truncatingIfNeeded: ruleSet)
  }

  @inlinable func setNumber(column: Int, _ value: Int64) {
    guard count > 0 else { return }
    numbers[column &* capacity &+ row] = value
    numbersKnown[column &* wordCount &+ row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
  }

  /// A count, or an amount already in ten-thousandths.
  @inlinable public func setInt(_ fact: Fact, _ value: Int64) {
    let column = Int(fact.rawValue)
    guard column < Fact.orderNumberCount else { return }
    setNumber(column: column, value)
  }

  /// An amount in minor units of the row's currency; saturates.
  @inlinable public func setMoney(_ fact: Fact, minorUnits: Int64) {
    setInt(fact, ruleUnits(minorUnits))
  }

  @inlinable func ruleUnits(_ minorUnits: Int64) -> Int64 {
    let (product, overflow) = minorUnits.multipliedReportingOverflow(by: moneyFactor)
    return overflow ? (minorUnits < 0 ? .min : .max) : product
  }

  /// µs since 1970. Sets `order.paid_or_placed_at` as well; `paidAt` nil: not paid.
  @inlinable public func setTimes(placedAt: Int64, paidAt: Int64?) {
    setInt(.placedAt, placedAt)
    if let paidAt { setInt(.paidAt, paidAt) }
    setInt(.paidOrPlacedAt, paidAt ?? placedAt)
  }

  /// `slot` of `layout.claimSlot`.
  @inlinable public func setClaimCount(slot: Int, _ value: Int64) {
    guard slot >= 0, slot < layout.claimWindows.count else { return }
    setNumber(column: Fact.orderNumberCount &+ slot, value)
  }

  /// `slot` of `layout.timedSlot`; a truth is 0 or 1.
  public func setTimed(slot: Int, _ value: Int64) {
    guard slot >= 0, slot < layout.timedFacts.count else { return }
    setNumber(column: timedColumns &+ slot, value)
  }

  /// `slot` of `layout.aggregateSlot`. A count, µs since 1970, or an amount in minor units of the row's currency.
  public func setAggregate(slot: Int, _ value: Int64) {
    guard slot >= 0, slot < layout.aggregates.count else { return }
    let isMoney = layout.aggregates[slot].measure.type == .decimal
    setNumber(column: aggregateColumns &+ slot, isMoney ? ruleUnits(value) : value)
  }

  @inlinable public func setBool(_ fact: Fact, _ value: Bool) {
    let column = Int(fact.rawValue) &- Int(Fact.isGift.rawValue)
    guard count > 0, column >= 0, column < Fact.orderTruthCount else { return }
    let word = column &* wordCount &+ row &>> 6
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: row & 63)
    truthsKnown[word] |= bit
    truths[word] = value ? truths[word] | bit : truths[word] & ~bit
  }

  /// Empty bytes: missing.
  @inlinable public func setString(_ fact: Fact, _ text: UnsafeBufferPointer<UInt8>) {
    setCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  public func setString(_ fact: Fact, _ text: String) {
    setCode(fact, text.isEmpty ? 0 : dictionary.intern(text))
  }

  @inlinable func setCode(_ fact: Fact, _ code: UInt32) {
    let column = Int(fact.rawValue) &- Int(Fact.currency.rawValue)
    guard count > 0, column >= 0, column < Fact.orderTextCount else { return }
    texts[column &* capacity &+ row] = code
  }

  /// `order.proto` PaymentStatus: 1 unpaid, 2 partly, 3 paid; anything else is missing.
  @inlinable public func setPaymentStatus(wire: Int) {
    setCode(
      .paymentStatus,
      wire >= 1 && wire <= 3 ? StringDictionary.paymentBase &+ UInt32(truncatingIfNeeded: wire) : 0)
  }

  /// `order.proto` AddressState: 1 entered, 2 pending, 3 refused, 4 expired; unknown counts as entered.
  @inlinable public func setAddressState(wire: Int) {
    let state = wire >= 1 && wire <= 4 ? wire : 1
    setCode(.addressState, StringDictionary.addressBase &+ UInt32(truncatingIfNeeded: state))
  }

  @inlinable public func addZone(_ text: UnsafeBufferPointer<UInt8>) {
    addElement(.zones, dictionary.intern(text))
  }
  public func addZone(_ text: String) { addElement(.zones, dictionary.intern(text)) }
  /// Some receiver's zone is unknown.
  @inlinable public func setZoneMissing() { setListIncomplete(.zones) }
  @inlinable public func addMethod(_ text: UnsafeBufferPointer<UInt8>) {
    addElement(.paymentMethods, dictionary.intern(text))
  }
  /// A coupon used on the order; empty bytes: not given.
  public func addCoupon(number: UnsafeBufferPointer<UInt8>, type: UnsafeBufferPointer<UInt8>) {
    if layout.usesLines(.coupon), addLine(.coupon) {
      setLineString(.couponNumber, number)
      setLineString(.couponType, type)
    }
    if !number.isEmpty { addElement(.coupons, dictionary.intern(number)) }
    if !type.isEmpty { addElement(.couponTypes, dictionary.intern(type)) }
  }
  public func addMethod(_ text: String) { addElement(.paymentMethods, dictionary.intern(text)) }

  @inlinable func setListIncomplete(_ fact: Fact) {
    guard count > 0 else { return }
    let list = Int(fact.rawValue) &- Int(Fact.paymentMethods.rawValue)
    listsIncomplete[list &* wordCount &+ row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
  }

  @inlinable func addElement(_ fact: Fact, _ code: UInt32) {
    guard count > 0 else { return }
    let list = Int(fact.rawValue) &- Int(Fact.paymentMethods.rawValue)
    let position = list &* capacity &+ row
    if firstElements[position] == 0 {
      firstElements[position] = code
    } else if firstElements[position] != code {
      addFurtherElement(list, code)
    }
  }

  /// Once each; a list of more than `listElementsMax` different texts is known in part.
  @usableFromInline func addFurtherElement(_ list: Int, _ code: UInt32) {
    var index = moreElements.count
    var inRow = 0
    while index > 0, moreElements[index &- 1].row == row {
      index &-= 1
      guard moreElements[index].list == list else { continue }
      if moreElements[index].code == code { return }
      inRow &+= 1
    }
    guard inRow < FactBatch.listElementsMax &- 1 else {
      listsIncomplete[list &* wordCount &+ row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
      return
    }
    moreElements.append((list, row, code))
  }

  /// The next name of `Facts.lists`: the list was imported, and bit i of `setItemLists` means the i-th name.
  public func addList(_ name: UnsafeBufferPointer<UInt8>) {
    guard count > 0 else { return }
    let slot = layout.listSlot(name) ?? -1
    rowLists.append(slot)
    guard slot >= 0 else { return }
    if !isListTouched[slot] {
      isListTouched[slot] = true
      touchedLists.append(slot)
    }
    listsKnown[slot &* wordCount &+ row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
  }

  /// Lists named for the row at hand.
  public var namedLists: Int { rowLists.count }

  public func addList(_ name: String) {
    var copy = name
    copy.withUTF8 { addList($0) }
  }

  /// `Facts.item_lists` of the next item, in the row's own numbering, when no item columns are needed.
  @inlinable public func addOrderLists(mask: UInt64) {
    guard count > 0, mask != 0 else { return }
    forEachSlot(ofMask: mask) { setOnList($0) }
  }

  @inlinable func setOnList(_ slot: Int) {
    onLists[slot &* wordCount &+ row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: row & 63)
  }

  @inlinable @inline(__always) func forEachSlot(ofMask mask: UInt64, _ body: (Int) -> Void) {
    var rest = mask
    while rest != 0 {
      let bit = rest.trailingZeroBitCount
      rest &= rest &- 1
      if bit < rowLists.count, rowLists[bit] >= 0 { body(rowLists[bit]) }
    }
  }
}
