import Orders

/// Gift, coupons, receivers, items, claims and memos, by field number.
extension OrderEventPass {
  mutating func writeParts(into writer: inout ProtobufWriter) {
    if scanObject(fields.order, .gift, fields.gift) {
      writer.bool(16, bool(fields.gift, .isGift))
      writer.uint64(17, code(fields.gift, .addressState, fields.addressStates))
      writer.optionalInt64(18, time(fields.gift, .addressDue)?.microseconds)
    }
    path = JSONPath()
    writeElements(.coupons, fields.coupon, 19, max: OrderEventLimits.couponsMax, into: &writer) {
      pass, writer in
      writer.text(1, pass.id(pass.fields.coupon, .couponNo))
      writer.text(2, pass.text(pass.fields.coupon, .issueType))
    }
    if hasBuyer {
      path.outer = "buyer"
      writer.text(20, text(fields.buyer, .grade))
      path = JSONPath()
    }
    writeElements(.receivers, fields.receiver, 21, max: OrderEventLimits.receiversMax, into: &writer) {
      pass, writer in pass.writeReceiver(into: &writer)
    }
    writeElements(.items, fields.item, 22, max: OrderEventLimits.itemsMax, into: &writer) { pass, writer in
      pass.writeItem(into: &writer)
    }
    writeElements(.claims, fields.claim, 23, max: OrderEventLimits.claimsMax, into: &writer) { pass, writer in
      pass.writeClaim(into: &writer)
    }
    writeElements(.memos, fields.memo, 24, max: OrderEventLimits.memosMax, into: &writer) { pass, writer in
      writer.int64(1, pass.integer(pass.fields.memo, .memoNo, 0...Int64.max) ?? 0)
      writer.int64(2, pass.time(pass.fields.memo, .createdAt)?.microseconds ?? 0)
      writer.bool(3, pass.bool(pass.fields.memo, .byUs))
    }
  }

  /// Each object of a list at the top of the event, scanned, as one message.
  @inline(__always) private mutating func writeElements<Field>(
    _ field: OrderField, _ table: FieldTable<Field>, _ number: Int, max: Int,
    into writer: inout ProtobufWriter,
    _ body: (inout OrderEventPass, inout ProtobufWriter) -> Void
  ) {
    forEach(fields.order, field, table, max: max, into: &writer) { pass, writer in
      let message = writer.beginMessage(number)
      body(&pass, &writer)
      writer.endMessage(message)
    }
  }

  /// Each object of a list of the event, scanned.
  @inline(__always) mutating func forEach<Outer, Field>(
    _ outer: FieldTable<Outer>, _ field: Outer, _ table: FieldTable<Field>, max: Int,
    into writer: inout ProtobufWriter, _ body: (inout OrderEventPass, inout ProtobufWriter) -> Void
  ) {
    let list = array(outer, field, max: max)
    guard list != 0 else { return }
    path.outer = outer.name(field)
    path.outerIndex = 0
    var place = list + 1
    let end = tape.after(list) - 1
    while place < end {
      if isObject(place) {
        scan(place, table)
        body(&self, &writer)
      }
      path.outerIndex += 1
      place = tape.after(place)
    }
    path = JSONPath()
  }

  private mutating func writeReceiver(into writer: inout ProtobufWriter) {
    let table = fields.receiver
    let number = integer(table, .receiverNo, 0...Int64(Int32.max)) ?? Int64(path.outerIndex + 1)
    writer.int64(1, number)
    let zip = text(table, .zipcode).map { NormalisedText.trimmed($0) }
    writer.text(2, zip)
    let name = droppedText(table, .name)
    let address1 = droppedText(table, .address1)
    let address2 = droppedText(table, .address2)
    _ = droppedText(table, .phone)
    scratch.removeAll(keepingCapacity: true)
    if let name { NormalisedText.append(name, to: &scratch) }
    scratch.append(0x1F)
    if let zip { NormalisedText.append(zip, to: &scratch) }
    scratch.append(0x1F)
    let start = scratch.count
    if let address1 { NormalisedText.append(address1, to: &scratch) }
    let end = scratch.count
    scratch.append(0x1F)
    if let address2 { NormalisedText.append(address2, to: &scratch) }
    scratch.withUnsafeBytes { text in
      let address = UnsafeRawBufferPointer(rebasing: text[start..<end])
      var index = 0
      writer.text(3, NormalisedText.token(address, &index, bytesMax: OrderEventLimits.regionBytesMax))
      writer.text(4, NormalisedText.token(address, &index, bytesMax: OrderEventLimits.regionBytesMax))
      if text.count > 3 { secret.digest(text, into: memory.fingerprint) }
    }
    writer.bool(5, end > start)
    writer.text(6, text(table, .country))
    if scratch.count > 3 {
      writer.presentBytes(
        7, UnsafeRawBufferPointer(start: memory.fingerprint, count: IdentitySecret.digestByteCount))
    }
  }

