import Testing
import Topics

@Suite struct UniformDesireTests {
  private func decision(items: [[String]]) -> DecisionValue {
    var decision = DecisionValue()
    decision.mallId = "mall"
    decision.shopNo = 1
    decision.orderId = "20260101-1"
    decision.ruleSet = "abc"
    for (place, codes) in items.enumerated() {
      var label = DesiredLabelValue()
      label.label = "L\(place)\"가"
      label.rules = ["r1", "r2, x"]
      label.itemCodes = codes
      decision.labels.append(label)
    }
    return decision
  }

  private func read(_ decision: DecisionValue) -> Bool {
    var desire = UniformDesire()
    return decision.protobuf.withUnsafeBytes { bytes in
      DecisionHeader(bytes).map { desire.read($0.desired) } ?? false
    }
  }

  @Test func onlyLabelsOnAllItemsAreUniform() {
    #expect(read(decision(items: [])))
    #expect(read(decision(items: [["a", "b"], ["a", "b"]])))
    #expect(!read(decision(items: [["a", "b"], ["b"]])))
    #expect(!read(decision(items: [["b", "a"]])))
    var late = decision(items: [["a"]])
    late.tooLate = true
    #expect(!read(late))
    var closed = decision(items: [["a"]])
    closed.firstSeenClosed = true
    #expect(!read(closed))
    var cancelled = decision(items: [["a"]])
    cancelled.state = .cancelled
    #expect(!read(cancelled))
    var alerting = decision(items: [["a"]])
    alerting.actions = [DesiredActionValue()]
    #expect(read(alerting))
  }

  @Test func linesOfLabelsAreThoseOfTheActionRecordsWithTheItemsCounted() {
    let decision = decision(items: [["a", "b"], ["a", "b"]])
    var expected = JSONWriter()
    for label in decision.labels {
      var action = ActionValue()
      action.mallId = decision.mallId
      action.shopNo = decision.shopNo
      action.orderId = decision.orderId
      action.kind = "label.added"
      action.label = label.label
      action.itemCodes = label.itemCodes
      action.rules = label.rules
      action.result = "done"
      action.by = "passflow"
      action.decisionId = decision.position.description
      action.ruleSet = decision.ruleSet
      action.writeJSON(into: &expected)
    }
    var lines = LabelLines()
    var written = JSONWriter()
    decision.protobuf.withUnsafeBytes { bytes in
      var desire = UniformDesire()
      guard let header = DecisionHeader(bytes), desire.read(header.desired) else { return }
      lines.write("label.added", header, desire, [0, 1], at: ActionValue().at, into: &written)
    }
    let text = String(decoding: expected.bytes, as: UTF8.self)
    #expect(text.contains(#""items":["a","b"],"#))
    #expect(
      String(decoding: written.bytes, as: UTF8.self)
        == text.split(separator: #""items":["a","b"],"#, omittingEmptySubsequences: false)
        .joined(separator: #""items":"all","item_count":2,"#))
  }

  @Test func everyByteIsEscapedOrKeptWhereverItStands() {
    for byte in UInt8(0)..<0x80 {
      for place in 0..<17 {
        var text = [UInt8](repeating: 97, count: 17)
        text[place] = byte
        var json = JSONWriter()
        json.string(String(decoding: text, as: UTF8.self))
        let isKept = byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0x7F
        #expect(isKept == (json.bytes.dropFirst().dropLast() == text[...]))
        #expect(json.bytes.count == json.count && json.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
      }
    }
  }
}
