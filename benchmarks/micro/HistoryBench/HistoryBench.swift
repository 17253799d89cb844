import Glibc
import History
import Orders
import Topics

/// What one event costs in the history of one customer, without and with measures of earlier orders:
/// `swift run -c release HistoryBench`.
@main enum HistoryBench {
  private static let hour: Int64 = 3_600_000_000

  private static let demands: [(name: String, demand: FactDemand)] = {
    let windows: [HistoryAggregate.Window] = [.span(24 * hour), .span(720 * hour), .months(3), .all]
    let counts = windows.flatMap { window in
      [HistoryAggregate.Measure.orders, .amount, .cancels].map { HistoryAggregate($0, window) }
    }
    func bought(_ codes: Int) -> [HistoryAggregate] {
      (0..<codes).flatMap { code in
        [HistoryAggregate.Measure.bought, .boughtQuantity].map {
          HistoryAggregate($0, .months(3), code: Array("SKU-\(code)".utf8))
        }
      }
    }
    let kinds = [HistoryAggregate.Measure.products, .skus, .quantity].map { HistoryAggregate($0, .all) }
    return [
      ("nothing asked for", FactDemand()), ("12 counts and sums", FactDemand(aggregates: counts)),
      ("of 2 products", FactDemand(aggregates: bought(2))),
      ("kinds and pieces", FactDemand(aggregates: kinds)),
      ("256 measures", FactDemand(aggregates: counts + kinds + bought(120) + [.init(.lastOrderAt)])),
    ]
  }()

  static func main() {
    print("one more order of a customer whose others have left, two lines each; CPU time, median of 5 rounds")
    for orders in [10, 100, 1_000, 5_000] {
      for (name, demand) in demands {
        let figure = measured(orders: orders, demand)
        print("\(pad(String(orders), 6)) orders  \(pad(name, 20)) \(pad(tenths(figure), 9)) µs an event")
      }
    }
  }

  /// ns.
  private static func measured(orders: Int, _ demand: FactDemand) -> Int64 {
    let folder = HistoryFolder(reference: .empty, demand: demand)
    guard let summary = try? snapshot(0, version: 1).withUnsafeBytes({ try SnapshotSummary($0) }) else {
      return 0
    }
    let customer = CustomerHistory(
      customer: snapshot(0, version: 1).withUnsafeBytes { summary.customer(in: $0) })
    for order in 0..<orders { fold(snapshot(order, version: 1, status: "N30"), folder, customer) }
    let events = max(20, 100_000 / orders)
    var version: Int64 = 0
    let rounds = (0..<5).map { _ in
      let inputs = (0..<events).map { _ in
        version += 1
        return snapshot(orders, version: version)
      }
      // Versions of one order: the oldest go beyond 256, as in service.
      let start = cpuNs()
      for input in inputs { fold(input, folder, customer) }
      return (cpuNs() - start) / Int64(events)
    }
    return rounds.sorted()[2]
  }

  private static func fold(_ bytes: [UInt8], _ folder: HistoryFolder, _ customer: CustomerHistory) {
    bytes.withUnsafeBytes {
      _ = try? folder.fold($0, position: InputPosition(partition: 0, offset: 0), into: customer) { _ in }
    }
  }

  /// Orders an hour apart, the SKUs of two lines among 200.
  private static func snapshot(_ order: Int, version: Int64, status: String = "N10") -> [UInt8] {
    var snapshot = OrderSnapshotValue()
    snapshot.mallId = "demomall"
    snapshot.shopNo = 1
    snapshot.orderId = "20261010-\(order)"
    var customer = CustomerKeyValue()
    (customer.kind, customer.digest) = (.member, [UInt8](repeating: 9, count: 16))
    snapshot.customer = customer
    snapshot.placedAt = Instant(microseconds: 1_791_592_200_000_000 + Int64(order) * hour)
    snapshot.eventTime = Instant(microseconds: snapshot.placedAt.microseconds + version)
    snapshot.version = version
    snapshot.currency = "KRW"
    snapshot.paymentStatus = .paid
    snapshot.items = (0..<2).map { line in
      var item = ItemValue()
      item.itemCode = "\(order)-\(line)"
      item.sku = "SKU-\((order * 7 + line * 31) % 200)"
      item.productCode = "P-\((order * 7 + line * 31) % 50)"
      item.quantity = 1
      item.unitPrice = 10_000 + version % 2
      item.status = status
      return item
    }
    return snapshot.protobuf
  }

  private static func cpuNs() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private static func tenths(_ ns: Int64) -> String { "\(ns / 1_000).\(ns % 1_000 / 100)" }
  private static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }
}
