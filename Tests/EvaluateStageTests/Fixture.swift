import EvaluateStage
import Glibc
import Orders
import Rules
import TestKit
import Topics

/// Enriched records for the decider.
enum Fixture {
  static let rules = """
    rules:
      - {id: high, if: amount.items >= 100000, then: {labels: [HIGH]}}
      - {id: a-high, if: amount.items >= 120000, then: {labels: [HIGH]}}
      - {id: new, if: history.orders == 0, then: {labels: [NEW]}, on_cancel: keep}
      - {id: island, if: '"제주" in zones', then: {labels: [ISLAND]}}
      - id: bundle
        if: bundle.partners >= 1
        then: {labels: [BUNDLE], gift: true, alert: {channel: default, text: 함께}}
      - {id: wait, if: 'amount.items >= 100 && "제주" in zones && history.orders == 0', then: {labels: [WAIT]}}
    """
  static let noon = Instant(rfc3339: "2026-10-13T12:00:00+09:00") ?? Instant(microseconds: 0)

  static func record(_ order: String, amount: Int64 = 120_000) -> EnrichedOrderValue {
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = "demomall"
    snapshot.shopNo = 1
    snapshot.orderId = order
    snapshot.event = "order.placed"
    snapshot.eventTime = noon
    snapshot.version = 1
    snapshot.placedAt = noon
    snapshot.currency = "KRW"
    snapshot.paymentStatus = .paid
    snapshot.items = (1...2).map { number in
      var item = ItemValue()
      item.itemCode = "\(order)-\(number)"
      item.sku = "S\(number)"
      item.quantity = 1
      item.unitPrice = 60_000
      item.status = "N10"
      return item
    }
    var facts = FactsValue()
    facts.amountItems = amount
    facts.historyKnown = true
    facts.zones = ["none"]
    var record = EnrichedOrderValue()
    record.snapshot = snapshot
    record.facts = facts
    record.latestVersion = 1
    record.own = true
    return record
  }

  /// Of the item at this place, with a safety stock of 5.
  static func stock(_ item: Int32, _ after: Int64, armedAt: Instant = noon) -> StockLevelValue {
    var level = StockLevelValue()
    (level.itemIndex, level.after, level.safety, level.armedAt) = (item, after, 5, armedAt.microseconds)
    return level
  }

  static func random(_ number: Int, _ generator: inout SeededGenerator) -> EnrichedOrderValue {
    var record = record("order-\(number)", amount: .random(in: 0...300_000, using: &generator))
    record.facts?.historyKnown = .random(using: &generator)
    record.facts?.historyOrders = .random(in: 0...2, using: &generator)
    let zones = [["none"], ["제주"], []].randomElement(using: &generator) ?? []
    record.facts?.zones = zones
    record.facts?.zoneMissing = zones.isEmpty
    record.facts?.bundlePartners = .random(in: 0...1, using: &generator)
    record.snapshot?.items[0].status = ["N10", "C40", "R40", "?"].randomElement(using: &generator) ?? ""
    if Bool.random(using: &generator) {
      record.lateSnapshot = record.snapshot
      record.lateFacts = record.facts
      record.lateFacts?.zones = ["제주"]
    }
    return record
  }
}

extension Decider {
  static func of(_ rules: String) throws -> Decider {
    Decider(plan: try Plan([RuleSet.load(files: [("rules.yaml", rules)])]))
  }

  var ruleIds: [String] { plan.ruleSets.first?.rules.map(\.id) ?? [] }

  func outcomes(_ decision: DecisionValue) -> [String: RuleOutcome] {
    Dictionary(
      uniqueKeysWithValues: zip(ruleIds, decision.outcomes).map { ($0, RuleOutcome(rawValue: $1) ?? .false) })
  }

  func bytes(of records: [EnrichedOrderValue]) -> [[UInt8]] { bytes(of: records.map(\.protobuf)) }
  func bytes(of records: [[UInt8]]) -> [[UInt8]] { indexed(records).map(\.bytes) }

  func decisions(of records: [EnrichedOrderValue]) throws -> [DecisionValue] {
    bytes(of: records).compactMap { $0.withUnsafeBytes { DecisionValue(protobuf: $0) } }
  }

  /// As the stage does it: decide whenever the batch is full.
  func indexed(_ records: [[UInt8]]) -> [(input: Int, bytes: [UInt8])] {
    var decided: [(input: Int, bytes: [UInt8])] = []
    // The decider borrows until it has decided: the bytes stay in one place of their own.
    let arena = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(records.reduce(0) { $0 + $1.count }, 1), alignment: 16)
    defer { arena.deallocate() }
    var end = 0
    for (index, record) in records.enumerated() {
      if isFull { decide { decided.append(($0.input, [UInt8]($0.bytes))) } }
      let place = UnsafeMutableRawBufferPointer(rebasing: arena[end..<end + record.count])
      place.copyBytes(from: record)
      end += record.count
      _ = add(UnsafeRawBufferPointer(place), input: index)
    }
    decide { decided.append(($0.input, [UInt8]($0.bytes))) }
    return decided
  }
}
