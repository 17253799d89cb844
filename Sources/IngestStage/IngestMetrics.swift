import Stage
import Synchronization
import Topics

/// The paths that senders use.
enum IngestRoute: String, Sendable, CaseIterable {
  case orders, context, profile, merge, webhook
}

/// What became of a webhook.
enum WebhookOutcome: String, Sendable, CaseIterable {
  case queued, duplicate, refused, unauthorized
  case testSample = "test_sample"
  case unknownMall = "unknown_mall"
}

/// Ingest's instruments. Counted per request or per stretch of a file.
final class IngestMetrics: Sendable {
  private let metrics: Metrics
  private let latency: [IngestRoute: Histogram]
  private let webhooks: [WebhookOutcome: Counter]
  private let refusals = Mutex<[String: Counter]>([:])
  private let requests = Mutex<[RequestClass: Counter]>([:])
  private let httpAccepted: Counter
  private let fileAccepted: Counter
  private let httpBytes: Counter
  private let fileBytes: Counter
  let contexts: Counter
  private let unknownFields: Counter
  private let unknownCodes: Counter
  private let amounts: Counter
  private let records: Gauge
  private let bytes: Gauge
  private let waiting: Gauge
  private let contextsJoined: Gauge
  private let contextsExpired: Gauge
  private let contextPointers: Gauge
  private let contextDeadLetters: Gauge

  private struct RequestClass: Hashable {
    let route: IngestRoute
    let status: Int
  }

  init(_ metrics: Metrics) {
    self.metrics = metrics
    func histogram(_ route: IngestRoute) -> Histogram {
      metrics.histogram(
        "passflow_ingest_acknowledgement_seconds",
        "From a request's arrival to the broker's acknowledgement.",
        unit: .seconds, labels: [("route", route.rawValue)])
    }
    func webhook(_ outcome: WebhookOutcome) -> Counter {
      metrics.counter(
        "passflow_ingest_webhooks_total", "Webhooks by what became of them.",
        labels: [("outcome", outcome.rawValue)])
    }
    func accepted(_ source: String) -> Counter {
      metrics.counter(
        "passflow_ingest_events_accepted_total", "Order events taken.", labels: [("source", source)])
    }
    func read(_ source: String) -> Counter {
      metrics.counter(
        "passflow_ingest_read_bytes_total", "Bytes of order events.", labels: [("source", source)])
    }
    latency = Dictionary(uniqueKeysWithValues: IngestRoute.allCases.map { ($0, histogram($0)) })
    webhooks = Dictionary(uniqueKeysWithValues: WebhookOutcome.allCases.map { ($0, webhook($0)) })
    (httpAccepted, fileAccepted) = (accepted("http"), accepted("file"))
    (httpBytes, fileBytes) = (read("http"), read("file"))
    contexts = metrics.counter("passflow_ingest_contexts_total", "Addresses taken for orders.")
    unknownFields = metrics.counter(
      "passflow_ingest_unknown_fields_total", "Fields that the contract does not know, left out.")
    unknownCodes = metrics.counter(
      "passflow_ingest_unknown_codes_total", "Codes that the contract does not know, kept as text.")
    amounts = metrics.counter(
      "passflow_ingest_amounts_differing_total", "Events whose given amount is not their items' sum.")
    contextsJoined = metrics.gauge(
      "passflow_context_joined", "Addresses handed on to their orders since the start.")
    contextsExpired = metrics.gauge(
      "passflow_context_expired", "Addresses whose order did not come within a day, since the start.")
    contextPointers = metrics.gauge(
      "passflow_context_pointers", "Orders without an address that the join has seen since the start.")
    contextDeadLetters = metrics.gauge(
      "passflow_context_dead_letters", "Records of order.context that could not be used, since the start.")
    records = metrics.gauge(
      "passflow_ingest_unacknowledged_records", "Records sent that the broker has not acknowledged.")
    bytes = metrics.gauge("passflow_ingest_unacknowledged_bytes", "Their bytes.")
    waiting = metrics.gauge("passflow_ingest_waiting_requests", "Requests that wait for an acknowledgement.")
  }

  func acknowledged(_ route: IngestRoute, _ status: Int, microseconds: Int64) {
    latency[route]?.observe(Int(clamping: max(0, microseconds)) &* 1_000)
    answered(route, status)
  }

  func answered(_ route: IngestRoute, _ status: Int) {
    let known = requests.withLock { requests in
      let key = RequestClass(route: route, status: status)
      if let known = requests[key] { return known }
      let made = metrics.counter(
        "passflow_ingest_requests_total", "Requests answered.",
        labels: [("route", route.rawValue), ("status", "\(status)")])
      requests[key] = made
      return made
    }
    known.add()
  }

  func webhook(_ outcome: WebhookOutcome) { webhooks[outcome]?.add() }

  /// By the first part of the problem's code, which is a literal of the program.
  func refused(_ problems: [Problem]) {
    let code = String((problems.first?.code ?? "other").prefix { $0 != "." })
    let known = refusals.withLock { refusals in
      if let known = refusals[code] { return known }
      let made = metrics.counter(
        "passflow_ingest_events_refused_total", "Order events refused, by their first problem's class.",
        labels: [("class", code)])
      refusals[code] = made
      return made
    }
    known.add()
  }

  /// What an intake has counted since the last time.
  func took(_ counts: IntakeCounts, after before: IntakeCounts, bytes: Int, isFile: Bool) {
    (isFile ? fileAccepted : httpAccepted).add(counts.accepted &- before.accepted)
    (isFile ? fileBytes : httpBytes).add(bytes)
    unknownFields.add(counts.unknownFields &- before.unknownFields)
    unknownCodes.add(counts.unknownCodes &- before.unknownCodes)
    amounts.add(counts.amountsThatDiffer &- before.amountsThatDiffer)
  }

  func show(_ join: ContextProcessor.Counts) {
    contextsJoined.set(join.joined.load(ordering: .relaxed))
    contextsExpired.set(join.expired.load(ordering: .relaxed))
    contextPointers.set(join.pointers.load(ordering: .relaxed))
    contextDeadLetters.set(join.deadLetters.load(ordering: .relaxed))
  }

  func show(unacknowledged: Int, bytes unacknowledgedBytes: Int, waiting requests: Int) {
    records.set(unacknowledged)
    bytes.set(unacknowledgedBytes)
    waiting.set(requests)
  }
}
