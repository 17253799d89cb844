import HTTP
import Orders
import Stage
import Topics

/// `POST /v1/orders/{mall}/{shop}/{order}/context`
extension IngestDesk {
  func takeContext(_ request: HTTPRequest) throws -> Outcome {
    var problems: [Problem] = []
    let mall = id(request.parameters["mall"], "mall", &problems)
    let order = id(request.parameters["order"], "order", &problems)
    let shop = shopOfPath(request, mall, &problems)
    var found: OrderContext?
    switch request.body.withUnsafeBytes({ contextReader.read($0) }) {
    case .success(let context):
      found = context
      if let problem = problem(with: context.at) { problems.append(problem) }
    case .failure(let refusal): problems += refusal.problems
    }
    guard problems.isEmpty, let found, let shop else {
      return .answer(IngestAnswers.problems(400, problems))
    }
    let key = OrderContextKey(mallId: mall, shopNo: shop, orderId: order).bytes
    let now = Instant(microseconds: settings.clockUs())
    let value = OrderContextValue(BeaconValue(ip: found.ip, at: found.at ?? now, takenAt: now)).protobuf
    let sequence = try send(topics.context, key: key, value: value)
    metrics.contexts.add()
    return .wait(sequence: sequence, IngestAnswers.contextAccepted)
  }

  /// The shop of the path; notes what is wrong with it and with the mall.
  func shopOfPath(_ request: HTTPRequest, _ mall: String, _ problems: inout [Problem]) -> Int32? {
    let shopText = request.parameters["shop"] ?? ""
    let shop = IngestDesk.shopNumber(shopText)
    if shop == nil {
      problems.append(
        Problem(
          code: "type.integer", field: "shop", expected: "an integer of 0 to \(Int32.max)",
          found: IngestDesk.classOf(shopText)))
    }
    checkMall(mall, &problems)
    return shop
  }

  func checkMall(_ mall: String, _ problems: inout [Problem]) {
    if !settings.malls.isEmpty, !mall.isEmpty, !settings.malls.contains(mall) {
      problems.append(
        Problem(
          code: "mall.unknown", field: "mall", expected: "a mall of ingest.malls",
          found: IngestDesk.classOf(mall)))
    }
  }

  /// A sender's clock may be ahead by so much: what it says of later times would never be outdone.
  static let aheadMinutesMax: Int64 = 10

  private func problem(with at: Instant?) -> Problem? {
    let limit = settings.clockUs() &+ IngestDesk.aheadMinutesMax * 60_000_000
    guard let at, at.microseconds > limit else { return nil }
    return Problem(
      code: "time.future", field: "at", expected: "at most \(IngestDesk.aheadMinutesMax) minutes from now",
      found: "a later time")
  }

  /// The server lets no NUL through in a path, which the key relies on.
  func id(_ text: String?, _ field: String, _ problems: inout [Problem]) -> String {
    let text = text ?? ""
    if text.isEmpty || text.utf8.count > OrderEventLimits.idBytesMax {
      problems.append(
        Problem(
          code: "text.too_long", field: field, expected: "1 to \(OrderEventLimits.idBytesMax) bytes",
          found: IngestDesk.classOf(text)))
    }
    return text
  }

  private static func shopNumber(_ text: String) -> Int32? {
    guard text.utf8.count <= 10, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int32(text)
  }

  private static func classOf(_ text: String) -> String { "string of \(text.utf8.count) bytes" }
}
