import Glibc
import Kafka
import Orders
import Stage
import Testing
import Topics

@testable import IngestStage

@Suite(.serialized) struct FileFeedTests {
  private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/passflow-ingest-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      try #require(count > 0)
      written += count
    }
    Glibc.close(file)
    try body(path)
  }

  @Test func filesAreReadToTheLastAcknowledgementAndTheLaneEnds() throws {
    let lines = (1...1_000).map { number in
      number % 100 == 0 ? "nonsense" : Event { $0.order = "\"F-\(number)\"" }.text
    }
    try withFile(lines.joined(separator: "\n")) { path in
      let ingest = try RunningIngest.open { settings in
        settings.files = [path]
        settings.exitsWhenDone = true
        settings.unacknowledgedMax = 200
      }
      defer { ingest.close() }
      ingest.join()
      #expect(ingest.failure == nil)
      #expect(
        ingest.log.contains {
          $0.contains("\"files.done\",\"accepted\":990,\"refused\":10,\"interrupted\":false")
        })
      #expect(try ingest.orders().count == 990)
      #expect(try Set(ingest.deadLetters().map(\.position)) == Set((1...10).map { Int64($0 * 100) }))
      #expect(
        ingest.metrics.exposition().contains("passflow_ingest_events_accepted_total{source=\"file\"} 990\n"))
    }
  }

  @Test func aFileThatIsNotThereEndsTheLaneWithItsName() throws {
    let ingest = try RunningIngest.open { $0.files = ["/nowhere/orders.ndjson"] }
    defer { ingest.close() }
    ingest.join()
    #expect(ingest.failure == "cannot read /nowhere/orders.ndjson: No such file or directory")
  }

  @Test func aStopWhileTheBrokerIsAwayInterruptsTheFile() throws {
    let lines = (1...5_000).map { number in Event { $0.order = "\"F-\(number)\"" }.text }
    try withFile(lines.joined(separator: "\n")) { path in
      let ingest = try RunningIngest.open { settings in
        settings.files = [path]
        settings.exitsWhenDone = true
        settings.unacknowledgedMax = 100
        settings.drainMs = 200
      }
      defer { ingest.close() }
      ingest.broker.setReachable(false)
      ingest.context.stop()
      ingest.join()
      #expect(ingest.failure == nil)
      ingest.broker.setReachable(true)
    }
  }
}

@Suite struct IngestOptionsTests {
  private func load(_ arguments: [String]) -> StageStart<IngestConfiguration> {
    IngestConfiguration.load(arguments: arguments, environment: ["PASSFLOW_INGEST_FILES": "a"])
  }

  @Test func filesOfTheCommandLineJoinThoseOfTheConfiguration() throws {
    guard case .run(let configuration) = load(["--orders", "b", "--orders=-", "--exit-when-done"]) else {
      return #expect(Bool(false))
    }
    #expect(configuration.files == ["a", "b", "-"])
    #expect(configuration.exitsWhenDone)
  }

  @Test func toExitWhenDoneThereMustBeSomethingToDo() throws {
    guard
      case .end(let code, _, let error) = IngestConfiguration.load(
        arguments: ["--exit-when-done"], environment: [:])
    else { return #expect(Bool(false)) }
    #expect(code == .usage)
    #expect(error.contains("--orders"))
  }

  @Test func anEmbeddedBrokerIsAConfigurationErrorWithAHint() throws {
    guard case .run(let configuration) = load([]) else { return #expect(Bool(false)) }
    let problem = #expect(throws: IngestStartProblem.self) {
      try IngestExecutable.laneSettings(configuration)
    }
    #expect(problem?.code == .configuration)
    #expect(problem?.text.contains("passflow run") == true)
  }
}
