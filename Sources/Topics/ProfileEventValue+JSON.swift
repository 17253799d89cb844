import Orders

extension ProfileEventValue {
  /// A line of `passflow tap orders`: the customer appears as the digest that stands for him.
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("profile")
    json.beginObject()
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("customer_digest")
    json.hexadecimal(customer?.digest ?? [])
    json.name("at")
    json.time(at)
    if !grade.isEmpty {
      json.name("grade")
      json.string(grade)
    }
    if let coupons { coupons.writeJSON(into: &json) }
    if let cart { cart.writeJSON(into: &json) }
    json.endObject()
    json.endObject()
    json.endLine()
  }
}

extension HeldCouponsValue {
  fileprivate func writeJSON(into json: inout JSONWriter) {
    json.name("coupons")
    json.beginArray()
    for coupon in coupons {
      json.beginObject()
      json.name("coupon_no")
      json.string(coupon.couponNo)
      json.name("type")
      json.optional(coupon.type)
      json.name("issued_at")
      json.time(coupon.issuedAt)
      json.name("expires_at")
      json.time(coupon.expiresAt)
      json.endObject()
    }
    json.endArray()
  }
}

extension CartValue {
  fileprivate func writeJSON(into json: inout JSONWriter) {
    let decimals = Currency(code: currency)?.decimals ?? 0
    json.name("currency")
    json.string(currency)
    json.name("cart")
    json.beginArray()
    for line in lines {
      json.beginObject()
      json.name("product_code")
      json.string(line.productCode)
      json.name("sku")
      json.optional(line.sku)
      json.name("quantity")
      json.integer(Int64(line.quantity))
      json.name("unit_price")
      json.money(line.unitPrice, decimals: decimals)
      json.name("option_price")
      json.money(line.optionPrice, decimals: decimals)
      json.name("added_at")
      json.time(line.addedAt)
      json.endObject()
    }
    json.endArray()
  }
}
