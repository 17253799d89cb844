import HTTP
import Synchronization
import Testing

@testable import Stage

@Suite struct LogTests {
  private final class Recorder: Sendable {
    let lines = Mutex<[String]>([])
    let timeMs = Atomic<Int64>(1_767_323_045_678)
  }

  private func log(_ recorder: Recorder, level: Log.Level = .info) -> Log {
    Log(
      stage: "ingest", level: level, now: { recorder.timeMs.load(ordering: .relaxed) },
      sink: { line in recorder.lines.withLock { $0.append(line) } })
  }

  @Test func aLineIsJSONWithItsFields() {
    let recorder = Recorder()
    log(recorder).info(
      "server_started", .integer("port", 80), .name("topic", "a\"b\n"), .flag("embedded", true),
      .real("load", 0.5), .real("none", .nan), .word("mode", "fast"), .order("20260101-0000001"))
    #expect(
      recorder.lines.withLock { $0 } == [
        #"{"ts":"2026-01-02T03:04:05.678Z","level":"info","stage":"ingest","event":"server_started","port":80,"topic":"a\"b\n","embedded":true,"load":0.5,"none":null,"mode":"fast","order_id":"20260101-0000001"}"#
          + "\n"
      ])
  }

  @Test func lessImportantEventsAreLeftOut() {
    let recorder = Recorder()
    let log = log(recorder, level: .warning)
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    #expect(recorder.lines.withLock { $0.count } == 2)
  }

  @Test func anEventThatRepeatsIsCountedInsteadOfWritten() throws {
    let recorder = Recorder()
    let log = log(recorder)
    for _ in 0..<1_000 { log.info("refused") }
    log.info("other")
    #expect(recorder.lines.withLock { $0.count } == Log.repeatedMax + 1)
    recorder.timeMs.add(Log.windowMs, ordering: .relaxed)
    log.info("refused")
    let last = try #require(recorder.lines.withLock { $0.last })
    #expect(last.contains("\"suppressed\":990}"))
    log.info("refused")
    #expect(recorder.lines.withLock { $0.last }?.contains("suppressed") == false)
  }

  @Test func longTextsAreCutBetweenCharacters() {
    let cut = JSONText.cut(String(repeating: "가", count: 1_000), 512)
    #expect(cut.utf8.count == 510)
    #expect(JSONText.cut("short", 512) == "short")
  }

  @Test func timesAreWrittenInUTC() {
    #expect(UTCTime.text(milliseconds: 0) == "1970-01-01T00:00:00.000Z")
    #expect(UTCTime.text(milliseconds: -1) == "1969-12-31T23:59:59.999Z")
    #expect(UTCTime.text(milliseconds: 951_782_400_000) == "2000-02-29T00:00:00.000Z")
    #expect(UTCTime.text(milliseconds: 4_107_542_399_999) == "2100-02-28T23:59:59.999Z")
    #expect(UTCTime.text(milliseconds: 1_709_251_199_000) == "2024-02-29T23:59:59.000Z")
  }
}

