import TestKit
import Testing

@testable import Rules

@Suite struct LanguageTests {
  private func problems(_ source: String) -> [Diagnostic] {
    switch Parser.parseProblems(source) {
    case .failure(let problems): return problems.list.map { Diagnostic($0, in: source) }
    case .success(let expression):
      if case .failure(let problems) = Checker.check(expression) {
        return problems.list.map { Diagnostic($0, in: source) }
      }
      return []
    }
  }

  @Test func operatorsBindAsInCEL() throws {
    let same = [
      ("true || false && true", "true || (false && true)"), ("!true && false", "(!true) && false"),
      ("1 + 2 * 3 == 7", "(1 + (2 * 3)) == 7"), ("1 - 2 - 3 < 0", "((1 - 2) - 3) < 0"),
      ("true ? false : true ? false : true", "true ? false : (true ? false : true)"),
      ("-1 < 2", "(-1) < 2"), ("- -1 == 1", "1 == 1"),
    ]
    for (left, right) in same {
      #expect(try Parser.parse(left).get() == Parser.parse(right).get(), "\(left)")
    }
    #expect(try Parser.parse("1 - (2 - 3) < 0").get() != Parser.parse("1 - 2 - 3 < 0").get())
  }

  @Test func printingAndReadingBackChangesNothing() throws {
    for source in [
      "a && (b && c) || !(d || e)", "(a ? b : c) ? d : e ? f : g", "x.y(1, -2.5).z in [1, \"é\\n\\\"\"]",
      "-(a + b) * -3 / (c - (d - e))", "(-5).abs()", "!(!a)", "(a == b) == c", "a == (b == c)",
      "20.0 > 1.0001",
    ] {
      let expression = try Parser.parse(source).get()
      #expect(try Parser.parse(expression.description).get() == expression, "\(source) → \(expression)")
    }
  }

  @Test func aWrongNameGetsAGuessAndACaret() {
    let found = problems("amount.item >= 1 && historry.orders == 0")
    #expect(found.map(\.hint) == ["did you mean amount.items?", "did you mean history.orders?"])
    #expect(found.map(\.column) == [8, 30])
    #expect(found[0].description.contains("\n  amount.item >= 1"))
  }

  @Test func everyMisuseIsRefusedWithAReason() {
    for source in [
      "", "amount.items", "amount.items >= \"x\"", "payment.status == \"payed\"", "history.returns == 2",
      "history.returns(0) > 1", "history.returns(99) > 1", "zones == \"제주\"", "\"a\" == \"a\"",
      "i.sku == \"a\"",
      "items.exists(i, items.exists(j, true))", "items.exists(1, true)",
      "timeOfDay(order.placed_at) < \"25:00\"",
      "timeOfDay(order.placed_at) < 11", "order.placed_at > \"2026-01-01\"", "true < false", "inList(grade)",
      "1 + true == 1",
      "params.x > 1", "isMissing(1)", "now > order.placed_at", "gift.is_gift ? 1 : \"a\"", "(", "1 =", "a b",
      "1 2", "grade.matches(grade)", "amount.items.matches(\"a\")", "size(1) == 1",
      "addMonths(order.placed_at, history.orders) > order.placed_at",
      "addMonths(order.placed_at, 2000) > order.placed_at", "order.placed_at.getHours(\"UTC\") == 1",
      "grade.getHours() == 1",
      "\"open", "99999999999999999999 > 1", "1.00001 > 1", "bundle.partners(duration(\"30m\")) > 1",
    ] { #expect(!problems(source).isEmpty, "\(source)") }
  }

  @Test func allProblemsComeAtOnce() {
    #expect(problems("foo && bar && amount.items >= true").count == 3)
  }

  @Test func depthAndSizeHaveLimits() {
    let deep = String(repeating: "(", count: 10_000) + "true" + String(repeating: ")", count: 10_000)
    #expect(problems(String(deep.prefix(16_000))).first?.message.contains("nested") == true)
    #expect(!problems(String(repeating: "!", count: 16_000) + "true").isEmpty)
    #expect(!problems(String(repeating: "1+", count: 5_000) + "1 > 0").isEmpty)
    #expect(!problems(String(repeating: "a", count: 20_000)).isEmpty)
    #expect(problems((0..<200).map { _ in "true" }.joined(separator: " && ")).isEmpty)
  }

  @Test func noTextStopsTheProcess() {
    let seed = setting("RULES_SEED", UInt64.random(in: 0...UInt64.max))
    print("parser fuzz seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "amount.items", ">=", "100", "1.5", "&&", "||", "!", "(", ")", "[", "]", ",", "\"", "'", "\\", "\\u",
      "\\u12", "zones", " in ",
      "items.exists(i,", "i.", "?", ":", "-", "제", "\u{0}", "9999999999999999999", ".", "timeOfDay(", "\n",
      "//", "isMissing(",
    ]
    for _ in 0..<5_000 {
      let source = (0..<random.below(24)).map { _ in random.pick(pieces) }.joined(
        separator: random.chance(50) ? " " : "")
      for diagnostic in problems(source) { #expect(!diagnostic.description.isEmpty) }
    }
  }

  @Test func literalsOfTimeAreExact() {
    #expect(Checker.duration("1h30m") == 5_400_000_000)
    #expect(Checker.duration("60m") == Checker.duration("1h"))
    #expect(["", "60", "m", "1m1h", "1x", "-1m", "99999999999d"].allSatisfy { Checker.duration($0) == nil })
    #expect(Checker.timeOfDay("24:00") == 86_400_000_000)
    #expect(
      ["24:01", "1:00", "11:60", "11", "11:00:60", "+1:00"].allSatisfy { Checker.timeOfDay($0) == nil })
    #expect(Checker.date("1970-01-02") == 1)
    #expect(Checker.date("2026-02-29") == nil)
  }

  @Test func theHashIsTheStandardOne() {
    #expect(
      SHA256.hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hex([UInt8](repeating: 97, count: 64))
        == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb")
  }
}
