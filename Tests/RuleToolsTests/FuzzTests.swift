import Files
import RuleTools
import TestKit
import Testing

@testable import Rules

/// Broken input for the readers of conditions and rule files: nothing may crash, hang or be read in two ways.
///
/// `FUZZ_INPUTS` makes it longer, `SEED` repeats a failure.
struct FuzzTests {
  private static let inputs = Int(setting("FUZZ_INPUTS", 20_000))
  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  /// One input may take so long, on a busy machine in a debug build.
  private static let longest = Duration.seconds(5)

  private static let conditions = [
    "amount.items >= 100000 && history.orders == 0 && ip.foreign", "\"제주\" in zones || \"도서산간\" in zones",
    "items.exists(i, i.sku.startsWith(\"A\") && i.quantity * 2 >= 3)",
    "!(dayOfWeek(order.paid_at) in [0, 6])",
    "history.claims(3) >= 2 ? amount.paid - 1.5 > 0.25 : -amount.items < 3", "isMissing(zones) // comment",
    "timeBetween(order.placed_at, '22:00', \"05:00\")", "grade in [\"a\\u00e9\\n\", \"b\"]",
    "cond.vip && params.x",
  ]
  private static let pieces = [
    "&&", "||", "!", "(", ")", "[", "]", "{", "}", ",", ".", "\"", "'", "\\", "\\u12", "==", "<", "in", "0",
    "9223372036854775808",
    "99999.99999", "amount.items", "items.exists(", "é", "제", "\u{0}", "\u{FEFF}", "🛍️", "\n", "\n  - ", ": ",
    "#", "//", "- id: ", "&a ",
    "*a", "!!str ", "|", ">-", "? :", "params.", "cond.", "\t", "%", "@", "--", "true", "null", "~", "rules:",
    "if: ", "then: ",
  ]

