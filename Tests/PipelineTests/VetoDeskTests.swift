import Files
import Kafka
import LaneTestKit
import Orders
import Stage
import Testing
import Topics

@testable import Pipeline

/// Listing vetoes, and the act that lifts one, on an embedded broker.
@Suite(.serialized) struct VetoDeskTests {
  private func ledger(_ vetoes: [(String, [String])]) -> [UInt8] {
    var value = AppliedLedgerValue()
    value.position = Position(epoch: 0, partition: 0, offset: 7, n: 0)
    value.vetoes = vetoes.map { label, rules in
      var veto = LabelVetoValue()
      (veto.label, veto.rules) = (label, rules)
      return veto
    }
    return value.protobuf
  }

  private func key(_ order: OrderIdentity) -> [UInt8] {
    Array("\(order.mallId)\u{0}\(order.shopNo)\u{0}\(order.orderId)".utf8)
  }

  private func send(_ access: BrokerAccess, _ topic: String, _ records: [(OrderIdentity, [UInt8])]) throws {
    let producer = try access.producer()
    defer { producer.close(timeoutMs: 1_000) }
    let handle = try access.topic(topic, of: producer, readBy: nil)
    for (order, value) in records {
      let partition = Array(order.mallId.utf8).withUnsafeBytes {
        Partitioner.partition(forKey: $0, count: handle.partitionCount)
      }
      _ = try key(order).withUnsafeBytes { key in
        try value.withUnsafeBytes {
          try producer.send(topic: handle, partition: partition, key: key, value: $0)
        }
      }
    }
    #expect(producer.waitAcknowledged(through: producer.lastSequence, timeoutMs: 20_000))
  }

  @Test func vetoesAreListedAndTheActIsWrittenWhereItsDecisionsAre() throws {
    let broker = try EmbeddedBroker(topics: [("decisions", 3), ("apply.ledger", 3)])
    defer { broker.close() }
    let access = BrokerAccess(
      client: ClientSettings(bootstrap: broker.bootstrap, clientId: "test"), isEmbedded: true)
    let order = OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "o1")
    let other = OrderIdentity(mallId: "m2", shopNo: 2, orderId: "o2")
    let lifted = OrderIdentity(mallId: "m2", shopNo: 2, orderId: "o3")
    try send(
      access, "apply.ledger",
      [
        (order, ledger([("OLD", ["R"])])), (order, ledger([("A", ["R", "S"]), ("B", ["R"])])),
        (other, ledger([("C", ["T"])])), (lifted, ledger([("C", ["T"])])), (lifted, ledger([])),
      ])
    let desk = VetoDesk(access)
    // The newest record of an order counts.
    #expect(try desk.list().map { "\($0.order.orderId) \($0.veto.label)" } == ["o1 A", "o1 B", "o2 C"])
    #expect(try desk.list(mall: "m2").map(\.veto.rules) == [["T"]])
    #expect(try desk.list(mall: "demomall", order: "o2").isEmpty)

    var lift = VetoLiftValue()
    (lift.label, lift.rule, lift.by, lift.note) = ("A", "S", "lee", "called")
    let partition = try desk.lift(lift, of: order)
    let written = try access.records("decisions", partitions: 3)
    #expect(written.count == 1 && written[0].key == Array("demomall".utf8))
    let record = try #require(written.first?.value.flatMap { DecisionValue(protobuf: $0) })
    #expect(record.vetoLift == lift && record.orderId == "o1" && record.position.offset == -1)
    let expected = Array("demomall".utf8).withUnsafeBytes { Partitioner.partition(forKey: $0, count: 3) }
    #expect(partition == expected)

    // What is not vetoed, by that rule, or not known at all, is told and not written.
    func message(_ order: OrderIdentity, _ label: String, _ rule: String = "") -> String {
      var act = lift
      (act.label, act.rule) = (label, rule)
      do { _ = try desk.lift(act, of: order) } catch { return "\(error)" }
      return "written"
    }
    #expect(message(order, "X").contains("there are vetoes on A, B"))
    #expect(message(order, "B", "S").contains("no veto on B of rule S"))
    #expect(message(lifted, "C").contains("no veto on C"))
    #expect(message(OrderIdentity(mallId: "m2", shopNo: 1, orderId: "o2"), "C").contains("knows of no order"))
    #expect(try access.records("decisions", partitions: 3).count == 1)
  }

  @Test func aNoteNamesNobody() {
    #expect(VetoDesk.problem(ofNote: "고객과 통화함, 3개 재입고") == nil)
    for note in [
      "", String(repeating: "x", count: 201), "a\nb", "kim@example.com", "010-1234-5678", "01012345678",
    ] { #expect(VetoDesk.problem(ofNote: note) != nil, "\(note)") }
  }
}
