import Orders

extension ReceiverValue {
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("receiver_no")
    json.integer(Int64(receiverNo))
    json.name("zipcode")
    json.optional(zip)
    json.name("region1")
    json.optional(region1)
    json.name("region2")
    json.optional(region2)
    json.name("has_address")
    json.bool(hasAddress)
    json.name("country")
    json.optional(country)
    json.name("fingerprint")
    json.hexadecimal(fingerprint)
    json.endObject()
  }
}

extension ItemValue {
  func writeJSON(into json: inout JSONWriter, _ decimals: Int) {
    json.beginObject()
    json.name("item_code")
    json.string(itemCode)
    json.name("product_code")
    json.optional(productCode)
    json.name("sku")
    json.optional(sku)
    json.name("quantity")
    json.integer(Int64(quantity))
    json.name("unit_price")
    json.money(unitPrice, decimals: decimals)
    json.name("option_price")
    json.money(optionPrice, decimals: decimals)
    json.name("status")
    json.optional(status)
    json.name("is_gift_item")
    json.bool(isGiftItem)
    json.name("kind")
    json.string(isVoucher ? "voucher" : "parcel")
    json.name("receiver_no")
    json.integer(Int64(receiverNo))
    json.name("has_tracking")
    json.bool(hasTracking)
    json.name("categories")
    json.strings(categories)
    json.name("bundle_codes")
    json.strings(bundleCodes)
    json.endObject()
  }
}

extension ClaimValue {
  func writeJSON(into json: inout JSONWriter, _ decimals: Int) {
    json.beginObject()
    json.name("claim_code")
    json.string(claimCode)
    json.name("kind")
    json.optional(kind.text)
    json.name("status")
    json.optional(status.text)
    json.name("reason")
    json.optional(reason)
    json.name("requested_at")
    json.time(requestedAt)
    json.name("completed_at")
    json.time(completedAt)
    json.name("refund_amount")
    if let refundAmount { json.money(refundAmount, decimals: decimals) } else { json.null() }
    json.name("items")
    json.beginArray()
    for item in items {
      json.beginObject()
      json.name("item_code")
      json.string(item.itemCode)
      json.name("quantity")
      json.integer(Int64(item.quantity))
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}

extension PaymentStatus {
  /// As in the order event; empty when unknown.
  public var text: String {
    switch self {
    case .unknown: ""
    case .unpaid: "unpaid"
    case .partly: "partly"
    case .paid: "paid"
    }
  }
}

extension AddressState {
  /// As in the order event; empty when unknown.
  public var text: String {
    switch self {
    case .unknown: ""
    case .entered: "entered"
    case .pending: "pending"
    case .refused: "refused"
    case .expired: "expired"
    }
  }
}

extension ClaimKind {
  /// As in the order event; empty when unknown.
  public var text: String {
    switch self {
    case .unknown: ""
    case .cancel: "cancel"
    case .return: "return"
    case .exchange: "exchange"
    }
  }
}

extension ClaimStatus {
  /// As in the order event; empty when unknown.
  public var text: String {
    switch self {
    case .unknown: ""
    case .requested: "requested"
    case .accepted: "accepted"
    case .completed: "completed"
    case .refused: "refused"
    case .withdrawn: "withdrawn"
    }
  }
}

extension CustomerKey.Kind {
  var text: String {
    switch self {
    case .none: "none"
    case .member: "member"
    case .phone: "phone"
    case .email: "email"
    }
  }
}