@Suite struct MetricsTests {
  @Test func instrumentsAreShownInPrometheusText() {
    let metrics = Metrics()
    metrics.counter("passflow_orders_total", "Orders.", labels: [("outcome", "ok")]).add(3)
    metrics.counter("passflow_orders_total", "Orders.", labels: [("outcome", "a\"b\\")]).add(-1)
    metrics.gauge("passflow_partitions", "Partitions owned.").set(7)
    let text = metrics.exposition()
    #expect(
      text == """
        # HELP passflow_orders_total Orders.
        # TYPE passflow_orders_total counter
        passflow_orders_total{outcome="ok"} 3
        passflow_orders_total{outcome="a\\"b\\\\"} 0
        # HELP passflow_partitions Partitions owned.
        # TYPE passflow_partitions gauge
        passflow_partitions 7
        # HELP passflow_metric_series_refused_total Series beyond the limit, not shown.
        # TYPE passflow_metric_series_refused_total counter
        passflow_metric_series_refused_total 0

        """)
  }

  @Test func theSameNameAndLabelsAreTheSameInstrument() {
    let metrics = Metrics()
    #expect(metrics.counter("a", "A.") === metrics.counter("a", "A."))
    #expect(metrics.counter("a", "A.") !== metrics.counter("a", "A.", labels: [("x", "1")]))
    metrics.gauge("a", "A.").set(5)
    #expect(metrics.exposition().contains("refused_total 1\n"))
  }

  @Test func seriesAreBounded() {
    let metrics = Metrics()
    for index in 0...Metrics.seriesMax { metrics.counter("a", "A.", labels: [("x", "\(index)")]).add() }
    let text = metrics.exposition()
    #expect(text.contains("a{x=\"\(Metrics.seriesMax - 1)\"} 1\n"))
    #expect(!text.contains("a{x=\"\(Metrics.seriesMax)\"}"))
    #expect(text.contains("refused_total 1\n"))
  }

  @Test func aHistogramCountsEachValueUnderTheFirstLimitThatHoldsIt() {
    for unit in [Histogram.Unit.seconds, .bytes, .items] {
      let histogram = Histogram(unit)
      for index in 0..<Histogram.bucketCount {
        histogram.observe(histogram.limit(index))
        histogram.observe(histogram.limit(index) + 1)
      }
      histogram.observe(0)
      histogram.observe(-5)
      histogram.observe(Int.max / 4)
      let counts = histogram.snapshot.counts
      #expect(counts.reduce(0, +) == Histogram.bucketCount * 2 + 3)
      #expect(counts[0] == 3, "\(unit)")
      #expect(counts[Histogram.bucketCount] == 2, "\(unit)")
    }
  }

  @Test func aHistogramIsCumulativeInSeconds() {
    let metrics = Metrics()
    let histogram = metrics.histogram("w_seconds", "Waiting.", unit: .seconds, labels: [("t", "x")])
    histogram.observe(64_000, times: 2)
    histogram.observe(1_000_000_000)
    let text = metrics.exposition()
    #expect(text.contains("w_seconds_bucket{t=\"x\",le=\"6.4e-05\"} 2\n"))
    #expect(text.contains("w_seconds_bucket{t=\"x\",le=\"0.524288\"} 2\n"))
    #expect(text.contains("w_seconds_bucket{t=\"x\",le=\"1.048576\"} 3\n"))
    #expect(text.contains("w_seconds_bucket{t=\"x\",le=\"+Inf\"} 3\n"))
    #expect(text.contains("w_seconds_sum{t=\"x\"} 1.000128\nw_seconds_count{t=\"x\"} 3\n"))
  }
}

@Suite struct HealthTests {
  private func text(_ response: HTTPResponse) -> String {
    "\(response.status) \(String(decoding: response.body, as: UTF8.self))"
  }

  @Test func readinessFollowsTheLifeOfAProcess() {
    let health = Health(stage: "enrich")
    #expect(text(health.readiness()) == #"503 {"stage":"enrich","state":"starting"}"#)
    #expect(health.liveness().status == 200)
    #expect(health.become(.restoring))
    #expect(health.readiness().status == 503)
    #expect(health.become(.ready))
    #expect(health.isReady)
    #expect(text(health.readiness()) == #"200 {"stage":"enrich","state":"ready"}"#)
    #expect(health.become(.restoring))
    #expect(health.become(.ready))
    #expect(health.become(.draining))
    #expect(text(health.readiness()) == #"503 {"stage":"enrich","state":"draining"}"#)
    #expect(health.liveness().status == 200)
    #expect(!health.become(.ready))
    #expect(health.become(.stopped))
    #expect(health.liveness().status == 503)
    #expect(!health.become(.starting))
  }

  @Test func aFailureIsNeitherAliveNorReady() {
    let health = Health(stage: "enrich")
    health.become(.ready)
    health.fail("lane_stopped")
    health.fail("later")
    #expect(!health.isReady)
    #expect(text(health.liveness()) == #"503 {"stage":"enrich","state":"ready","reason":"lane_stopped"}"#)
    #expect(health.readiness().status == 503)
  }

  @Test func theRoutesOfAStageStartWithAServer() throws {
    let health = Health(stage: "enrich")
    let server = try HTTPServer(host: "127.0.0.1", port: 0, routes: health.routes(Metrics()))
    #expect(server.port > 0)
    server.stop(withinMs: 100)
  }
}
