import HTTP
import Testing
import YAML

@testable import Stage

@Suite struct ConfigurationTests {
  private func problems(_ yaml: String, _ environment: [String: String] = [:]) throws
    -> [ConfigurationProblem]
  {
    let root = try YAMLDocument.parse(yaml, file: "ingest.yaml").root
    return IngestConfiguration.schema.load(file: root, environment: environment).problems
  }

  private func ingest(_ yaml: String, _ environment: [String: String] = [:]) throws -> IngestConfiguration {
    let root = try YAMLDocument.parse(yaml, file: "ingest.yaml").root
    let (values, problems) = IngestConfiguration.schema.load(file: root, environment: environment)
    #expect(problems.isEmpty)
    return IngestConfiguration(values)
  }

  @Test func defaultsAreValidForEveryStage() {
    for schema in StageFiles.schemas {
      #expect(schema.load(file: nil, environment: [:]).problems.isEmpty, "\(schema.stage)")
      #expect(Set(schema.keys.map(\.path)).count == schema.keys.count)
      #expect(Set(schema.keys.map(\.environmentName)).count == schema.keys.count)
      for key in schema.keys {
        #expect(ConfigurationForm.isAllowed(key.fallback, key.form), "\(key.path)")
        #expect(key.path.split(separator: ".").count == 2, "\(key.path)")
      }
    }
  }

