import Foundation
import Orders
import Testing

@testable import Topics

@Suite struct JSONLineTests {
  private func object(_ json: JSONWriter) throws -> [String: Any] {
    #expect(json.bytes.last == 0x0A && json.bytes.dropLast().allSatisfy { $0 != 0x0A })
    return try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
  }

  @Test func everyTextSurvivesItsEscapes() throws {
    var text = "\u{2028}\u{2029}/\u{7F}한글😀\"\\ \u{2020}"
    for unit in 0..<32 { text += String(UnicodeScalar(UInt8(unit))) }
    var json = JSONWriter()
    json.beginObject()
    json.name("text")
    json.string(text)
    json.endObject()
    json.endLine()
    #expect(try object(json)["text"] as? String == text)
    #expect(!String(decoding: json.bytes, as: UTF8.self).unicodeScalars.contains("\u{2028}"))
  }

  @Test func aContextShowsItsOrderAndNotTheAddress() throws {
    var context = ContextEventValue()
    context.mallId = "m"
    context.orderId = "o"
    context.ip = "203.0.113.7"
    let snapshot = try #require(OrderSnapshotValue(protobuf: context.ordersValue))
    #expect(snapshot.protobuf == context.ordersValue)
    var json = JSONWriter()
    snapshot.writeJSON(into: &json)
    let line = try object(json)
    #expect((line["context"] as? [String: Any])?["order_id"] as? String == "o")
    #expect(!String(decoding: json.bytes, as: UTF8.self).contains("203.0"))
  }

  @Test func aDecisionShowsWhatEachRuleSaidAndWhy() throws {
    var decision = DecisionValue()
    decision.mallId = "m"
    decision.orderId = "o"
    decision.currency = "USD"
    decision.outcomes = [1, 0, 2, 2]
    decision.terms = [0, 2, 1]
    var label = DesiredLabelValue()
    label.label = "VIP"
    label.itemCodes = ["a", "b"]
    decision.labels = [label]
    var facts = FactsDigestValue()
    facts.amountItems = 1250
    decision.facts = facts
    var json = JSONWriter()
    decision.writeJSON(
      into: &json, ruleIds: ["one", "two", "three"], termTexts: [["x"], ["a > 1", "b == 2"], ["ip.foreign"]])
    let line = try object(json)
    let rules = try #require(line["rules"] as? [String: Any])
    #expect(rules["one"] as? String == "true")
    #expect(rules["two"] as? [String: String] == ["false": "b == 2"])
    #expect(rules["three"] as? [String: String] == ["unknown": "ip.foreign"])
    #expect(rules["3"] as? String == "unknown")
    #expect((line["facts"] as? [String: Any])?["amount.items"] as? String == "12.50")
    #expect((line["facts"] as? [String: Any])?["history.orders"] is NSNull)
    #expect((line["labels"] as? [[String: Any]])?.first?["items"] as? String == "all")
    #expect(line["items"] as? [String] == ["a", "b"])
  }

  @Test func anActionAndADeadLetterAreOneLineEach() throws {
    var action = ActionValue()
    action.kind = "label.added"
    action.at = Instant(microseconds: 0)
    var json = JSONWriter()
    action.writeJSON(into: &json)
    #expect(try object(json)["at"] as? String == "1970-01-01T09:00:00+09:00")
    var letter = DeadLetterValue()
    letter.source = "file"
    letter.position = 17
    letter.sealedBody = Array("secret".utf8)
    letter.problems = [Problem(code: "missing", field: "mall_id", expected: "a string", found: "nothing")]
    json.removeAll()
    letter.writeJSON(into: &json)
    let line = try object(json)
    #expect(line["line"] as? Int == 17)
    #expect((line["problems"] as? [[String: Any]])?.first?["field"] as? String == "mall_id")
    #expect(!String(decoding: json.bytes, as: UTF8.self).contains("secret"))
  }

  @Test func aSnapshotPrintsInTheEventsFormWithoutPersons() throws {
    let snapshot = try #require(try read(Sample.event).snapshot)
    var json = JSONWriter()
    snapshot.writeJSON(into: &json)
    let line = try object(json)
    #expect(line["schema"] as? String == "passflow.order/1")
    #expect(line["placed_at"] as? String == "2026-10-10T09:30:00+09:00")
    #expect((line["items"] as? [[String: Any]])?.first?["unit_price"] as? String == "15000")
    let text = String(decoding: json.bytes, as: UTF8.self)
    for secret in ["김하나", "kim01", "010-0000-0000", "a@example", "첨단로", "168.126"] {
      #expect(!text.contains(secret))
    }
  }
}

@Suite struct DeadLetterSealTests {
  @Test func aSealedBodyOpensOnlyWithItsKeyAndUnchanged() throws {
    let seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 1, count: 32)))
    let other = try #require(DeadLetterSeal(key: [UInt8](repeating: 2, count: 32)))
    #expect(DeadLetterSeal(key: [1, 2, 3]) == nil)
    for body in [[], Array("{\"order\": 1}".utf8)] as [[UInt8]] {
      var sealed = body.withUnsafeBytes { seal.seal($0) }
      #expect(sealed.count == body.count + DeadLetterSeal.overhead)
      #expect(sealed.withUnsafeBytes { seal.open($0) } == body)
      #expect(sealed.withUnsafeBytes { other.open($0) } == nil)
      #expect(sealed.dropLast().withUnsafeBytes { seal.open($0) } == nil)
      sealed[30] ^= 1
      #expect(sealed.withUnsafeBytes { seal.open($0) } == nil)
    }
  }
}
