@testable import Topics

/// The order event of the contract's page, as JSON, and edits of it.
enum Sample {
  static let secret = IdentitySecret(bytes: [UInt8](repeating: 7, count: 32))

  static let event = """
    {"schema": "passflow.order/1",
     "mall_id": "demomall", "shop_no": 1, "order_id": "20261010-0000123",
     "event": "order.placed", "event_time": "2026-10-10T09:30:00+09:00", "version": 1,
     "placed_at": "2026-10-10T09:30:00+09:00", "paid_at": null,
     "channel": "self", "market_order_no": null, "currency": "KRW",
     "amount": {"items": "45000", "shipping": "3000", "discount": "0", "ordered": "48000", "current": "48000", "paid": "48000", "surcharge": "0"},
     "payment": {"methods": ["card"], "status": "paid"},
     "gift": {"is_gift": false, "address_state": "entered", "address_due": null},
     "coupons": [{"coupon_no": "C1", "issue_type": "first_purchase"}],
     "buyer": {"member_id": "kim01", "name": "김하나", "phone": "010-0000-0000", "email": "a@example.com", "grade": "3", "ip": "168.126.63.1"},
     "receivers": [{"receiver_no": 1, "name": "김하나", "phone": "010-0000-0000", "zipcode": "63000", "address1": "제주특별자치도 제주시 첨단로 1", "address2": "101호", "country": "KR", "message": ""}],
     "items": [{"item_code": "20261010-0000123-01", "product_code": "P000000P", "sku": "P000000P000A", "name": "상품", "quantity": 3, "unit_price": "15000", "option_price": "0", "status": "N10", "is_gift_item": false, "kind": "parcel", "receiver_no": 1, "tracking_no": null, "categories": ["24"]}],
     "claims": [{"claim_code": "C20261010-0000001", "kind": "return", "status": "completed", "reason": "A", "requested_at": "2026-10-11T00:00:00Z", "completed_at": "2026-10-12T00:00:00+09:00", "refund_amount": "15000", "items": [{"item_code": "20261010-0000123-01", "quantity": 1}]}],
     "memos": [{"memo_no": 7, "created_at": "2026-10-10T09:31:00+09:00", "by_us": false}]}
    """

  /// The smallest event that is accepted, with further members after the required ones.
  static func small(_ more: String = "", shop: String = "1", order: String = "\"o-1\"") -> String {
    """
    {"mall_id": "m", "shop_no": \(shop), "order_id": \(order), "event_time": "2026-10-10T09:30:00+09:00",
    "version": 1, "placed_at": "2026-10-10T09:30:00+09:00"\(more.isEmpty ? "" : ", " + more)}
    """
  }

  static func item(_ more: String = "", code: String = "i-1") -> String {
    #"{"item_code": "\#(code)", "quantity": 1, "unit_price": "1000", "status": "N10"\#(more.isEmpty ? "" : ", " + more)}"#
  }
}

/// What became of one text: the snapshot with the key, or the problems.
struct Reading {
  var snapshot: OrderSnapshotValue?
  var key: [UInt8] = []
  var flags: UInt32 = 0
  var unknownFields = 0
  var unknownCodes = 0
  var problems: [Problem] = []

  var codes: [String] { problems.map(\.code) }
  var places: [String] { problems.map(\.field) }
}

func read(_ reader: OrderEventReader, _ bytes: [UInt8]) -> Reading {
  var writer = ProtobufWriter()
  var made = Reading()
  bytes.withUnsafeBytes { bytes in
    switch reader.read(bytes, into: &writer) {
    case .accepted(let routing):
      made.key = [UInt8](routing.key)
      made.flags = routing.flags
      made.unknownFields = routing.unknownFields
      made.unknownCodes = routing.unknownCodes
      made.snapshot = OrderSnapshotValue(protobuf: writer.bytes)
    case .refused(let problems): made.problems = problems
    }
  }
  return made
}

func read(_ text: String) throws -> Reading { try read(Array(text.utf8)) }

func read(_ bytes: [UInt8]) throws -> Reading {
  struct NoSecret: Error {}
  guard let secret = Sample.secret else { throw NoSecret() }
  return read(OrderEventReader(secret: secret), bytes)
}
