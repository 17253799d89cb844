import TestKit
import Testing

@testable import History

/// A customer with many orders: sums over whole blocks of them agree with looking at each.
struct HistoryBlocksTests {
  private func fold(_ snapshot: SnapshotBuilder, _ folder: HistoryFolder, _ customer: CustomerHistory) throws
  {
    try snapshot.bytes.withUnsafeBytes { bytes in
      _ = try folder.fold(bytes, position: InputPosition(partition: 0, offset: 0), into: customer) { _ in }
    }
  }

  private func naive(
    _ index: Int, _ x: Contribution, _ customer: CustomerHistory, cut: Int64, bundles: Bool
  ) -> (orders: Int64, amount: Int64, partners: Int) {
    var sums: (orders: Int64, amount: Int64, partners: Int) = (0, 0, 0)
    for (other, order) in customer.orders.enumerated() where other != index {
      guard let y = (cut == .max ? order.latest : order.state(at: cut))?.contribution else { continue }
      if customer.isEarlier(other, placedAt: y.placedAt, than: index, placedAt: x.placedAt) {
        if y.flags.contains(.notCancelled) { sums.orders += 1 }
        if y.flags.contains(.paid), y.currencyCode == x.currencyCode { sums.amount += y.netAmount }
      }
      if bundles, x.bundles(with: y) { sums.partners += 1 }
    }
    return sums
  }

  /// From the fourth seed on orders come at the same instants, close together, and of the later ones one in six stays open.
  @Test(arguments: 0..<6) func agreeWithLookingAtEachOrder(seed: UInt64) throws {
    let isDense = seed >= 3
    var random = SeededGenerator(seed: seed)
    let folder = HistoryFolder(reference: .empty, demand: FactDemand())
    let customer = CustomerHistory(customer: SnapshotBuilder("x", at: 0).identity)
    var waiting: [SnapshotBuilder] = []
    for number in 0..<300 {
      let minute = Int64(
        isDense ? number / 5 : number * 30 + Int.random(in: -200...200, using: &random))
      var order = SnapshotBuilder("o\(Int.random(in: 0...99_999, using: &random))-\(number)", at: minute)
      order.items[0].price = Int64.random(in: 1...1_000_000, using: &random)
      if Int.random(in: 0..<10, using: &random) == 0 { order.payment = 1 }
      if seed % 2 == 1, number % 97 == 0 { order.currency = "USD" }
      try fold(order, folder, customer)
      if isDense, number > 130, Int.random(in: 0..<6, using: &random) == 0 { continue }
      waiting.append(order)
      while waiting.count > 12 {
        let old = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &random))
        let isLate = Int.random(in: 0..<30, using: &random) == 0
        let at = (isLate ? Int64(number * 15) : minute) + 1
        try fold(
          Int.random(in: 0..<8, using: &random) == 0
            ? old.cancelled(at, version: 2) : old.shipped(at, version: 2),
          folder, customer)
      }
    }
    #expect(customer.orders.count == 300)
    for (index, order) in customer.orders.enumerated() {
      let x = try #require(order.decided).contribution
      let bundles = !order.isFirstSeenClosed
      folder.computeHistory(of: x, index, in: customer, cut: order.cut, bundles: bundles)
      let expected = naive(index, x, customer, cut: order.cut, bundles: bundles)
      #expect(folder.history.orders == expected.orders, "seed \(seed), order \(index)")
      #expect(folder.history.amount == expected.amount, "seed \(seed), order \(index)")
      #expect(folder.history.partners.count == expected.partners, "seed \(seed), order \(index)")
    }
    #expect(customer.blocks.blocks.contains { !$0.hasOpen && $0.orders > 0 })
  }

  @Test func restoredFromItsRecordsItSumsTheSame() throws {
    let folder = HistoryFolder(reference: .empty, demand: FactDemand())
    let identity = SnapshotBuilder("x", at: 0).identity
    let customer = CustomerHistory(customer: identity)
    for number in 0..<300 {
      let order = SnapshotBuilder("o\(number)", at: Int64(number) * 100)
      try fold(order, folder, customer)
      try fold(order.shipped(Int64(number) * 100 + 50, version: 2), folder, customer)
    }
    var records: [(key: [UInt8], value: [UInt8])] = []
    customer.changedRecords { records.append(([UInt8]($0), [UInt8]($1))) }
    #expect(records.count == 300)
    #expect(!customer.hasChanges)
    let restored = try CustomerHistory(customer: identity, records: records)
    let last = try #require(restored.orders.indices.last)
    let x = try #require(restored.orders[last].decided).contribution
    folder.computeHistory(of: x, last, in: restored, cut: restored.orders[last].cut, bundles: true)
    #expect(folder.history.orders == 299)
    #expect(folder.history.amount == 299 * 10_000)
  }
}
