import Files
import Glibc
import RuleTools
import Rules
import Testing
import Topics

/// What an explanation says of the lines of an order.
struct ExplainLinesTests {
  private let event = """
    {"schema":"passflow.order/1","mall_id":"m","shop_no":1,"order_id":"A-1","version":1,
    "event_time":"2026-10-13T10:00:00+09:00","placed_at":"2026-10-13T10:00:00+09:00",
    "payment":{"status":"paid","methods":["card"]},
    "buyer":{"name":"홍길동","phone":"010-1234-5678"},
    "receivers":[{"receiver_no":1,"name":"홍길동","zipcode":"63122","address1":"제주특별자치도 제주시 첨단로 242"},
    {"receiver_no":2,"name":"김","zipcode":"06236","address1":"서울특별시 강남구 테헤란로 1"}],
    "coupons":[{"coupon_no":"C-1","issue_type":"first_purchase"}],
    "items":[{"item_code":"A-1-1","sku":"S-1","unit_price":"1000","quantity":2},
    {"item_code":"A-1-2","unit_price":"2000"},{"item_code":"A-1-3","sku":"S-3","unit_price":"3000"}]}
    """

  private func answer(_ conditions: [String]) throws -> OrderAnswer {
    let path = "/tmp/passflow-explain-\(getpid())-\(UInt64.random(in: 0 ... .max)).yaml"
    let file = try #require(fopen(path, "w"))
    fputs("rules:\n", file)
    for (index, condition) in conditions.enumerated() {
      fputs("  - {id: r\(index), if: '\(condition)', then: {labels: [x\(index)]}}\n", file)
    }
    fclose(file)
    defer { unlink(path) }
    var search = OrderSearch()
    search.order = Array(event.utf8)
    return try search.answer(RuleFiles.book([path]), ReferenceFiles.load(directory: nil).0)
  }

  /// A condition, and what its explanation says in English and Korean.
  static let cases: [(condition: String, english: [String], korean: [String])] = [
    (
      "items.exists(i, i.quantity >= 3)", ["none of 3 item lines fits", "item 1: no", "item 2, 3: no"],
      ["품목 3개 가운데 맞는 것 없음", "품목 1: 아님"]
    ),
    (
      "items.exists(i, i.sku == \"S-9\")",
      ["1 of 3 item lines cannot be told", "item 2: unknown", "item.sku is missing"],
      ["품목 3개 가운데 1개를 알 수 없음", "품목 2: 모름"]
    ),
    ("items.all(i, i.quantity >= 2)", ["2 of 3 item lines do not fit", "item 1: yes"], ["2개가 맞지 않음"]),
    (
      "items.exists_one(i, i.quantity >= 1)", ["3 of 3 item lines fit, asked for is exactly one"],
      ["3개가 맞음, 기준 꼭 하나"]
    ),
    (
      "receivers.all(r, r.region == \"제주특별자치도\")",
      ["1 of 2 receiver lines do not fit", "receiver 1: yes", "receiver 2: no"], ["배송지 2: 아님"]
    ),
    ("claims.exists(c, c.completed)", ["there is no claim"], ["클레임 없음"]),
    ("coupons.exists(c, c.type == \"x\")", ["none of 1 coupon lines fits", "coupon 1: no"], ["쿠폰 1: 아님"]),
    (
      "sum(items.map(i, i.price * i.quantity)) >= 10000",
      ["= 7000", "asked for is at least 10000 (3000 short)", "item 1, 2: i.price * i.quantity = 2000"],
      ["기준 10000 이상 (3000 모자람)", "품목 3: i.price * i.quantity = 3000"]
    ),
    (
      "size(items.filter(i, i.quantity >= 2)) >= 2",
      ["= 1", "asked for is at least 2 (1 short)", "item 1: yes", "item 2, 3: left out by the filter"],
      ["품목 2, 3: 제외 (filter)"]
    ),
    (
      "items.filter(i, i.quantity >= 2).exists(i, i.price >= 5000)",
      ["none of 1 item lines fits", "item 2, 3: left out by the filter"], ["품목 1개 가운데 맞는 것 없음"]
    ),
    (
      "max(items.map(i, i.stock.after)) >= 1", ["the value of 3 item lines is missing", "= missing"],
      ["품목 3개의 값이 없음"]
    ),
    ("min(claims.map(c, c.refund)) > 5", ["there is no claim: no value"], ["클레임 없음: 값이 없음"]),
    (
      "\"S-9\" in items.map(i, i.sku)", ["1 of 3 item lines cannot be told", "item 1: no"],
      ["품목 2: 모름"]
    ),
    (
      "size(allItems) >= 4", ["size(allItems) is 3, asked for is at least 4 (1 short)"],
      ["기준 4 이상 (1 모자람)"]
    ),
    (
      "size(coupons.filter(c, c.type == \"x\")) >= 1", ["coupon 1: left out by the filter"],
      ["쿠폰 1: 제외 (filter)"]
    ),
  ]

  @Test(arguments: cases.indices) func everyLineIsShownWithWhyItDidNotFire(_ index: Int) throws {
    let (condition, english, korean) = Self.cases[index]
    let answer = try answer([condition])
    for (text, parts) in [(answer.text(.en), english), (answer.text(.ko), korean)] {
      for part in parts { #expect(text.contains(part), "\(part) is not in \(text)") }
    }
    #expect(answer.json().contains("\"why\":{\"ko\":"))
  }

  @Test func theJSONHasItsSchemaAndEveryLine() throws {
    let text = try answer(["items.exists(i, i.sku == \"S-9\")", "amount.items >= 1"]).json()
    let expected = """
      {"schema":"passflow.explanation/1","order":{"mall_id":"m","shop_no":1,"order_id":"A-1",\
      "placed_at":"2026-10-13T10:00:00+09:00","state":"open"},"labels":["x1"],"effects":[],"pending_on":["item.gift","item.live","item.sku"],\
      "rules":[{"id":"r0","name":"r0","state":"active","outcome":"unknown","otherwise":false,"labels":[],\
      "decisive_term":0,"terms":[{"kind":"lines","text":"items.exists(i, i.sku == \\"S-9\\")","outcome":"unknown",\
      "why":{"ko":"품목 3개 가운데 1개를 알 수 없음","en":"1 of 3 item lines cannot be told"},"list":"items",\
      "question":"exists","line_count":3,"parts":[{"kind":"line","outcome":"false","line":1,"left_out":false,\
      "values":[],"parts":[{"kind":"single","text":"i.sku == \\"S-9\\"","outcome":"false","values":[{"name":"item.sku",\
      "value":"\\"S-1\\""}]
      """
    #expect(text.hasPrefix(expected), "\(text)")
    #expect(
      text.contains(
        "\"left_out\":false,\"values\":[],\"parts\":[{\"kind\":\"single\",\"text\":\"i.sku == \\\"S-9\\\"\",\"outcome\":\"unknown\",\"values\":[{\"name\":\"item.sku\",\"value\":null}]"
      ), "\(text)")
    for secret in ["홍길동", "1234", "63122", "첨단로"] { #expect(!text.contains(secret)) }
  }
}
