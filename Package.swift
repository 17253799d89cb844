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

    // Values and business meaning: no I/O, no clock.
    core("Orders"),
    core("History", ["Orders", "Topics"]),
    core("Rules", ["Orders", "YAML"]),

    // Drivers: one outside thing each.
    core("YAML", ["CYAML"]),
    core("Topics", ["Orders", "CSimdJSON", "CSodium"]),
    core("Kafka", ["CRdKafka"]),
    core("Store", ["CSQLite"]),
    core("HTTP", ["CMicroHTTPD"]),
    core("Shop", ["Orders", "Store"]),

    // Runtime and stages.
    core("Stage", ["Kafka", "HTTP", "YAML", "Store", "CSodium"]),
    core("IngestStage", ["Stage", "Orders", "Topics", "CSodium"]),
    core("EnrichStage", ["Stage", "Orders", "Topics", "History", "Rules"]),
    core("EvaluateStage", ["Stage", "Orders", "Topics", "Rules"]),
    core("ApplyStage", ["Stage", "Orders", "Topics", "Shop"]),

    core(
      "Pipeline",
      [
        "IngestStage", "EnrichStage", "EvaluateStage", "ApplyStage", "Stage", "Rules", "History", "Topics",
        "Kafka",
      ]),

    // Executables.
    tool("passflow-ingest", ["IngestStage"]),
    tool("passflow-enrich", ["EnrichStage"]),
    tool("passflow-evaluate", ["EvaluateStage"]),
    tool("passflow-apply", ["ApplyStage"]),
    tool("passflow", ["Pipeline", "Stage"]),

    // Benchmarks.
    .executableTarget(
      name: "KafkaBench", dependencies: ["Kafka"], path: "benchmarks/micro/KafkaBench", swiftSettings: settings),

    tests("OrdersTests", ["Orders"]),
    tests("TopicsTests", ["Topics", "Orders"], exclude: ["Fixtures"]),
    tests("YAMLTests", ["YAML"]),
    tests("RulesTests", ["Rules"]),
    tests("HistoryTests", ["History", "Orders", "Topics"]),
    tests("KafkaTests", ["Kafka"]),
    tests("StoreTests", ["Store"]),
    tests("ShopTests", ["Shop", "Orders", "Store"]),
    tests("ApplyStageTests", ["ApplyStage", "Orders", "Topics", "Shop"]),
    tests("HTTPTests", ["HTTP"]),
    tests("StageTests", ["Stage"]),
  ],
  cxxLanguageStandard: .cxx17
)
