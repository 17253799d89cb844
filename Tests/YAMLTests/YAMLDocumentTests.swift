import Testing

@testable import YAML

@Suite struct YAMLDocumentTests {
  private func parse(_ text: String) throws(YAMLError) -> YAMLNode {
    try YAMLDocument.parse(text, file: "a.yaml").root
  }

  private func problem(_ text: String) -> YAMLError? {
    do throws(YAMLError) {
      _ = try parse(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func nodesKnowTheirPlace() throws {
    let root = try parse("# 주석\na: 1\n나: [x, \"y\"]\nb:\n  c: |\n    text\n")
    #expect(root["a"]?.location == YAMLLocation(file: "a.yaml", line: 2, column: 4))
    let list = try root.required("나").asSequence()
    #expect(list.map(\.column) == [5, 8])
    #expect(list.map(\.line) == [3, 3])
    #expect(try root["b"]?["c"]?.asString() == "text\n")
    #expect(try root.asMapping().entries.map(\.key) == ["a", "나", "b"])
    #expect(try root.asMapping().entry("b")?.keyLocation.line == 4)
  }

  @Test func plainAndQuotedScalarsAreToldApart() throws {
    let root = try parse("a: 12\nb: \"12\"\nc: true\nd: 'true'\ne: yes\nf: 1_000_000\ng: 06134\nh: ~\ni:\n")
    #expect(try root.required("a").asInt() == 12)
    #expect(throws: YAMLError.self) { try root.required("b").asInt() }
    #expect(try root.required("b").asString() == "12")
    #expect(try root.required("c").asBool())
    #expect(throws: YAMLError.self) { try root.required("d").asBool() }
    #expect(throws: YAMLError.self) { try root.required("e").asBool() }
    #expect(try root.required("f").asInt() == 1_000_000)
    #expect(try root.required("g").asString() == "06134")
    #expect(root["h"]?.isNull == true)
    #expect(root["i"]?.isNull == true)
    #expect(throws: YAMLError.self) { try root.required("h").asString() }
  }

  @Test func wholeNumbersEndAtTheEdgesOfInt() {
    #expect(YAMLNode.integer("9223372036854775807") == Int.max)
    #expect(YAMLNode.integer("-9223372036854775808") == Int.min)
    for text in [
      "9223372036854775808", "-9223372036854775809", "", "-", "_1", "1_", "1__0", "0x10", "1.0", "+-1", "1 ",
    ] {
      #expect(YAMLNode.integer(text) == nil, "\(text)")
    }
  }

  @Test func anErrorSaysWhatWasExpectedAndFoundWithoutTheValue() throws {
    let root = try parse("key: sk-secret\n")
    #expect(
      throws: YAMLError(
        .wrongType, at: .init(file: "a.yaml", line: 1, column: 6), "expected a whole number, found text")
    ) {
      try root.required("key").asInt()
    }
    #expect(
      throws: YAMLError(.missingKey, at: .init(file: "a.yaml", line: 1, column: 1), "missing key: other")
    ) {
      try root.required("other")
    }
  }

  @Test func aKeyThatStandsTwiceIsRefused() {
    let error = problem("a: 1\nb: 2\na: 3\n")
    #expect(error?.kind == .duplicateKey)
    #expect(error?.line == 3)
    #expect(error?.message.contains("line 1") == true)
  }

  @Test func anchorsAliasesAndTagsAreRefused() {
    #expect(problem("a: &x [1]\nb: *x\n")?.kind == .aliasRefused)
    #expect(problem("a: *x\n")?.kind == .aliasRefused)
    #expect(problem("a: &x 1\n")?.kind == .aliasRefused)
    #expect(problem("a: !!int 1\n")?.kind == .tagRefused)
    #expect(problem("? [a]\n: 1\n")?.kind == .complexKey)
  }

  @Test func syntaxErrorsHaveLineAndColumn() {
    let error = problem("a: 1\nb: [1, 2\nc: 3\n")
    #expect(error?.kind == .syntax)
    #expect((error?.line ?? 0) >= 2)
    #expect(problem("a: 1\n\tb: 2\n")?.line == 2)
    #expect(problem("a: 1\n---\nb: 2\n")?.kind == .severalDocuments)
  }

  @Test func bytesThatAreNoTextAreRefusedWithTheirPlace() {
    for bytes: [UInt8] in [
      [0xFF], [0x00], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x07], [0xF5, 0x80, 0x80, 0x80],
    ] {
      let file = Array("a: 1\n가b: ".utf8) + bytes
      let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse(bytes: file, file: "x") }
      #expect(error?.line == 2)
      #expect(error?.column == 5)
    }
  }

  @Test func anEmptyDocumentIsNull() throws {
    for text in ["", "# only a comment\n", "---\n", "---\n...\n"] {
      #expect(try parse(text).isNull)
    }
  }

  @Test func depthIsBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(YAMLDocument.depthMax))
    #expect(problem(nested(YAMLDocument.depthMax + 1))?.kind == .tooDeep)
    #expect(problem(nested(500_000)) != nil)
  }

  @Test func sizeAndNumberOfNodesAreBounded() throws {
    let comment = "#" + String(repeating: "x", count: YAMLDocument.bytesMax - 1)
    _ = try parse(comment)
    #expect(problem(comment + "x")?.kind == .tooLarge)
    let items = "[" + String(repeating: "1,", count: YAMLDocument.nodesMax) + "]"
    #expect(problem(items)?.kind == .tooManyNodes)
  }

  @Test func largeMappingsFindTheirKeys() throws {
    let root = try parse((0..<500).map { "k\($0): \($0)" }.joined(separator: "\n"))
    for index in [0, 1, 250, 499] { #expect(try root.required("k\(index)").asInt() == index) }
    #expect(root["k500"] == nil)
  }

  @Test func aFileThatIsNotThereIsAnErrorWithItsName() {
    let error = #expect(throws: YAMLError.self) { try YAMLDocument.read(path: "/nowhere/x.yaml") }
    #expect(error?.kind == .unreadable)
    #expect(error?.description.hasPrefix("/nowhere/x.yaml:1:1: cannot be opened") == true)
    #expect(throws: YAMLError.self) { try YAMLDocument.read(path: "/") }
  }
}
