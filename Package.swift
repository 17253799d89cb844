// swift-tools-version: 6.2
import PackageDescription

// Only our own targets and Debian's C libraries: no outside Swift package (docs/design.md says why).
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  // Every lane is one thread by construction; debug builds keep the run-time check (docs/design.md).
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

func core(_ name: String, _ dependencies: [Target.Dependency] = [], linked: [LinkerSetting] = [])
  -> Target
{
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings,
    linkerSettings: linked)
}

func library(_ name: String, _ linked: [String]) -> Target {
  .target(
    name: name, path: "Sources/System/\(name)",
    linkerSettings: linked.map { .linkedLibrary($0) })
}

func tool(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency], folder: String = "micro") -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "benchmarks/\(folder)/\(name)", swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: settings)
}

let package = Package(
  name: "PassFlow",
  products: [
    .executable(name: "passflow-ingest", targets: ["passflow-ingest"]),
    .executable(name: "passflow-enrich", targets: ["passflow-enrich"]),
    .executable(name: "passflow-evaluate", targets: ["passflow-evaluate"]),
    .executable(name: "passflow-apply", targets: ["passflow-apply"]),
    .executable(name: "passflow", targets: ["passflow"]),
  ],
  targets: [
    // C libraries: module map, and a shim only for what Swift cannot call.
    library("CRdKafka", ["rdkafka"]),
    library("CSQLite", ["sqlite3"]),
    library("CMicroHTTPD", ["microhttpd"]),
    library("CSimdJSON", ["simdjson", "stdc++"]),
    library("CYAML", ["yaml"]),
    library("CSodium", ["sodium"]),
    library("CLZ4", ["lz4"]),
    library("CAllocator", []),
    library("CRE2", ["re2", "stdc++"]),
    // Our own loops over columns, with the instructions that the processor has.
    library("CRuleKernels", []),

    // Values and business meaning: no I/O, no clock.
    core("Orders"),
    core("History", ["Orders", "Topics", "CLZ4"]),
    core("Rules", ["Orders", "YAML", "CRuleKernels", "CRE2"]),

    // Drivers: one outside thing each.
    core("YAML", ["CYAML"]),
    core("Topics", ["Orders", "CSimdJSON", "CSodium"]),
    core("Kafka", ["CRdKafka"]),
    core("Store", ["CSQLite"]),
    core("HTTP", ["CMicroHTTPD"]),
    core("Shop", ["Orders", "Store"]),

    core("Files", ["Rules", "History"]),

    // Runtime and stages.
    core("Stage", ["Kafka", "HTTP", "YAML", "Store", "Topics", "CSodium", "CAllocator"]),
    core("IngestStage", ["Stage", "Orders", "Topics", "YAML", "CSodium"]),
    // Published rules: evaluate decides by them, enrich computes what they ask for.
    core("RuleVersions", ["Stage", "Topics", "Rules", "Kafka"]),
    // Imported reference data: enrich goes by them.
    core("ReferenceEditions", ["Stage", "Topics", "History", "Kafka", "Orders"]),
    core("EvaluateStage", ["RuleVersions", "Stage", "Orders", "Topics", "Rules", "Files"]),
    core(
      "EnrichStage",
      ["RuleVersions", "ReferenceEditions", "Stage", "Orders", "Topics", "History", "Rules", "Files"]),
    core("ApplyStage", ["Stage", "Orders", "Topics", "Shop"]),

    core(
      "Pipeline",
      [
        "IngestStage", "EnrichStage", "EvaluateStage", "RuleVersions", "ApplyStage", "Stage", "Rules",
        "History", "Topics",
        "Kafka", "Files",
      ]),

    // Around the rules: lint, test, explain, new, fmt.
    core(
      "RuleTools",
      [
        "Orders", "Topics", "YAML", "Rules", "History", "Files", "EnrichStage", "EvaluateStage",
        "IngestStage",
      ]),

    // Executables.
    tool("passflow-ingest", ["IngestStage"]),
    tool("passflow-enrich", ["EnrichStage", "Stage"]),
    tool("passflow-evaluate", ["EvaluateStage", "Stage"]),
    tool("passflow-apply", ["ApplyStage", "Stage"]),
    tool(
      "passflow",
      [
        "Pipeline", "RuleTools", "RuleVersions", "ReferenceEditions", "Rules", "Orders", "Stage", "Files",
        "Kafka", "Topics", "History",
        "ApplyStage",
        "EvaluateStage",
      ]),

    // Measurements of one target each; run in release.
    benchmark(
      "RulesBench", ["Rules", "Orders", "EvaluateStage", "RuleVersions", "Topics", "CAllocationCount"]),
    benchmark("HistoryBench", ["History", "Orders", "Topics"]),
    benchmark(
      "StateBench", ["BenchKit", "EnrichStage", "History", "Stage", "Store", "Topics", "Orders", "Kafka"]),

    // What benchmark targets share.
    .target(
      name: "BenchKit", dependencies: ["Kafka", "Stage"], path: "benchmarks/BenchKit", swiftSettings: settings
    ),

    // Benchmarks.
    .executableTarget(
      name: "KafkaBench", dependencies: ["Kafka"], path: "benchmarks/micro/KafkaBench",
      swiftSettings: settings),

    // The whole pipeline on a real broker beside a bare relay: benchmarks/run.sh.
    benchmark("PipelineBench", ["BenchKit", "Stage", "Kafka", "Topics", "IngestStage"], folder: "pipeline"),
    benchmark("RelayBench", ["Stage", "Kafka"], folder: "pipeline"),

    // What test targets share.
    .target(name: "TestKit", path: "Tests/TestKit", swiftSettings: settings),
    .target(
      name: "LaneTestKit", dependencies: ["Kafka", "Stage", "Store"], path: "Tests/LaneTestKit",
      swiftSettings: settings),
    tests("OrdersTests", ["TestKit", "Orders"]),
    tests("TopicsTests", ["TestKit", "Topics", "Orders"], exclude: ["Fixtures"]),
    tests("YAMLTests", ["YAML"]),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    tests("RulesTests", ["TestKit", "Rules", "CRuleKernels", "CAllocationCount"]),
    tests(
      "RuleToolsTests", ["TestKit", "RuleTools", "Rules", "Files", "History", "YAML", "Orders", "Topics"]),
    tests("HistoryTests", ["TestKit", "History", "Orders", "Topics"]),
    tests("KafkaTests", ["Kafka"]),
    tests("StoreTests", ["TestKit", "Store"]),
    tests("ShopTests", ["Shop", "Orders", "Store"]),
    tests(
      "IngestStageTests",
      ["LaneTestKit", "TestKit", "IngestStage", "Stage", "Orders", "Topics", "Kafka", "HTTP"]),
    tests(
      "ApplyStageTests",
      ["LaneTestKit", "TestKit", "ApplyStage", "Orders", "Topics", "Shop", "Kafka", "Stage", "Store"]),
    tests(
      "EnrichStageTests",
      [
        "LaneTestKit", "TestKit", "EnrichStage", "EvaluateStage", "RuleVersions", "ReferenceEditions",
        "History",
        "Kafka",
        "Orders", "Rules",
        "Stage", "Store", "Topics",
      ]),
    tests(
      "EvaluateStageTests",
      [
        "TestKit", "EvaluateStage", "RuleVersions", "ApplyStage", "Files", "History", "Kafka", "Orders",
        "Rules", "Stage",
        "Topics",
      ]),
    tests(
      "ScenarioTests",
      [
        "TestKit",
        "ApplyStage", "EnrichStage", "EvaluateStage", "RuleVersions", "Files", "History", "Orders",
        "Pipeline", "Rules",
        "Shop",
        "Topics",
      ],
      exclude: ["Fixtures"]),
    tests(
      "PipelineTests",
      [
        "LaneTestKit", "TestKit",
        "Pipeline", "Files", "EnrichStage", "EvaluateStage", "RuleVersions", "History", "IngestStage", "HTTP",
        "Kafka",
        "Orders", "Rules", "Stage", "Topics",
      ]),
    tests("HTTPTests", ["HTTP"]),
    tests("StageTests", ["TestKit", "Stage", "Kafka", "Store"]),
    tests("StageSimulationTests", ["TestKit", "Stage", "Kafka", "Store"]),
  ],
  cxxLanguageStandard: .cxx17
)
