import TestKit
import Testing
import Topics

@testable import History

struct SnapshotDeltaTests {
  private func roundTrip(_ old: [UInt8], _ new: [UInt8]) -> (bytes: [UInt8]?, count: Int)? {
    old.withUnsafeBytes { old in
      new.withUnsafeBytes { new in
        var scratch = ProtobufWriter()
        guard SnapshotDelta.program(from: old, to: new, into: &scratch) else { return nil }
        return scratch.withUnsafeBytes {
          (SnapshotDelta.apply($0, to: old, bytesMax: 1 << 20), $0.count)
        }
      }
    }
  }

  @Test(arguments: 0..<200) func whatIsWrittenAsADifferenceIsReadBack(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var state = SnapshotBuilder("order-\(seed)", at: 0)
    state.items = (0..<Int.random(in: 1...4, using: &random)).map { .init(code: "i\($0)", product: "P\($0)") }
    var before = state.bytes
    for version in 2...8 {
      state.version = Int64(version)
      state.eventTime += Int64.random(in: 1...1_000_000_000_000, using: &random)
      switch Int.random(in: 0...6, using: &random) {
      case 0: for index in state.items.indices { state.items[index].status = "N30" }
      case 1: state.items[0].tracking.toggle()
      case 2: state.items.append(.init(code: "n\(version)"))
      case 3: if state.items.count > 1 { state.items.removeFirst() }
      case 4: state.receivers[0].zip = "\(Int.random(in: 1...99_999, using: &random))"
      case 5: state.claims.append(.init(completedAt: state.eventTime, items: [("i0", 1)]))
      default: state.paidAt = state.paidAt == nil ? state.eventTime : nil
      }
      let after = state.bytes
      let found = roundTrip(before, after)
      #expect(found?.bytes == after)
      #expect((found?.count ?? .max) < after.count / 2)
      before = after
    }
  }

  @Test func statusChangesOfThreeLinesTakeFewBytes() {
    let placed = SnapshotBuilder("20261001-0000001", at: 0).with {
      $0.items = (0..<3).map { .init(code: "20261001-0000001-0\($0)", product: "P000000\($0)") }
    }
    let shipped = placed.shipped(600, version: 2)
    #expect((roundTrip(placed.bytes, shipped.bytes)?.count ?? .max) <= 60)
  }

  @Test func anyBytesAsProgramEndWithoutACrash() {
    let old = SnapshotBuilder("a", at: 0).bytes
    for seed in 0..<2_000 {
      var random = SeededGenerator(seed: UInt64(seed))
      let program = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      let made = program.withUnsafeBytes { program in
        old.withUnsafeBytes { SnapshotDelta.apply(program, to: $0, bytesMax: 4_096) }
      }
      #expect((made?.count ?? 0) <= 4_096 + old.count)
    }
  }

  @Test func aRecordOfManyStatesIsReadBackAndMuchSmallerThanThey() throws {
    let folder = HistoryFolder(reference: .empty, demand: FactDemand())
    let first = SnapshotBuilder("A", at: 0)
    let customer = CustomerHistory(customer: first.identity)
    var sum = 0
    for version in 1...6 {
      let snapshot = first.later(Int64(version), version: Int64(version)) {
        if version > 3 { $0.items[0].status = "N30" }
      }
      sum += snapshot.bytes.count
      try snapshot.bytes.withUnsafeBytes { bytes in
        _ = try folder.fold(bytes, position: InputPosition(partition: 0, offset: 0), into: customer) { _ in }
      }
    }
    var records: [(key: [UInt8], value: [UInt8])] = []
    customer.changedRecords { records.append(([UInt8]($0), [UInt8]($1))) }
    #expect(records.count == 1)
    #expect(records[0].value.count < sum / 2)
    let restored = try CustomerHistory(customer: first.identity, records: records)
    #expect(restored.orders[0].snapshots.map(\.bytes) == customer.orders[0].snapshots.map(\.bytes))
    #expect(restored.orders[0].snapshots.map(\.zones) == customer.orders[0].snapshots.map(\.zones))
    #expect(restored.orders[0].cut == customer.orders[0].cut)
  }

  @Test func aDifferenceWithoutAStateBeforeIsRefused() {
    var writer = ProtobufWriter()
    writer.message(1) { $0.bytes(6, [0, 1, 1, 0]) }
    let order = FoldedOrder(shopNo: 1, orderId: [65])
    #expect(throws: HistoryError.malformedRecord) {
      try order.restore(writer.bytes)
    }
  }
}