  @Test func theFileGoesBeforeTheDefaultAndTheEnvironmentBeforeTheFile() throws {
    let yaml = "http:\n  port: 9000\n  host: 0.0.0.0\ningest:\n  files: [a.ndjson, b.ndjson]\nlog:\n"
    let configuration = try ingest(
      yaml,
      [
        "PASSFLOW_HTTP_PORT": "9001", "PASSFLOW_KAFKA_BOOTSTRAP": "a:1,b:2",
        "PASSFLOW_KAFKA_PROPERTIES": "security.protocol=ssl, ssl.ca.location=/ca=1.pem",
        "PASSFLOW_ENRICH_RULES": "not of this stage", "PATH": "/bin",
      ])
    #expect(configuration.common.http.port == 9_001)
    #expect(configuration.common.http.host == "0.0.0.0")
    #expect(configuration.files == ["a.ndjson", "b.ndjson"])
    #expect(configuration.common.kafka.bootstrap == .servers("a:1,b:2"))
    #expect(
      configuration.common.kafka.properties == [
        .init("security.protocol", "ssl"), .init("ssl.ca.location", "/ca=1.pem"),
      ])
    #expect(configuration.common.logLevel == .info)
    #expect(configuration.common.kafka.isolation == .readCommitted)
  }

  @Test func allProblemsAreToldAtOnceWithPlaceRangeAndHint() throws {
    let found = try problems(
      """
      kafka:
        bootstrap: embeded
        isolaton: read_committed
        compression: lz5
      htpp: {}
      http:
        port: 70000
        connections_max: many
      log: loud
      """, ["PASSFLOW_LOG_LEVL": "debug", "PASSFLOW_INGEST_BODY_BYTES_MAX": "1"])
    let byPath = Dictionary(grouping: found, by: \.path).compactMapValues(\.first)
    #expect(found.count == 9)
    #expect(byPath["kafka.bootstrap"]?.hint == "did you mean embedded?")
    #expect(byPath["kafka.bootstrap"]?.source == "ingest.yaml:2:14")
    #expect(byPath["kafka.isolaton"]?.hint == "did you mean kafka.isolation?")
    #expect(byPath["kafka.isolaton"]?.source == "ingest.yaml:3:3")
    #expect(byPath["kafka.compression"]?.allowed == "one of none, lz4, zstd, snappy, gzip")
    #expect(byPath["kafka.compression"]?.hint == "did you mean lz4?")
    #expect(byPath["htpp"]?.hint == "did you mean http?")
    #expect(byPath["http.port"]?.value == "70000")
    #expect(byPath["http.port"]?.allowed == "a whole number from 0 to 65535")
    #expect(byPath["http.connections_max"]?.value == "many")
    #expect(byPath["log"]?.message == "must be a mapping of keys")
    #expect(byPath["PASSFLOW_LOG_LEVL"]?.hint == "did you mean PASSFLOW_LOG_LEVEL?")
    #expect(byPath["ingest.body_bytes_max"]?.source == "PASSFLOW_INGEST_BODY_BYTES_MAX")
    #expect(
      byPath["http.port"]?.description == """
        http.port: has a value that is not allowed
          at:      ingest.yaml:7:9
          value:   70000
          allowed: a whole number from 0 to 65535
        """)
  }

  @Test func relationsBetweenKeysAreChecked() throws {
    let found = try problems(
      """
      kafka:
        properties: {acks: "1", sasl.username: me, bootstrap.servers: "x:1"}
      topics:
        decisions: orders
        actions: 한글
      ingest:
        body_bytes_max: 2000
        line_bytes_max: 3000
        webhook_api_keys: {mall: short}
        webhook_api_keys_file: keys.yaml
        identity_secret: hunter2-secret
      """)
    let texts = found.map { "\($0.path): \($0.message)" }
    #expect(
      Set(texts) == [
        "kafka.properties: may not set acks", "kafka.properties: may not set bootstrap.servers",
        "topics.decisions: names the same topic as topics.orders", "topics.actions: is no topic name",
        "ingest.line_bytes_max: is larger than ingest.body_bytes_max",
        "ingest.webhook_api_keys: is too short for mall mall",
        "ingest.webhook_api_keys_file: is given beside ingest.webhook_api_keys",
        "ingest.identity_secret: is too short",
      ])
    for text in found.map(\.description) {
      #expect(!text.contains("hunter2") && !text.contains("short}"))
    }
  }

  @Test func aSecretIsNeverShown() throws {
    let secret = "sk-0123456789abcdef"
    let environment = [
      "PASSFLOW_INGEST_IDENTITY_SECRET": secret, "PASSFLOW_KAFKA_PROPERTIES": "sasl.password=\(secret)",
      "PASSFLOW_INGEST_WEBHOOK_API_KEYS": "mall=\(secret)",
    ]
    guard
      case .end(let code, let output, let error) = IngestConfiguration.load(
        arguments: ["--check-config"], environment: environment)
    else { return #expect(Bool(false)) }
    #expect(code == .success)
    #expect(error.isEmpty)
    #expect(output.contains("ingest.identity_secret: ********  # PASSFLOW_INGEST_IDENTITY_SECRET\n"))
    #expect(output.contains("kafka.properties: {sasl.password: ********}"))
    #expect(output.hasSuffix("configuration is valid\n"))
    #expect(!output.contains(secret))
    let wrong = try problems("ingest:\n  identity_secret: [\(secret)]\n  webhook_api_keys: \(secret)\n")
    #expect(wrong.count == 2)
    #expect(!wrong.contains { $0.description.contains(secret) })
  }

  @Test func limitsHoldAtTheirEdges() throws {
    #expect(try problems("http: {port: 65535}").isEmpty)
    #expect(try problems("http: {port: -1}").count == 1)
    #expect(try problems("http: {port: \"80\"}").count == 1)
    #expect(try problems("http: {host: \"a\\nb\"}").count == 1)
    #expect(try problems("http: {host: \"\"}").count == 1)
    let long = String(repeating: "a", count: 250)
    #expect(try problems("topics: {orders: \(long.dropLast())}").isEmpty)
    #expect(try problems("topics: {orders: \(long)}").count == 1)
    #expect(try problems("[]").count == 1)
    #expect(try problems("").isEmpty)
    for servers in ["x", "x:", ":1", "x:0", "x:70000", "a:1,", "a:1, b:2"] {
      #expect(try problems("kafka: {bootstrap: \"\(servers)\"}").count == 1, "\(servers)")
    }
    #expect(try problems("kafka: {bootstrap: \"[::1]:9092\"}").isEmpty)
  }

  @Test func stateAndZoneAreChecked() throws {
    let root = try YAMLDocument.parse(
      "state: {commit_interval_ms: 1000, checkpoint_interval_ms: 500}\nenrich: {zone_offset: \"9\"}",
      file: "e"
    ).root
    #expect(EnrichConfiguration.schema.load(file: root, environment: [:]).problems.count == 2)
    #expect(EnrichConfiguration.offsetSeconds("+09:00") == 32_400)
    #expect(EnrichConfiguration.offsetSeconds("-03:30") == -12_600)
    #expect(EnrichConfiguration.offsetSeconds("+00:00") == 0)
    for text in ["+14:01", "-12:01", "+09:60", "09:00", "+9:00", "+09:0a", ""] {
      #expect(EnrichConfiguration.offsetSeconds(text) == nil, "\(text)")
    }
  }
}

/// The files under `config/`.
enum StageFiles {
  static let schemas = [
    IngestConfiguration.schema, EnrichConfiguration.schema, EvaluateConfiguration.schema,
    ApplyConfiguration.schema,
  ]

  /// The root of the package, from where this file was compiled.
  static var root: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
  }
}

