import Orders

/// A measure of the customer's earlier orders that a rule names (`HistoryAggregate` of topics/enriched.proto).
public struct HistoryAggregateValue: ProtobufValue {
  /// `HistoryMeasure`.
  public var measure: Int32 = 0
  /// A rolling window in µs; 0: none.
  public var spanUs: Int64 = 0
  /// Calendar months; 0: none. Neither: all time.
  public var months: Int32 = 0
  /// SKU or product code; empty: all products.
  public var code: [UInt8] = []
  /// A count, minor units, or µs since 1970; nil: there is no such order.
  public var value: Int64?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: measure = reader.int32()
    case 2: spanUs = reader.int64()
    case 3: months = reader.int32()
    case 4: code = reader.array()
    case 5: value = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int32(1, measure)
    writer.int64(2, spanUs)
    writer.int32(3, months)
    writer.bytes(4, code)
    writer.optionalInt64(5, value)
  }

  static let words = [
    "orders", "amount", "cancels", "products", "skus", "quantity", "bought", "bought_quantity",
    "first_order_at", "last_order_at", "last_bought_at",
  ]
}

extension FactsDigestValue {
  /// Named as rules name them; a value that there is not is null.
  func writeAggregates(into json: inout JSONWriter, decimals: Int) {
    json.name("history.aggregates")
    json.beginArray()
    for aggregate in aggregates {
      let word =
        HistoryAggregateValue.words.indices.contains(Int(aggregate.measure))
        ? HistoryAggregateValue.words[Int(aggregate.measure)] : ""
      json.beginObject()
      json.name("of")
      json.string(word)
      if !aggregate.code.isEmpty {
        json.name("code")
        json.string(String(decoding: aggregate.code, as: UTF8.self))
      }
      if aggregate.spanUs > 0 {
        json.name("seconds")
        json.integer(aggregate.spanUs / 1_000_000)
      } else if aggregate.months > 0 {
        json.name("months")
        json.integer(Int64(aggregate.months))
      }
      json.name("value")
      if let value = aggregate.value {
        if word == "amount" {
          json.money(value, decimals: decimals)
        } else if word.hasSuffix("_at") {
          json.time(Instant(microseconds: value))
        } else {
          json.integer(value)
        }
      } else {
        json.null()
      }
      json.endObject()
    }
    json.endArray()
  }
}
