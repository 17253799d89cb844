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
    let shopText = request.parameters["shop"] ?? ""
    let shop = IngestDesk.shopNumber(shopText)
    if shop == nil {
      problems.append(
        Problem(
          code: "type.integer", field: "shop", expected: "an integer of 0 to \(Int32.max)",
          found: IngestDesk.classOf(shopText)))
    }
    if !settings.malls.isEmpty, !mall.isEmpty, !settings.malls.contains(mall) {
      problems.append(
        Problem(
          code: "mall.unknown", field: "mall", expected: "a mall of ingest.malls",
          found: IngestDesk.classOf(mall)))
    }
    var found: OrderContext?
    switch request.body.withUnsafeBytes({ contextReader.read($0) }) {
    case .success(let context): found = context
    case .failure(let refusal): problems += refusal.problems
    }
    guard problems.isEmpty, let found, let shop else {
      return .answer(IngestAnswers.problems(400, problems))
    }
    let key = Array(mall.utf8) + [0] + Array("\(shop)".utf8) + [0] + Array(order.utf8)
    let value = found.json(at: Instant(microseconds: settings.clockUs()))
    let sequence = try send(topics.context, key: key, value: value)
    metrics.contexts.add()
    return .wait(sequence: sequence, IngestAnswers.contextAccepted)
  }

  private func id(_ text: String?, _ field: String, _ problems: inout [Problem]) -> String {
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