@Suite struct ConfigurationFileTests {
  @Test(arguments: StageFiles.schemas.map(\.stage))
  func aFileUnderConfigShowsEveryDefault(stage: String) throws {
    let schema = try #require(StageFiles.schemas.first { $0.stage == stage })
    let path = "\(StageFiles.root)/config/\(stage).yaml"
    let bytes = try #require(FileBytes.read(path, bytesMax: 1_000_000))
    #expect(String(decoding: bytes, as: UTF8.self) == ConfigurationPrinter.defaultFile(schema))
    let (values, problems) = schema.load(file: try YAMLDocument.read(path: path).root, environment: [:])
    #expect(problems.isEmpty)
    for key in schema.keys {
      #expect(values.value(key) == key.fallback, "\(key.path)")
      #expect(values.source(key) != .standard, "\(key.path)")
    }
  }

  @Test func valuesThatCouldBeReadAsSomethingElseAreQuoted() throws {
    for text in ["true", "12", "a: b", "\"", "\\", "~", "", "한글", "+09:00", "null", "a#b", "0x1", "-", "off"]
    {
      let file = try YAMLDocument.parse("k: " + ConfigurationPrinter.yaml(.text(text)), file: "x")
      #expect(try file.root.required("k").asString() == text)
    }
  }
}

@Suite struct StageStartTests {
  private func end(_ arguments: [String]) -> (code: ExitCode, output: String, error: String)? {
    switch EvaluateConfiguration.load(arguments: arguments, environment: [:], version: "1.2") {
    case .run: nil
    case .end(let code, let output, let error): (code, output, error)
    }
  }

  @Test func theCommandLineDecidesWhatHappens() {
    #expect(end([]) == nil)
    #expect(end(["--version"])?.output == "passflow-evaluate 1.2\n")
    #expect(end(["--help"])?.output.contains("--config FILE") == true)
    #expect(end(["--print-config"])?.output.contains("  batch_max: 2048\n") == true)
    #expect(end(["--check-config"])?.output.hasSuffix("configuration is valid\n") == true)
    #expect(end(["--chek-config"])?.code == .usage)
    #expect(end(["--chek-config"])?.error.contains("did you mean --check-config?") == true)
    #expect(end(["--config", "/nowhere.yaml"])?.code == .configuration)
    #expect(end(["--config=\(StageFiles.root)/config/apply.yaml"])?.code == .configuration)
    #expect(end(["--config=\(StageFiles.root)/config/evaluate.yaml"]) == nil)
  }
}

@Suite struct CommandLineParserTests {
  private let parser = CommandLineParser(
    [
      CommandOption("config", value: "FILE", "read FILE"),
      CommandOption("rules", value: "PATH", mayRepeat: true, ""),
      CommandOption("quick", "be quick"),
    ], positionalsMax: 2)

  private func say(_ arguments: String...) -> String {
    do throws(CommandLineError) {
      let parsed = try parser.parse(arguments)
      let rules = parsed.values("rules").joined(separator: "+")
      return
        "\(parsed.value("config") ?? "-") \(rules) \(parsed.has("quick")) \(parsed.positionals.joined(separator: "+"))"
    } catch { return error.message }
  }

  @Test func optionsAreReadInBothSpellings() {
    #expect(say("--config", "a") == "a  false ")
    #expect(say("--config=a=b", "x", "--quick", "y") == "a=b  true x+y")
    #expect(say("--rules", "a", "--rules=b") == "- a+b false ")
    #expect(say("--config", "-") == "-  false ")
    #expect(say("--", "--quick", "-x") == "-  false --quick+-x")
    #expect(say("--config=") == "  false ")
  }

  @Test func mistakesAreNamed() {
    #expect(say("--confg", "a") == "unknown option: --confg, did you mean --config?")
    #expect(say("-c") == "unknown option: -c")
    #expect(say("--zebra=1") == "unknown option: --zebra")
    #expect(say("--config") == "option needs a value: --config FILE")
    #expect(say("--config", "--quick") == "option needs a value: --config FILE")
    #expect(say("--quick=1") == "option takes no value: --quick")
    #expect(say("--quick", "--quick") == "option given twice: --quick")
    #expect(say("a", "b", "c") == "unexpected argument: c")
  }

  @Test func suggestionsAreNear() {
    #expect(Suggestion.distance("kitten", "sitting") == 3)
    #expect(Suggestion.distance("ab", "ba") == 1)
    #expect(Suggestion.distance("", "abc") == 3)
    #expect(Suggestion.nearest(to: "prot", among: ["port", "host"]) == "port")
    #expect(Suggestion.nearest(to: "zebra", among: ["port", "host"]) == nil)
  }
}