  private func mutated(_ text: String, _ random: inout SeededGenerator) -> String {
    var bytes = Array(text.utf8)
    for _ in 0...random.below(4) {
      let place = random.below(bytes.count + 1)
      switch random.below(7) {
      case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: random.next()) }
      case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
      case 2, 3: bytes.insert(contentsOf: random.pick(Self.pieces).utf8, at: place)
      case 4:
        let end = min(bytes.count, place + random.below(24))
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: random.below(bytes.count + 1))
      case 5: bytes.removeSubrange(place...)
      default:
        let piece = Array(random.pick(Self.pieces).utf8)
        let count = random.pick([2, 60, 1_000, 5_000])
        bytes.insert(contentsOf: (0..<count).flatMap { _ in piece }, at: place)
      }
      if bytes.isEmpty { bytes = Array(random.pick(Self.pieces).utf8) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func noConditionBreaksTheParserAndWhatIsReadPrintsBack() throws {
    let seed = setting("SEED", 20_261_121)
    print("fuzz of conditions: seed \(seed), \(Self.inputs) inputs (SEED, FUZZ_INPUTS)")
    var random = SeededGenerator(seed: seed)
    var read = 0
    for number in 0..<Self.inputs {
      let text = mutated(random.pick(Self.conditions), &random)
      let start = ContinuousClock.now
      if case .success(let expression) = Parser.parse(text) {
        read += 1
        let printed = expression.description
        guard case .success(let again) = Parser.parse(printed), again == expression else {
          Issue.record("input \(number) prints as another condition: \(printed.prefix(200))")
          return
        }
        _ = Checker.check(expression)
      }
      if ContinuousClock.now - start > Self.longest { Issue.record("input \(number) took too long") }
    }
    #expect(read > Self.inputs / 100)
  }

  @Test func noRuleFileBreaksTheReaderTheLinterOrThePrinter() throws {
    let seed = setting("SEED", 20_261_121)
    let inputs = Self.inputs / 4
    print("fuzz of rule files: seed \(seed), \(inputs) inputs (SEED, FUZZ_INPUTS)")
    var random = SeededGenerator(seed: seed)
    let files = try RuleFiles.texts([Self.root + "/config/templates", Self.root + "/config/rules"]).map(
      \.text)
    var read = 0
    for number in 0..<inputs {
      let text = mutated(random.pick(files), &random)
      let start = ContinuousClock.now
      if let set = try? RuleSet.load(files: [("r", text)]) {
        read += 1
        let printed = RulePrinter.text(set.rules)
        let again: RuleSet
        do { again = try RuleSet.load(files: [("p", printed)]) } catch {
          Issue.record("input \(number) cannot be read back: \(String(error.description.suffix(600)))")
          return
        }
        #expect(same(again.rules, set.rules), "input \(number)")
      }
      _ = Linter.report(files: [("r", text)], .init())
      if let formatted = try? RuleFormatter.text(of: text, path: "r") {
        let again = try? RuleFormatter.text(of: formatted, path: "r")
        #expect(again == formatted, "input \(number) is formatted twice: \(text)")
      }
      if ContinuousClock.now - start > Self.longest { Issue.record("input \(number) took too long") }
    }
    #expect(read > inputs / 100)
  }

  /// Printed rules have no templates any more: all else is the same.
  private func same(_ left: [Rule], _ right: [Rule]) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { a, b in
        var b = b
        b.template = a.template
        return a.canonicalText == b.canonicalText && a.terms.map(\.text) == b.terms.map(\.text)
      }
  }

  @Test func aGeneratedRulePrintsAndReadsBackAsItself() throws {
    let seed = setting("SEED", 20_261_121)
    print("generated rules: seed \(seed) (SEED)")
    var random = SeededGenerator(seed: seed)
    for number in 0..<500 {
      let text = "rules:\n" + (0...random.below(4)).map { rule("r\($0)", &random) }.joined()
      let set = try RuleSet.load(files: [("r", text)])
      let again = try RuleSet.load(files: [("p", RulePrinter.text(set.rules))])
      #expect(again.hash == set.hash, "rules \(number): \(text)")
      #expect(again.rules.map { $0.terms.map(\.text) } == set.rules.map { $0.terms.map(\.text) })
    }
  }

  private func rule(_ id: String, _ random: inout SeededGenerator) -> String {
    let words = ["가나다", "a: b #c", "\\\"'", "- x", "é", "true", "12", "[a]", "{b}", "🛍️ z", "x\\ny"]
    func word() -> String {
      "\"\(random.pick(words).replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
    func actions() -> String {
      var parts = ["labels: [\"\(random.pick(["가", "b c", "true", "'", "x:y"]))\", z\(random.below(9))]"]
      if random.chance(30) { parts.append("alert: {channel: ops, text: \(word())}") }
      if random.chance(30) { parts.append("gift: true") }
      if random.chance(30) { parts.append("mark: \(word())") }
      if random.chance(30) { parts.append("hold: \(word())") }
      return "{\(parts.joined(separator: ", "))}"
    }
    let condition = random.pick(Self.conditions.filter { !$0.contains("cond.") && !$0.contains("? amount") })
    var text = "  - id: \(id)\n    name: \(word())\n    then: \(actions())\n"
    func maybe(_ line: String) { if random.chance(40) { text += "    \(line)\n" } }
    text += "    if: '\(condition.replacing("'", with: "''"))'\n"
    maybe("description: \(word())")
    maybe("owner: \(word())")
    maybe("otherwise: \(actions())")
    maybe("priority: \(random.below(9) - 4)")
    maybe("stop: true")
    maybe("group: g\(random.below(2))")
    maybe("state: \(random.pick(["draft", "shadow", "active", "retired"]))")
    maybe("when: [order.placed, order.paid]")
    maybe("effective_from: \"2026-10-10T00:00:00.5+09:00\"")
    maybe("effective_until: \"2027-10-10T00:00:00Z\"")
    maybe("on_cancel: keep")
    if random.chance(30) { text += "    scope: item\n    match: item.quantity >= 2 && item.sku != \"a\"\n" }
    return text
  }
}
