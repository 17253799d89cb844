// Field names of the order event (order-event.md): one enum an object, cases in the order of the names.

/// The top of an order event.
enum OrderField: Int, FieldName {
  case schema, mallId, shopNo, orderId, event, eventTime, version, placedAt, paidAt, channel, marketOrderNo,
    currency, amount, payment, gift, coupons, buyer, receivers, items, claims, memos, firstOrder
  static let names: [StaticString] = [
    "schema", "mall_id", "shop_no", "order_id", "event", "event_time", "version", "placed_at", "paid_at",
    "channel", "market_order_no", "currency", "amount", "payment", "gift", "coupons", "buyer", "receivers",
    "items", "claims", "memos", "first_order",
  ]
}

/// `amount`.
enum AmountField: Int, FieldName {
  case items, shipping, discount, ordered, current, paid, surcharge, discountGrade, discountCoupon, points,
    refunded
  static let names: [StaticString] = [
    "items", "shipping", "discount", "ordered", "current", "paid", "surcharge", "discount_grade",
    "discount_coupon", "points", "refunded",
  ]
}

/// `payment`.
enum PaymentField: Int, FieldName {
  case methods, status, gateway, cardIssuer, installments
  static let names: [StaticString] = [
    "methods", "status", "gateway", "card_issuer", "installments",
  ]
}

/// `gift`.
enum GiftField: Int, FieldName {
  case isGift, addressState, addressDue
  static let names: [StaticString] = [
    "is_gift", "address_state", "address_due",
  ]
}

/// `coupons[]`.
enum CouponField: Int, FieldName {
  case couponNo, issueType
  static let names: [StaticString] = [
    "coupon_no", "issue_type",
  ]
}

/// `buyer`.
enum BuyerField: Int, FieldName {
  case memberId, name, phone, email, grade, ip
  static let names: [StaticString] = [
    "member_id", "name", "phone", "email", "grade", "ip",
  ]
}

/// `receivers[]`.
enum ReceiverField: Int, FieldName {
  case receiverNo, name, phone, zipcode, address1, address2, country, message
  static let names: [StaticString] = [
    "receiver_no", "name", "phone", "zipcode", "address1", "address2", "country", "message",
  ]
}

/// `items[]`.
enum ItemField: Int, FieldName {
  case itemCode, productCode, sku, name, quantity, unitPrice, optionPrice, status, isGiftItem, kind,
    receiverNo, trackingNo, categories, bundleCodes
  static let names: [StaticString] = [
    "item_code", "product_code", "sku", "name", "quantity", "unit_price", "option_price", "status",
    "is_gift_item", "kind", "receiver_no", "tracking_no", "categories", "bundle_codes",
  ]
}

/// `claims[]`.
enum ClaimField: Int, FieldName {
  case claimCode, kind, status, reason, requestedAt, completedAt, refundAmount, items
  static let names: [StaticString] = [
    "claim_code", "kind", "status", "reason", "requested_at", "completed_at", "refund_amount", "items",
  ]
}

/// `claims[].items[]`.
enum ClaimItemField: Int, FieldName {
  case itemCode, quantity
  static let names: [StaticString] = [
    "item_code", "quantity",
  ]
}

/// `memos[]`.
enum MemoField: Int, FieldName {
  case memoNo, createdAt, byUs
  static let names: [StaticString] = [
    "memo_no", "created_at", "by_us",
  ]
}

/// The top of a profile event.
enum ProfileField: Int, FieldName {
  case schema, mallId, shopNo, memberId, at, currency, grade, coupons, cart
  static let names: [StaticString] = [
    "schema", "mall_id", "shop_no", "member_id", "at", "currency", "grade", "coupons", "cart",
  ]
}

/// `coupons[]` of a profile.
enum HeldCouponField: Int, FieldName {
  case couponNo, type, issuedAt, expiresAt
  static let names: [StaticString] = [
    "coupon_no", "type", "issued_at", "expires_at",
  ]
}

/// `cart[]` of a profile.
enum CartLineField: Int, FieldName {
  case productCode, sku, quantity, unitPrice, optionPrice, addedAt
  static let names: [StaticString] = [
    "product_code", "sku", "quantity", "unit_price", "option_price", "added_at",
  ]
}

/// A merge of customers.
enum MergeField: Int, FieldName {
  case schema, mallId, memberId, phone, email, formerMemberId, at
  static let names: [StaticString] = [
    "schema", "mall_id", "member_id", "phone", "email", "former_member_id", "at",
  ]
}

/// The tables of all objects; owned by one reader, which frees them.
struct OrderFields {
  let order = FieldTable<OrderField>()
  let amount = FieldTable<AmountField>()
  let payment = FieldTable<PaymentField>()
  let gift = FieldTable<GiftField>()
  let coupon = FieldTable<CouponField>()
  let buyer = FieldTable<BuyerField>()
  let receiver = FieldTable<ReceiverField>()
  let item = FieldTable<ItemField>()
  let claim = FieldTable<ClaimField>()
  let claimItem = FieldTable<ClaimItemField>()
  let memo = FieldTable<MemoField>()
  let profile = FieldTable<ProfileField>()
  let heldCoupon = FieldTable<HeldCouponField>()
  let cartLine = FieldTable<CartLineField>()
  let merge = FieldTable<MergeField>()
  let events = KeyTable([
    "order.placed", "order.paid", "order.changed", "order.canceled", "address.entered", "address.changed",
    "address.refused", "address.expired", "claim.requested", "claim.completed", "claim.refused",
    "shipment.registered", "shipment.delivered", "status.reverted",
  ])
  let methods = KeyTable([
    "cash", "card", "cell", "tcash", "icash", "prepaid", "credit", "point", "pointfy", "cvs", "cod", "coupon",
    "market_discount", "giftcard", "pointcard", "etc",
  ])
  let paymentStatuses = KeyTable(["unpaid", "partly", "paid"])
  let addressStates = KeyTable(["entered", "pending", "refused", "expired"])
  let claimKinds = KeyTable(["cancel", "return", "exchange"])
  let claimStatuses = KeyTable(["requested", "accepted", "completed", "refused", "withdrawn"])
  let itemKinds = KeyTable(["parcel", "voucher"])

  func deallocate() {
    order.deallocate()
    amount.deallocate()
    payment.deallocate()
    gift.deallocate()
    coupon.deallocate()
    buyer.deallocate()
    receiver.deallocate()
    item.deallocate()
    claim.deallocate()
    claimItem.deallocate()
    memo.deallocate()
    profile.deallocate()
    heldCoupon.deallocate()
    cartLine.deallocate()
    merge.deallocate()
    for table in [events, methods, paymentStatuses, addressStates, claimKinds, claimStatuses, itemKinds] {
      table.deallocate()
    }
  }
}
