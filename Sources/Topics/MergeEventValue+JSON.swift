import Orders

extension MergeEventValue {
  /// A line of `passflow tap orders`: customers appear as the digests that stand for them.
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("merge")
    json.beginObject()
    json.name("mall_id")
    json.string(mallId)
    json.name("from_digest")
    json.hexadecimal(from?.digest ?? [])
    json.name("to_digest")
    json.hexadecimal(to?.digest ?? [])
    json.name("at")
    json.time(at)
    json.endObject()
    json.endObject()
    json.endLine()
  }
}

extension MovedOrderValue {
  /// A line of `passflow tap orders`.
  func writeJSON(into json: inout JSONWriter) {
    json.beginObject()
    json.name("moved")
    json.beginObject()
    json.name("mall_id")
    json.string(mallId)
    json.name("shop_no")
    json.integer(Int64(shopNo))
    json.name("order_id")
    json.string(orderId)
    json.name("to_digest")
    json.hexadecimal(to?.digest ?? [])
    json.name("from_digests")
    json.beginArray()
    for customer in path { json.hexadecimal(customer.digest) }
    json.endArray()
    json.name("epoch")
    json.integer(Int64(epoch))
    json.name("ledger_bytes")
    json.integer(Int64(ledger.count))
    json.endObject()
    json.endObject()
    json.endLine()
  }
}
