import Foundation
import Testing

@testable import Topics

@Suite(.enabled(if: TopicFiles.hasProtoc, "protoc is not installed")) struct ProtocTests {
  @Test(arguments: [
    "order", "enriched", "decision", "action", "dead_letter", "applied_ledger", "told_crossings",
    "order_context",
    "order_profile", "order_merge", "order_moved", "profile_ledger",
    "context_beacon", "context_pointer", "context_join",
    "rule_version", "rule_activation", "rule_switch", "rule_demand", "order_demand", "veto_lift",
    "order_reference", "reference_chunk", "reference_edition", "reference_activation",
  ]) func eachSampleIsTheSameToProtocAndToUs(_ name: String) throws {
    let url = TopicFiles.topics.appendingPathComponent("samples/\(name).txtpb")
    let text = try TopicFiles.bytes(url)
    let line = String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self)
    let message = String(line.dropFirst("# proto-message: ".count))
    let theirs = try TopicFiles.protoc("encode", message, text)
    let ours = try #require(recoded(message, theirs))
    #expect(ours == theirs)
    #expect(
      try TopicFiles.protoc("decode", message, ours) == TopicFiles.protoc("decode", message, theirs))
  }

  @Test func whatTheReaderWritesIsCanonicalToProtoc() throws {
    let event = try TopicFiles.bytes(TopicFiles.topics.appendingPathComponent("samples/order-event.json"))
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    var writer = ProtobufWriter()
    let isAccepted = event.withUnsafeBytes {
      if case .accepted = reader.read($0, into: &writer) { true } else { false }
    }
    #expect(isAccepted)
    let message = "passflow.order.v1.OrderSnapshot"
    let text = try TopicFiles.protoc("decode", message, writer.bytes)
    #expect(try TopicFiles.protoc("encode", message, text) == writer.bytes)
    #expect(recoded(message, writer.bytes) == writer.bytes)
    for secret in ["김하나", "kim01", "010-0000-0000", "a@example", "첨단로", "101호", "귤"] {
      #expect(!String(decoding: writer.bytes, as: UTF8.self).contains(secret))
    }
  }

  private func recoded(_ message: String, _ bytes: [UInt8]) -> [UInt8]? {
    switch message {
    case "passflow.order.v1.OrderSnapshot": OrderSnapshotValue(protobuf: bytes)?.protobuf
    case "passflow.enriched.v1.EnrichedOrder": EnrichedOrderValue(protobuf: bytes)?.protobuf
    case "passflow.decision.v1.Decision": DecisionValue(protobuf: bytes)?.protobuf
    case "passflow.action.v1.Action": ActionValue(protobuf: bytes)?.protobuf
    case "passflow.deadletter.v1.DeadLetter": DeadLetterValue(protobuf: bytes)?.protobuf
    case "passflow.context.v1.OrderContext": OrderContextValue(protobuf: bytes)?.protobuf
    case "passflow.context.v1.ContextJoin": ContextJoinValue(protobuf: bytes)?.protobuf
    case "passflow.ledger.v1.AppliedLedger": AppliedLedgerValue(protobuf: bytes)?.protobuf
    case "passflow.ledger.v1.ToldCrossings": ToldCrossingsValue(protobuf: bytes)?.protobuf
    case "passflow.ledger.v1.ProfileLedger": ProfileLedgerValue(protobuf: bytes)?.protobuf
    case "passflow.rules.v1.RuleVersion": RuleVersionValue(protobuf: bytes)?.protobuf
    case "passflow.rules.v1.RuleActivation": RuleActivationValue(protobuf: bytes)?.protobuf
    case "passflow.reference.v1.ReferenceChunk": ReferenceChunkValue(protobuf: bytes)?.protobuf
    case "passflow.reference.v1.ReferenceEdition": ReferenceEditionValue(protobuf: bytes)?.protobuf
    case "passflow.reference.v1.ReferenceActivation": ReferenceActivationValue(protobuf: bytes)?.protobuf
    case "passflow.rules.v1.RuleSwitch": RuleSwitchValue(protobuf: bytes)?.protobuf
    default: nil
    }
  }
}

@Suite struct TopicContractTests {
  private let topics = [
    "actions", "apply.ledger", "decisions", "enrich.history", "ingest.context", "order.context", "orders",
    "orders.dlq",
    "orders.enriched", "reference", "rules", "rules.demands", "rules.switches", "webhooks",
  ]

  @Test func eachTopicHasItsContractWithEveryEntry() throws {
    #expect(try TopicFiles.names(TopicFiles.topics, ending: ".yaml") == topics.map { $0 + ".yaml" }.sorted())
    for topic in topics {
      let url = TopicFiles.topics.appendingPathComponent(topic + ".yaml")
      let text = String(decoding: try TopicFiles.bytes(url), as: UTF8.self)
      #expect(text.hasPrefix("topic: \(topic)\n"))
      for entry in [
        "purpose", "key", "value", "schema", "sample", "partitions", "cleanup_policy", "retention_ms",
        "compression",
        "max_message_bytes", "writers", "readers", "personal_data",
      ] { #expect(text.contains("\n\(entry): "), "\(topic) lacks \(entry)") }
    }
  }
}
