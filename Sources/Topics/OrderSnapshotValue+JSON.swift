import Orders

extension OrderSnapshotValue {
  /// One line of `passflow tap orders`: the event's form reduced to what the snapshot holds. Persons appear as the
  /// digest that stands for them, receivers as their regions.
  public func writeJSON(into json: inout JSONWriter) {
    if let context { return context.writeJSON(into: &json) }
    if let profile { return profile.writeJSON(into: &json) }
    if let merge { return merge.writeJSON(into: &json) }
    if let moved { return moved.writeJSON(into: &json) }
    let decimals = Currency(code: currency)?.decimals ?? 0
    json.beginObject()
    writeHead(into: &json)
    writeAmounts(into: &json, decimals)
    writePayment(into: &json)
    writeBuyer(into: &json)
    json.name("receivers")
    json.beginArray()
    for receiver in receivers { receiver.writeJSON(into: &json) }
    json.endArray()
    json.name("items")
    json.beginArray()
    for item in items { item.writeJSON(into: &json, decimals) }
    json.endArray()
    json.name("claims")
    json.beginArray()
    for claim in claims { claim.writeJSON(into: &json, decimals) }
    json.endArray()
    writeMemos(into: &json)
    json.name("flags")
    json.integer(Int64(flags))
    json.endObject()
    json.endLine()
  }

  private func writeHead(into json: inout JSONWriter) {
    json.name("schema")
    json.string("passflow.order/1")
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    json.name("event")
    json.string(event)
    json.name("event_time")
    json.time(eventTime)
    json.name("version")
    json.integer(version)
    json.name("placed_at")
    json.time(placedAt)
    json.name("paid_at")
    json.time(paidAt)
    json.name("first_order")
    if let platformFirst { json.bool(platformFirst) } else { json.null() }
    json.name("channel")
    json.optional(channel)
    json.name("market_order_no")
    json.optional(marketOrderNo)
    json.name("currency")
    json.string(currency)
  }

  private func writeAmounts(into json: inout JSONWriter, _ decimals: Int) {
    guard let amounts else { return }
    json.name("amount")
    json.beginObject()
    func add(_ name: StaticString, _ value: Int64?) {
      guard let value else { return }
      json.name(name)
      json.money(value, decimals: decimals)
    }
    add("items", amounts.items)
    add("shipping", amounts.shipping)
    add("discount", amounts.discount)
    add("ordered", amounts.ordered)
    add("current", amounts.current)
    add("paid", amounts.paid)
    add("surcharge", amounts.surcharge)
    add("discount_grade", amounts.discountGrade)
    add("discount_coupon", amounts.discountCoupon)
    add("points", amounts.points)
    add("refunded", amounts.refunded)
    json.endObject()
  }

  private func writePayment(into json: inout JSONWriter) {
    json.name("payment")
    json.beginObject()
    json.name("methods")
    json.strings(paymentMethods)
    json.name("status")
    json.optional(paymentStatus.text)
    json.name("gateway")
    json.optional(paymentGateway)
    json.name("card_issuer")
    json.optional(cardIssuer)
    json.name("installments")
    if let installments { json.integer(Int64(installments)) } else { json.null() }
    json.endObject()
    json.name("gift")
    json.beginObject()
    json.name("is_gift")
    json.bool(isGift)
    json.name("address_state")
    json.optional(addressState.text)
    json.name("address_due")
    json.time(addressDue)
    json.endObject()
    json.name("coupons")
    json.beginArray()
    for coupon in coupons {
      json.beginObject()
      json.name("coupon_no")
      json.string(coupon.couponNo)
      json.name("issue_type")
      json.optional(coupon.issueType)
      json.endObject()
    }
    json.endArray()
  }

  private func writeBuyer(into json: inout JSONWriter) {
    json.name("buyer")
    json.beginObject()
    json.name("customer_kind")
    json.string((customer?.kind ?? .none).text)
    json.name("customer_digest")
    json.hexadecimal(customer?.digest ?? [])
    json.name("grade")
    json.optional(grade)
    json.endObject()
  }

  private func writeMemos(into json: inout JSONWriter) {
    json.name("memos")
    json.beginArray()
    for memo in memos {
      json.beginObject()
      json.name("memo_no")
      json.integer(memo.memoNo)
      json.name("created_at")
      json.time(memo.createdAt)
      json.name("by_us")
      json.bool(memo.byUs)
      json.endObject()
    }
    json.endArray()
  }
}

extension JSONWriter {
  /// A text, or null when it is empty.
  mutating func optional(_ value: String) {
    if value.isEmpty { null() } else { string(value) }
  }
}

extension ContextEventValue {
  /// A line of `passflow tap orders` too; the address is told to be there, not shown.
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("context")
    json.beginObject()
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    json.name("at")
    json.time(at)
    json.endObject()
    json.endObject()
    json.endLine()
  }
}
