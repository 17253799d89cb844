import Glibc
import Testing

@testable import Kafka

/// The broker to test against, from the environment.
enum RealBroker {
  static let bootstrap: String? = environment("KAFKA_BOOTSTRAP")
  static let settings = ClientSettings(bootstrap: bootstrap ?? "")
  /// The cluster script, to hurt brokers with; KAFKA_CLUSTER_DIR says which cluster.
  static let script: String? = environment("KAFKA_CLUSTER")
  static let brokers = bootstrap.map { $0.split(separator: ",").count } ?? 0
  static let canKill =
    bootstrap != nil && script != nil && environment("KAFKA_CLUSTER_DIR") != nil && brokers >= 3

  static let isLong = environment("PASSFLOW_TEST_LONG") == "1"

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  static func newTopic(_ name: String, partitions: Int = 2, properties: [String: String] = [:]) throws
    -> String
  {
    let unique = "\(name)-\(getpid())-\(monotonicMs())"
    let admin = try Admin(settings: settings)
    defer { admin.close() }
    let plan = TopicPlan(name: unique, partitions: partitions, properties: properties)
    try admin.createTopics([plan])
    #expect(try admin.createTopics([plan]) == [unique])
    #expect(try admin.partitionCount(of: unique, timeoutMs: 10_000) == partitions)
    return unique
  }

  /// `cluster COMMAND N`, waited for.
  static func cluster(_ command: String, _ broker: Int) {
    guard let script else { return }
    let words = [script, command, "\(broker)"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for one in arguments { free(one) } }
    var pid: pid_t = 0
    #expect(posix_spawn(&pid, script, nil, nil, &arguments, environ) == 0)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    #expect(status == 0, "cluster \(command) \(broker)")
  }
}
