import Foundation
import Testing

@testable import Topics

@Suite struct Cafe24WebhookTests {
  private let reader = Cafe24WebhookReader()

  private func read(_ text: String) throws -> Cafe24Webhook {
    try Array(text.utf8).withUnsafeBytes { try reader.read($0).get() }
  }

  private func samples() throws -> [String: Any] {
    let url = TopicFiles.tests.appendingPathComponent("Fixtures/cafe24-webhooks.json")
    let file = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
    return try #require(file?["events"] as? [String: Any])
  }

  private func sample(_ event: String) throws -> Cafe24Webhook {
    let body = try JSONSerialization.data(withJSONObject: try #require(try samples()[event]))
    return try [UInt8](body).withUnsafeBytes { try reader.read($0).get() }
  }

  @Test func everyDocumentedSampleIsReadAndKnownAsSample() throws {
    for event in try samples().keys {
      let webhook = try sample(event)
      #expect(webhook.eventNo == Int64(event))
      #expect(webhook.isTestSample)
      #expect(webhook.shopNo == 1)
    }
    #expect(try sample("90023").orderIds == ["20200717-0029236"])
    #expect(try sample("90025").eventCode == "paid_order")
    #expect(try sample("90071").orderIds.count == 5)
    #expect(try sample("90072").orderIds == ["20200713-0000039", "20200708-0000080"])
    #expect(try sample("90150").orderIds == [])
    #expect(try sample("90160").claimCode == "C20230329-0001215")
  }

  @Test func theTrapsOfTheFormatAreRead() throws {
    let bare = try read(#"{"event_no":"90154","mall_id":"m","event_shop_no":2}"#)
    #expect(bare.eventNo == 90154 && bare.shopNo == 2 && bare.orderIds == [] && !bare.isTestSample)
    let list = try read(
      #"{"event_no":90071,"resource":{"mall_id":"m","event_shop_no":"","order_id":" a-1, b-2,,a-1 "}}"#)
    #expect(list.shopNo == 1 && list.orderIds == ["a-1", "b-2"])
  }

  @Test func aDeliveryIsKnownByItsTraceElseByItsBody() throws {
    let one = try read(#"{"event_no":90023,"resource":{"mall_id":"m","order_id":"a"}}"#)
    let two = try read(#"{"event_no":90023,"resource":{"mall_id":"m","order_id":"b"}}"#)
    #expect(one.deduplicationKey(trace: "t") == two.deduplicationKey(trace: "t"))
    #expect(one.deduplicationKey(trace: nil) != two.deduplicationKey(trace: ""))
  }

  @Test(arguments: [
    "", "[]", "CANARY7493", #"{"resource":{"mall_id":"m"}}"#,
    #"{"event_no":"CANARY7493","resource":{"mall_id":"m"}}"#,
    #"{"event_no":1,"resource":"CANARY7493"}"#, #"{"event_no":1,"resource":{"mall_id":""}}"#,
    #"{"event_no":1,"resource":{"mall_id":"m","order_id":7493}}"#,
    #"{"event_no":1,"resource":{"mall_id":"m","order_id":"a\u0000CANARY7493"}}"#,
  ]) func aBadWebhookIsRefusedWithoutItsValue(_ text: String) throws {
    let refusal = #expect(throws: Cafe24WebhookRefusal.self) { try read(text) }
    #expect(refusal?.problems.isEmpty == false)
    #expect("\(String(describing: refusal))".contains("7493") == false)
  }
}
