import Glibc
import Orders
import Store
import Testing

@testable import Shop

@Suite struct LocalShopTests {
  let directory = TemporaryFile()
  let order = OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "20261010-0000123")
  let items = ["20261010-0000123-01", "20261010-0000123-02"]

  func add(_ label: String, _ codes: [String]? = nil) -> LabelChange {
    LabelChange(order: order, kind: .add, label: label, itemCodes: codes ?? items)
  }
  func remove(_ label: String, _ codes: [String]? = nil) -> LabelChange {
    LabelChange(order: order, kind: .remove, label: label, itemCodes: codes ?? items)
  }

  @Test func labelsAreAddedOnceReadBackAndTakenOff() throws {
    let shop = try LocalShop(path: directory.path)
    #expect(try shop.apply([add("제주배송"), add("VIP", [items[0]])]).map(\.result) == [.done, .done])
    #expect(try shop.apply([add("제주배송")]).map(\.result) == [.already])
    let expected = [
      ItemLabel(itemCode: items[0], label: "VIP", byUs: true),
      ItemLabel(itemCode: items[0], label: "제주배송", byUs: true),
      ItemLabel(itemCode: items[1], label: "제주배송", byUs: true),
    ]
    #expect(try shop.labels(of: order) == expected)
    try shop.flush()
    #expect(try LocalShop(path: directory.path).labels(of: order) == expected)
    #expect(try shop.apply([remove("제주배송", [items[1]]), remove("없음")]).map(\.result) == [.done, .already])
    try shop.flush()
    #expect(try shop.labels(of: order) == Array(expected[0...1]))
  }

  @Test func aPersonsLabelIsLeftAloneAndReported() throws {
    let shop = try LocalShop(path: directory.path)
    try shop.personAdds("VIP", to: [items[0]], of: order)
    let outcomes = try shop.apply([add("VIP"), add("VIP", [items[0]])])
    #expect(outcomes[0] == LabelOutcome(.done, foreignItemCodes: [items[0]]))
    #expect(outcomes[1] == LabelOutcome(.foreign, foreignItemCodes: [items[0]]))
    #expect(try shop.apply([remove("VIP")]) == [LabelOutcome(.done, foreignItemCodes: [items[0]])])
    try shop.flush()
    #expect(try shop.labels(of: order) == [ItemLabel(itemCode: items[0], label: "VIP", byUs: false)])
  }

  @Test func anEditThatComesBetweenApplyAndFlushIsNotLost() throws {
    let ours = try LocalShop(path: directory.path)
    let theirs = try LocalShop(path: directory.path)
    #expect(try ours.apply([add("A")]).map(\.result) == [.done])
    try theirs.personAdds("수기", to: [items[1]], of: order)
    try theirs.personAdds("A", to: [items[1]], of: order)
    try ours.flush()
    let expected = [
      ItemLabel(itemCode: items[0], label: "A", byUs: true),
      ItemLabel(itemCode: items[1], label: "A", byUs: false),
      ItemLabel(itemCode: items[1], label: "수기", byUs: false),
    ]
    #expect(try theirs.labels(of: order) == expected)
    #expect(try ours.labels(of: order) == expected)
  }

  @Test func aPersonMayTakeOffOurLabel() throws {
    let shop = try LocalShop(path: directory.path)
    _ = try shop.apply([add("A")])
    try shop.personRemoves("A", from: [items[0]], of: order)
    #expect(try shop.labels(of: order).map(\.itemCode) == [items[1]])
    #expect(try shop.apply([remove("A")]).map(\.result) == [.done])
    #expect(try shop.labels(of: order).isEmpty)
  }

  @Test func namesAndCodesThatAPlatformCannotTakeAreRefused() throws {
    let shop = try LocalShop(path: directory.path)
    for name in ["", "a,b", "a/b", "a?b", "a#b", "a%b", "a\nb", "a\tb", String(repeating: "가", count: 51)] {
      #expect(try shop.apply([add(name)]) == [LabelOutcome(.refused(.labelName))])
    }
    #expect(try shop.apply([add("A", ["x\ty"])]) == [LabelOutcome(.refused(.itemGone))])
    #expect(LabelName.isAllowed(String(repeating: "가", count: 50)))
    let many = (0...LocalShop.labelsPerOrderMax).map { "item-\($0)" }
    #expect(try shop.apply([add("A", many)]) == [LabelOutcome(.refused(.tooMany))])
  }

  @Test func anAlertIsDeliveredOnceForItsKeyAcrossProcesses() throws {
    let alert = ShopAlert(
      order: order, idempotencyKey: "k1", rule: "BANK_ALERT", cause: "unpaid", text: "입금대기", channel: "물류",
      at: Instant(microseconds: 5))
    let shop = try LocalShop(path: directory.path)
    #expect(try shop.deliver(alert) == .done)
    #expect(try shop.deliver(alert) == .already)
    try shop.flush()
    let other = try LocalShop(path: directory.path)
    #expect(try other.deliver(alert) == .already)
    #expect(try other.deliveredAlerts(of: order) == [alert])
  }

  @Test func aMarkKeepsItsTextAndTeam() throws {
    let shop = try LocalShop(path: directory.path)
    let mark = ShopMark(
      order: order, kind: "mark", rule: "cold", cause: "냉장", text: "냉장", team: "물류팀", isSet: true,
      at: Instant(microseconds: 1))
    #expect(try shop.mark(mark) == .done)
    try shop.flush()
    #expect(
      try shop.marksSet(of: order) == [SetMark(kind: "mark", rule: "cold", text: "냉장", team: "물류팀")])
  }

  @Test func marksAreSetAndClearedOnce() throws {
    let shop = try LocalShop(path: directory.path)
    var mark = ShopMark(
      order: order, kind: "gift", rule: "VIP_GIFT", cause: "", isSet: true, at: Instant(microseconds: 1))
    #expect(try shop.mark(mark) == .done)
    #expect(try shop.mark(mark) == .already)
    try shop.flush()
    #expect(try shop.mark(mark) == .already)
    #expect(try shop.marksSet(of: order).map(\.rule) == ["VIP_GIFT"])
    mark.isSet = false
    #expect(try shop.mark(mark) == .done)
    try shop.flush()
    #expect(try shop.mark(mark) == .already)
    #expect(try shop.marksSet(of: order).isEmpty)
  }

  @Test func theScreenShowsNewestOrdersFirst() throws {
    let shop = try LocalShop(path: directory.path)
    for number in 1...3 {
      try shop.show(
        OrderDisplay(
          order: OrderIdentity(mallId: "demomall", shopNo: 1, orderId: "o\(number)"),
          placedAt: Instant(microseconds: Int64(number)), buyerMasked: Masking.name("김하나"), amount: 1000,
          currency: "KRW", state: "open"))
    }
    try shop.flush()
    let recent = try shop.recentOrders(mallId: "demomall", limit: 2)
    #expect(recent.map(\.order.orderId) == ["o3", "o2"])
    #expect(recent.first?.buyerMasked == "김○○")
    #expect(try shop.recentOrders(mallId: "other").isEmpty)
  }

  @Test func storedLabelsOfAnyBytesAreReadWithoutFailing() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var state = seed
    for _ in 0..<2000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int(state % 40) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append([9, 10, 43, 64, 65, 0xEA, 0xB0, 0x80][Int(state >> 61)])
      }
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let labels = bytes.withUnsafeBytes { OrderLabels(stored: $0) }
      var stored: [UInt8] = []
      labels.store(into: &stored)
      #expect(stored.withUnsafeBytes { OrderLabels(stored: $0) } == labels)
    }
  }
}

