/// A Cafe24 webhook as far as PassFlow needs it: which orders to read back, and what happened to them.
///
/// The payload itself carries no items and no addresses; orders are read through the API afterwards.
public struct Cafe24Webhook: Hashable, Sendable {
  /// Type of the event, such as 90023 (order received); the same for every order, so never an id.
  public var eventNo: Int64
  public var mallId: String
  /// 1 when the payload names none.
  public var shopNo: Int32
  /// Distinct, in the payload's order; several in bulk events, none in events about products or customers.
  public var orderIds: [String]
  /// Cafe24's text code such as `paid_order`; empty when absent.
  public var eventCode: String
  /// Empty when absent.
  public var claimCode: String
  /// 16-byte BLAKE2b of the body: tells a re-sent delivery when the trace id does not.
  public var bodyDigest: [UInt8]

  /// What the developer centre's TEST button and the documentation's samples carry: answer 200, store nothing.
  public var isTestSample: Bool { mallId == "cafe24bestshop" || mallId == "sampleMall" }
}

extension Cafe24Webhook {
  /// What a delivery is known by: the `X-Trace-ID` header when there is one, else event, order and body.
  public func deduplicationKey(trace: String?) -> String {
    if let trace, !trace.isEmpty, trace.utf8.count <= 128 { return "trace:\(mallId):\(trace)" }
    var hex = ""
    for byte in bodyDigest {
      hex += String(byte >> 4, radix: 16)
      hex += String(byte & 15, radix: 16)
    }
    return "body:\(mallId):\(eventNo):\(hex)"
  }
}
