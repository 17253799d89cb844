import Orders

extension FactsDigestValue {
  /// The facts by the names that rules use; missing ones are null.
  func writeJSON(into json: inout JSONWriter, currency: String) {
    let decimals = Currency(code: currency)?.decimals ?? 0
    json.beginObject()
    writeNumbers(into: &json, decimals: decimals)
    json.name("bundle.orders")
    json.strings(bundleOrderIds)
    json.name("zones")
    if zoneMissing, zones.isEmpty { json.null() } else { json.strings(zones) }
    json.name("ip.country")
    if ipCountry.isEmpty { json.null() } else { json.string(ipCountry) }
    json.name("payment.status")
    json.string(paymentStatus)
    json.name("payment.methods")
    json.strings(paymentMethods)
    json.name("paid_at")
    json.time(paidAt)
    json.name("lists")
    json.strings(lists)
    json.name("lists.missing")
    json.strings(listsMissing)
    json.name("stock.margin")
    if let stockMargin { json.integer(stockMargin) } else { json.null() }
    json.endObject()
  }

  func writeNumbers(into json: inout JSONWriter, decimals: Int) {
    json.name("amount.items")
    json.money(amountItems, decimals: decimals)
    json.name("history.orders")
    if historyKnown { json.integer(historyOrders) } else { json.null() }
    json.name("history.amount")
    if historyKnown { json.money(historyAmount, decimals: decimals) } else { json.null() }
    writeClaims(into: &json)
    json.name("bundle.partners")
    json.integer(bundlePartners)
    if !timed.isEmpty { writeTimed(into: &json) }
    if !aggregates.isEmpty { writeAggregates(into: &json, decimals: decimals) }
  }

  private func writeTimed(into json: inout JSONWriter) {
    let names = [
      "duplicate.partners", "overdue.unpaid", "overdue.gift_address", "overdue.unshipped", "overdue.purchase",
      "expiring.coupon", "overdue.cart",
    ]
    json.name("timed")
    json.beginArray()
    for fact in timed {
      json.beginObject()
      json.name("of")
      json.string(names.indices.contains(Int(fact.kind)) ? names[Int(fact.kind)] : "")
      json.name("seconds")
      json.integer(fact.spanUs / 1_000_000)
      if !fact.code.isEmpty {
        json.name("code")
        json.string(String(decoding: fact.code, as: UTF8.self))
      }
      json.name("value")
      json.integer(fact.value)
      json.endObject()
    }
    json.endArray()
  }

  private func writeClaims(into json: inout JSONWriter) {
    json.name("history.claims")
    json.beginArray()
    for count in claimCounts {
      json.beginObject()
      json.name("of")
      json.string(count.scope == .returns ? "returns" : "claims")
      json.name("months")
      json.integer(Int64(count.months))
      json.name("count")
      json.integer(count.count)
      json.endObject()
    }
    json.endArray()
  }
}