@Suite struct LabelEntryTests {
  @Test func ordersThatWaitForTheSameLabelShareAnEntry() {
    let changes = (0..<100).map { number in
      LabelChange(
        order: OrderIdentity(mallId: "m", shopNo: 1, orderId: "o\(number / 2)"), kind: .add,
        label: number % 2 == 0 ? "A" : "B", itemCodes: ["o\(number / 2)-01"])
    }
    let entries = LabelEntry.coalesce(changes)
    #expect(entries.map(\.label) == ["A", "B"])
    #expect(entries.map(\.itemCodes.count) == [50, 50])
    #expect(entries[1].changes == (0..<50).map { $0 * 2 + 1 })
    #expect(LabelEntry.coalesce(changes, itemCodesMax: 20).count == 6)
  }

  @Test func shopsAreNeverMixedAndRemovalsAreLeftOut() {
    let a = OrderIdentity(mallId: "m", shopNo: 1, orderId: "o")
    let b = OrderIdentity(mallId: "m", shopNo: 2, orderId: "o")
    let entries = LabelEntry.coalesce([
      LabelChange(order: a, kind: .add, label: "A", itemCodes: ["1"]),
      LabelChange(order: b, kind: .add, label: "A", itemCodes: ["1"]),
      LabelChange(order: a, kind: .remove, label: "A", itemCodes: ["2"]),
    ])
    #expect(entries.map(\.shopNo) == [1, 2])
  }
}

@Suite struct MaskingTests {
  @Test func onlyTheFirstCharacterOfANameIsKept() {
    #expect(Masking.name("김하나") == "김○○")
    #expect(Masking.name(" 이준 ") == "이○")
    #expect(Masking.name("박") == "○")
    #expect(Masking.name("") == "" && Masking.name("  ") == "")
    #expect(Masking.name("Alexandra Smith") == "A○○○")
    #expect(Masking.name("👩‍👧김") == "👩‍👧○")
  }
}

/// A database file for one test, removed at its end.
final class TemporaryFile {
  let path: String

  init() {
    var template = Array("/tmp/passflow-shop-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      close(mkstemp(buffer.baseAddress!))
      return String(cString: buffer.baseAddress!)
    }
  }

  deinit { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
}
