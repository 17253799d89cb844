import Files
import Glibc
import TestKit
import Testing

@testable import Pipeline

/// `passflow run` over orders that see a SKU run low.
@Suite(.serialized)
struct StockTrialTests {
  private static func line(_ order: Int, at time: String, quantity: Int) -> String {
    """
    {"schema":"passflow.order/1","mall_id":"demomall","shop_no":1,"order_id":"o\(order)","event":"order.placed",\
    "event_time":"\(time)","version":1,"placed_at":"\(time)","paid_at":null,"currency":"KRW",\
    "payment":{"methods":["card"],"status":"paid"},"gift":{"is_gift":false,"address_state":"entered"},\
    "buyer":{"member_id":"kim\(order)"},"receivers":[],"items":[{"item_code":"o\(order)-1","product_code":"P1",\
    "sku":"S1","quantity":\(quantity),"unit_price":"20000","option_price":"0","status":"N10","is_gift_item":false,\
    "kind":"parcel","receiver_no":1,"tracking_no":null}]}
    """
  }

  /// Level 6, 5, 6 (not high enough), 50, 4; safety stock 5.
  private static let stock = """
    sku,quantity,safety,as_of
    S1,60,5,2026-10-01T08:00:00+09:00
    S1,6,5,2026-10-01T09:00:00+09:00
    S1,5,5,2026-10-01T10:00:00+09:00
    S1,6,5,2026-10-01T11:00:00+09:00
    S1,50,5,2026-10-01T12:00:00+09:00
    S1,4,5,2026-10-01T13:00:00+09:00

    """

  /// Forty customers in each hour, whatever the order of the lines: two crossings, two messages, and the label on every
  /// order that leaves too little.
  @Test func ordersOfManyCustomersTellEachDownwardCrossingOnce() throws {
    let folder = "/tmp/passflow-stock-trial-\(getpid())"
    try Files.makeDirectory(folder + "/ref")
    defer {
      for name in ["ref", "out0", "out1", "out2"] { Files.removeDirectory(folder + "/" + name) }
      Files.removeDirectory(folder)
    }
    try Files.write(Array(Self.stock.utf8), to: folder + "/ref/stock.csv")
    var random = SeededGenerator.announced("stock trial", seed: 20_261_124)
    let lines = (0..<240).map { order in
      Self.line(
        order, at: "2026-10-01T\(order / 40 + 8 < 10 ? "0" : "")\(order / 40 + 8):30:00+09:00", quantity: 1)
    }
    var labels: [String] = []
    for round in 0..<3 {
      let ordered = round == 0 ? lines : lines.shuffled(using: &random)
      try Files.write(Array(ordered.joined(separator: "\n").utf8), to: folder + "/orders.ndjson")
      var settings = TrialRunSettings(orders: folder + "/orders.ndjson", out: "\(folder)/out\(round)")
      settings.rules = [
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
          + "/config/templates/STOCK_ALERT.yaml"
      ]
      settings.reference = folder + "/ref"
      settings.showsProgress = false
      settings.partitions = 2
      _ = try TrialRun(settings).run()
      func text(_ name: String) -> String {
        String(decoding: Files.read("\(folder)/out\(round)/\(name)") ?? [], as: UTF8.self)
      }
      let told = text("actions.ndjson").split(separator: "\n").filter { $0.contains("stock_alert.sent") }
      #expect(told.count == 2)
      #expect(told.count { $0.contains("S1@2026-10-01T08:00:00+09:00") } == 1)
      #expect(told.count { $0.contains("S1@2026-10-01T12:00:00+09:00") } == 1)
      labels.append(text("labels.csv"))
      // Left over: 59, 5, 4, 5, 49, 3.
      #expect(labels[round].split(separator: "\n").count == 1 + 160)
    }
    #expect(labels[1] == labels[0] && labels[2] == labels[0])
  }
}
