import Orders
import TestKit
import Testing

@testable import Topics

/// Merges of customers as they are sent.
@Suite struct MergeEventTests {
  private func readMerge(_ text: String, in mall: String? = nil) throws -> (
    merge: MergeEventValue?, key: [UInt8], bytes: [UInt8], problems: [Problem]
  ) {
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    var writer = ProtobufWriter()
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBytes { event in
      switch reader.read(event, mergeIn: mall, into: &writer) {
      case .accepted(let routing):
        #expect(routing.isMerge && !routing.isProfile && routing.hasAddress && routing.orderId.isEmpty)
        let value = writer.bytes
        #expect(value.withUnsafeBytes { MergeEventValue.isHeld(by: $0) })
        return (value.withUnsafeBytes { MergeEventValue(orders: $0) }, [UInt8](routing.key), value, [])
      case .refused(let problems):
        #expect(writer.count == 0)
        return (nil, [], [], problems)
      }
    }
  }

  private func event(_ who: String, mall: String = "demomall", member: String = "\"kim01\"") -> String {
    """
    {"schema": "passflow.merge/1", "mall_id": "\(mall)", "member_id": \(member),
     "at": "2026-10-10T09:30:00+09:00", \(who)}
    """
  }

  /// An order's buyer has the same digests, and the record the key of the guest's orders.
  @Test func bothAreTheOnesOfTheirOrders() throws {
    let member = try read(Sample.event)
    func buyer(_ text: String) throws -> Reading {
      try read(
        Sample.event.replacing("\"member_id\": \"kim01\", ", with: "").replacing("010-0000-0000", with: text))
    }
    for phone in ["010-0000-0000", "+82 10 0000 0000", "8210-0000-0000"] {
      let told = try readMerge(event("\"phone\": \"\(phone)\""))
      let merge = try #require(told.merge, "\(told.problems)")
      let guest = try buyer("010-0000-0000")
      #expect(merge.from == guest.snapshot?.customer && merge.from?.kind == .phone)
      #expect(merge.to == member.snapshot?.customer && merge.mallId == "demomall")
      #expect(merge.at == Instant(rfc3339: "2026-10-10T09:30:00+09:00"))
      #expect(told.key == guest.key && merge.ordersValue == told.bytes)
    }
    let mail = try readMerge(event("\"email\": \" A@Example.com \""))
    let guest = try read(
      Sample.event.replacing("\"member_id\": \"kim01\", ", with: "").replacing(
        "\"phone\": \"010-0000-0000\", \"email\"", with: "\"email\""))
    #expect(guest.snapshot?.customer?.kind == .email)
    #expect(mail.merge?.from == guest.snapshot?.customer && mail.key == guest.key)
    let former = try readMerge(event("\"former_member_id\": \"kim01\"", member: "\"kim02\""))
    #expect(former.merge?.from == member.snapshot?.customer && former.key == member.key)
    #expect(former.merge?.to?.kind == .member && former.merge?.to != former.merge?.from)
    for told in [mail, former] {
      for name in ["kim0", "xample", "0000-0000"] {
        #expect(!String(decoding: told.bytes, as: UTF8.self).contains(name))
      }
    }
  }

  @Test func thePathSaysOfWhichMallItIs() throws {
    let body =
      "{\"member_id\": \"kim01\", \"phone\": \"010-0000-0000\", \"at\": \"2026-10-10T09:30:00+09:00\"}"
    let told = try readMerge(body, in: "demomall")
    #expect(try told.bytes == readMerge(event("\"phone\": \"010-0000-0000\"")).bytes)
    #expect(try told.key == readMerge(event("\"phone\": \"010-0000-0000\""), in: "demomall").key)
    let other = try readMerge(event("\"phone\": \"010-0000-0000\""), in: "othermall")
    #expect(other.problems.map(\.code) == ["path.mismatch"])
    #expect(try readMerge(Sample.event, in: "demomall").problems.first?.code == "schema.unknown")
  }

  static let canary = "canary-7493"
  static let refused: [(String, String, String)] = [
    ("\"grade\": 1", "missing", "phone"),
    ("\"phone\": \"010-1\", \"email\": \"\(canary)@x\"", "identity.several", "email"),
    ("\"email\": \"a@x\", \"former_member_id\": \"\(canary)\"", "identity.several", "former_member_id"),
    ("\"phone\": \"\(canary.filter { !$0.isNumber })\"", "identity.none", "phone"),
    ("\"phone\": \"0504-1234-5678\"", "identity.none", "phone"),
    ("\"email\": \"  \"", "identity.none", "email"),
    ("\"former_member_id\": \" \"", "identity.none", "former_member_id"),
    ("\"former_member_id\": \"kim01\"", "identity.same", "former_member_id"),
    ("\"phone\": 1012345678", "type.string", "phone"),
    ("\"phone\": \"010-1\", \"phone\": \"2\"", "json.duplicate_field", "phone"),
  ]

  @Test func whatIsWrongIsToldWithItsPlaceAndWithoutItsValue() throws {
    for (text, code, place) in Self.refused {
      let told = try readMerge(event(text))
      #expect(told.problems.map(\.code) == [code] && told.problems.map(\.field) == [place], "\(text)")
      #expect(!"\(told.problems)".contains(Self.canary))
    }
    let nobody = "{\"schema\": \"passflow.merge/1\"}"
    #expect(try readMerge(nobody).problems.map(\.field) == ["mall_id", "phone", "member_id", "at"])
    let blank = event("\"phone\": \"010-1\"", member: "\"  \"")
    #expect(try readMerge(blank).problems.map(\.field) == ["member_id"])
    #expect(
      try readMerge(event("\"phone\": \"010-1\"").replacing("+09:00", with: "")).problems.map(\.code) == [
        "time.no_offset"
      ])
  }

  @Test func noMutationStopsTheReaderAndOrdersAfterwardsAreReadAsEver() throws {
    var random = SeededGenerator.announced("merge mutations", seed: 17)
    let reader = OrderEventReader(secret: try #require(Sample.secret))
    let original = Array(event("\"phone\": \"010-0000-0000\"").utf8)
    let order = read(reader, Array(Sample.event.utf8)).snapshot
    var taken = 0
    for _ in 0..<10_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          Array("{}[]\",:\\0-eu9").randomElement(using: &random)?.utf8.first ?? 0
      }
      var writer = ProtobufWriter()
      bytes.withUnsafeBytes {
        if case .accepted = reader.read($0, into: &writer) { taken += 1 }
      }
    }
    #expect(taken > 0 && taken < 10_000)
    #expect(read(reader, Array(Sample.event.utf8)).snapshot == order)
  }
}
