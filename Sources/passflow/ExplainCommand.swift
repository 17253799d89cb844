import Files
import RuleTools
import Rules
import Stage

/// `passflow rules explain`: why each rule says what it says of one order.
enum ExplainCommand {
  static let parser = CommandLineParser([
    CommandOption(
      "order", value: "FILE", "the order: one order event (docs/orders.md); - for standard input"),
    CommandOption("orders", value: "FILE", "earlier order events, one a line: the customer's history"),
    CommandOption("order-id", value: "ID", "without --order: which order of --orders; or MALL/SHOP/ID"),
    CommandOption(
      "rules", value: "PATH", mayRepeat: true, "rule files or folders; without it the shipped ones"),
    CommandOption("rule", value: "ID", mayRepeat: true, "only these rules"),
    CommandOption("reference", value: "DIR", "folder of reference data (zones, lists, stock, holidays, geo)"),
    CommandOption("lang", value: "ko|en", "language of the words (ko)"),
    CommandOption("format", value: "text|json", "for people or for programs (text)"),
    CommandOption("help", "print this"),
  ])

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "rules explain",
      about: "Says of one order why each rule holds, does not, or waits, with every value it looked at.")
    guard let parsed else { return code }
    let languageName = parsed.value("lang") ?? "ko"
    guard let language = Language(rawValue: languageName) else {
      StandardStream.error.write("passflow rules explain: --lang takes ko or en, not \(languageName)\n")
      return .usage
    }
    let format = parsed.value("format") ?? "text"
    guard format == "text" || format == "json" else {
      StandardStream.error.write("passflow rules explain: --format takes text or json, not \(format)\n")
      return .usage
    }
    return guarded("rules explain") {
      var search = OrderSearch()
      search.history = parsed.value("orders")
      search.orderId = parsed.value("order-id")
      if let path = parsed.value("order") { search.order = try OrderSearch.event(path) }
      let book = try RuleFiles.book(parsed.values("rules"))
      let only = Set(parsed.values("rule"))
      let reference = try ReferenceFiles.load(directory: parsed.value("reference")).0
      let answer = try search.answer(book, reference)
      if let unknown = only.subtracting(answer.rules.map(\.rule.id)).sorted().first {
        throw UserError("there is no rule \(unknown) that is decided")
      }
      StandardStream.output.write(
        format == "json" ? answer.json(rules: only) : answer.text(language, rules: only))
      return .success
    }
  }
}