  private mutating func writeItem(into writer: inout ProtobufWriter) {
    let table = fields.item
    let code = id(table, .itemCode, required: true)
    if let code { checkUnique(code) }
    writer.text(1, code)
    writer.text(2, id(table, .productCode))
    writer.text(3, id(table, .sku))
    let isGift = bool(table, .isGiftItem)
    let quantity = integer(table, .quantity, 1...OrderEventLimits.quantityMax) ?? 1
    let (unit, option) = itemPrices(isGift: isGift)
    writer.int64(4, quantity)
    writer.int64(5, unit)
    writer.int64(6, option)
    let status = text(table, .status)
    writer.text(7, status)
    let canonical = status.map { ItemStatus($0.assumingMemoryBound(to: UInt8.self)) } ?? .unknown
    if canonical == .unknown, let status, !status.isEmpty { unknownCodes += 1 }
    writer.bool(8, isGift)
    writer.bool(9, self.code(table, .kind, fields.itemKinds) == 2)
    writer.int64(10, integer(table, .receiverNo, 0...Int64(Int32.max)) ?? 1)
    let tracking = droppedText(table, .trackingNo).map { NormalisedText.trimmed($0) }
    writer.bool(11, tracking?.isEmpty == false)
    writeTexts(table, .categories, 12, max: OrderEventLimits.categoriesMax, nil, into: &writer)
    writeTexts(table, .bundleCodes, 13, max: OrderEventLimits.bundleCodesMax, nil, into: &writer)
    if canonical.isLive, !isGift { add((unit + option).multipliedReportingOverflow(by: quantity)) }
  }

  /// An option may take something off the price, but not more than the price.
  private mutating func itemPrices(isGift: Bool) -> (unit: Int64, option: Int64) {
    let table = fields.item
    let unit = money(table, .unitPrice, required: !isGift)
    let option = money(table, .optionPrice, signed: true) ?? 0
    // A unit price that was refused is told of once.
    let isKnown = unit != nil || (isGift && table[.unitPrice] == 0)
    if isKnown, (unit ?? 0) + option < 0 {
      refuse(
        "money.negative", "option_price", "not less than the unit price taken off", table[.optionPrice],
        "a larger discount")
    }
    return (unit ?? 0, option)
  }

  private mutating func add(_ line: (partialValue: Int64, overflow: Bool)) {
    guard let sum = amount, !line.overflow else {
      amount = nil
      return
    }
    let (total, overflow) = sum.addingReportingOverflow(line.partialValue)
    let inRange = !overflow && total.magnitude <= UInt64(OrderEventLimits.orderAmountMax)
    amount = inRange ? total : nil
  }

  private mutating func checkUnique(_ code: UnsafeRawBufferPointer) {
    guard codeCount < OrderEventLimits.itemsMax else { return }
    if memory.addCode(code, number: codeCount) {
      codeCount += 1
    } else {
      refuse("items.duplicate_code", "item_code", "an item code once in the order", fields.item[.itemCode])
    }
  }

  private mutating func writeClaim(into writer: inout ProtobufWriter) {
    let table = fields.claim
    writer.text(1, id(table, .claimCode))
    writer.uint64(2, code(table, .kind, fields.claimKinds))
    writer.uint64(3, code(table, .status, fields.claimStatuses))
    writer.text(4, text(table, .reason))
    writer.optionalInt64(5, time(table, .requestedAt)?.microseconds)
    writer.optionalInt64(6, time(table, .completedAt)?.microseconds)
    writer.optionalInt64(7, money(table, .refundAmount, signed: true))
    let list = array(table, .items, max: OrderEventLimits.claimItemsMax)
    guard list != 0 else { return }
    path.inner = "items"
    path.innerIndex = 0
    var place = list + 1
    let end = tape.after(list) - 1
    while place < end {
      if isObject(place) {
        scan(place, fields.claimItem)
        let message = writer.beginMessage(8)
        writer.text(1, id(fields.claimItem, .itemCode, required: true))
        writer.int64(2, integer(fields.claimItem, .quantity, 1...OrderEventLimits.quantityMax) ?? 1)
        writer.endMessage(message)
      }
      path.innerIndex += 1
      place = tape.after(place)
    }
    path.inner = ""
    path.innerIndex = -1
  }
}
