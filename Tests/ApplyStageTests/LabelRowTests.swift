import Orders
import Testing
import Topics

@testable import ApplyStage

@Suite struct LabelRowTests {
  let order = OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "o1")

  func text(_ rows: [LabelRow]) -> [String] {
    rows.map { row in
      var bytes: [UInt8] = []
      row.append(to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  @Test func rulesThatWantALabelAreMergedItemByItem() {
    let wish = decision(
      1,
      [
        desired("B", ["1"], rules: ["R9"]), desired("A", ["2", "1"], rules: ["R3", "R1"]),
        desired("A", ["2"], rules: ["R2", "R1"]), desired("가", ["2"], rules: ["R1"]),
      ])
    let ledger = Reconciler().reconcile(wish, ledger: nil).newLedger
    #expect(
      text(LabelRow.rows(of: order, ledger)) == [
        "demomall,1,o1,1,A,R1|R3\n", "demomall,1,o1,1,B,R9\n", "demomall,1,o1,2,A,R1|R2|R3\n",
        "demomall,1,o1,2,가,R1\n",
      ])
  }

  @Test func fieldsAreQuotedWhereTheyMustBe() {
    let odd = OrderIdentity(mallId: "a,b", shopNo: 10, orderId: "say \"x\"")
    let row = LabelRow(order: odd, itemCode: "1\n2", label: "plain label", rules: "R1|R2")
    #expect(text([row]) == ["\"a,b\",10,\"say \"\"x\"\"\",\"1\n2\",plain label,R1|R2\n"])
  }

  @Test func rowsAreSortedColumnByColumnAsBytes() {
    func row(_ mall: String, _ shop: Int32, _ order: String, _ item: String, _ label: String) -> LabelRow {
      LabelRow(
        order: OrderIdentity(mallId: mall, shopNo: shop, orderId: order), itemCode: item, label: label,
        rules: "")
    }
    let sorted = [
      row("a", 1, "o", "1", "A"), row("a", 1, "o", "1", "가"), row("a", 1, "o", "10", "A"),
      row("a", 1, "o", "2", "A"), row("a", 1, "o-1", "1", "A"), row("a", 10, "a", "1", "A"),
      row("a", 2, "a", "1", "A"), row("a-b", 1, "a", "1", "A"), row("가", 1, "a", "1", "A"),
    ]
    #expect(sorted.shuffled().sorted() == sorted)
  }
}
