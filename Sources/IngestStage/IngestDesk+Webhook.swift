import HTTP
import Stage
import Topics

/// `POST /v1/webhooks/cafe24`
extension IngestDesk {
  /// A webhook names orders and what happened to them; the largest that Cafe24 sends are lists of ids.
  static let webhookBytesMax = 256 * 1024

  func takeWebhook(_ request: HTTPRequest) throws -> Outcome {
    let key = request.header("X-API-Key")
    return try request.body.withUnsafeBytes { body in
      switch webhookReader.read(body) {
      case .failure(let refusal): return try refuseWebhook(body, refusal.problems, key)
      case .success(let webhook):
        if webhook.isTestSample { return ignore(.testSample) }
        let isKnown =
          settings.webhookKeys.knows(webhook.mallId)
          && (settings.malls.isEmpty || settings.malls.contains(webhook.mallId))
        guard isKnown else { return ignore(.unknownMall) }
        guard settings.webhookKeys.isKey(key, of: webhook.mallId) else {
          metrics.webhook(.unauthorized)
          return .answer(IngestAnswers.unauthorized)
        }
        return try queue(webhook, body, trace: request.header("X-Trace-ID"))
      }
    }
  }

  private func ignore(_ outcome: WebhookOutcome) -> Outcome {
    metrics.webhook(outcome)
    return .answer(IngestAnswers.ignored)
  }

  /// What cannot be read becomes a dead letter when its sender has a key: strangers fill no topic.
  private func refuseWebhook(_ body: UnsafeRawBufferPointer, _ problems: [Problem], _ key: String?) throws
    -> Outcome
  {
    metrics.webhook(.refused)
    let answer = IngestAnswers.problems(400, problems)
    guard settings.webhookKeys.isAnyKey(key) else { return .answer(answer) }
    switch try intake.refuse(body, problems, source: "webhook", position: 0) {
    case .accepted(let sequence), .refused(_, let sequence): return .wait(sequence: sequence, answer)
    }
  }

  private func queue(_ webhook: Cafe24Webhook, _ body: UnsafeRawBufferPointer, trace: String?) throws
    -> Outcome
  {
    let delivery = RecentDeliveries.Key(webhook.deduplicationKey(trace: trace))
    if let known = deliveries.sequence(of: delivery) {
      metrics.webhook(.duplicate)
      return .wait(sequence: known, IngestAnswers.done)
    }
    var sequence: UInt64 = 0
    let mall = Array(webhook.mallId.utf8) + [0]
    if webhook.orderIds.count < 2 {
      let key = mall + Array((webhook.orderIds.first ?? "").utf8)
      sequence = try send(topics.webhooks, key: key, value: settings.seal.seal(body))
    } else {
      for order in webhook.orderIds {
        let value = IngestDesk.body(of: webhook, order: order).withUnsafeBytes { settings.seal.seal($0) }
        sequence = try send(topics.webhooks, key: mall + Array(order.utf8), value: value)
      }
    }
    deliveries.insert(delivery, sequence: sequence)
    metrics.webhook(.queued)
    return .wait(sequence: sequence, IngestAnswers.done)
  }

  /// A bulk event's part for one order, in the shape of a single one (D2): copying the whole list to each
  /// order would multiply it by itself.
  static func body(of webhook: Cafe24Webhook, order: String) -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.beginObject()
    json.name("event_no")
    json.integer(webhook.eventNo)
    json.name("resource")
    json.beginObject()
    json.name("mall_id")
    json.string(webhook.mallId)
    json.name("event_shop_no")
    json.string("\(webhook.shopNo)")
    json.name("order_id")
    json.string(order)
    for (name, text) in [("event_code", webhook.eventCode), ("claim_code", webhook.claimCode)]
    where !text.isEmpty {
      json.name(utf8: name)
      json.string(text)
    }
    json.endObject()
    json.endObject()
    return json.bytes
  }
}
