import Glibc
import Rules

/// The rule sets that are measured.
enum BenchmarkRules {
  struct Failure: Error, CustomStringConvertible { var description: String }

  static let templates = [
    "FIRST_ORDER", "ISLAND_SHIP", "HIGH_VALUE", "BUNDLE_SHIP", "BANK_ALERT", "VIP_GIFT", "FRAUD_CHECK",
    "RETURN_RISK", "SAME_DAY", "STOCK_ALERT",
  ]

  /// The ten templates and the nine examples as shipped; `root` is the folder with `config/`.
  static func shipped(root: String) throws -> RuleSet {
    let paths = templates.map { "config/templates/\($0).yaml" } + ["config/rules/examples.yaml"]
    return try RuleSet.load(files: paths.map { ($0, try text(of: "\(root)/\($0)")) })
  }

  static func text(of path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw Failure(description: "cannot read \(path)") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let length = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<length], as: UTF8.self)
  }

  /// Twenty rules for each mall, made from the shipped templates with parameters of its own.
  static func malls(_ count: Int, root: String) throws -> [(path: String, text: String)] {
    try templates.map { ("config/templates/\($0).yaml", try text(of: "\(root)/config/templates/\($0).yaml")) }
      + (0..<count).map { ("mall\($0).yaml", mall($0)) }
  }

  /// `number` sets the parameters.
  static func mall(_ number: Int) -> String {
    var text = "mall: m\(number)\nrules:\n"
    var rule = 0
    func add(_ template: String, _ params: String = "") {
      text += "  - {id: r\(rule), template: \(template), params: {\(params)}, then: {labels: [L\(rule)]}}\n"
      rule += 1
    }
    let base = number * 37 % 9_973
    for step in 1...5 { add("HIGH_VALUE", "at_least: \(20_000 * step + base * 10)") }
    for step in 1...4 { add("VIP_GIFT", "at_least: \(200_000 * step + base * 100)") }
    for step in 1...3 { add("FRAUD_CHECK", "at_least: \(40_000 * step + base * 10)") }
    add("RETURN_RISK", "at_least: \(1 + number % 4)")
    add("RETURN_RISK", "months: 6, at_least: \(1 + number % 5)")
    for hour in 10...11 { add("SAME_DAY", "cutoff: \"\(hour):\(10 + number % 50)\"") }
    for template in ["FIRST_ORDER", "ISLAND_SHIP", "BANK_ALERT", "STOCK_ALERT"] { add(template) }
    return text
  }

  /// `count` rules of the nineteen shapes, with constants that differ from turn to turn.
  static func varied(count: Int) throws -> RuleSet {
    if count > RuleSet.rulesMax {
      throw Failure(description: "a set has at most \(RuleSet.rulesMax) rules")
    }
    let lines = (0..<count).map { index in
      "  - {id: r\(index), if: '\(condition(index % 19, index / 19))', then: {labels: [L\(index % 50)]}}"
    }
    return try RuleSet.load(files: [("varied.yaml", "rules:\n" + lines.joined(separator: "\n"))])
  }

  private static func condition(_ shape: Int, _ turn: Int) -> String {
    let months = 1 + turn % 24
    let list = ["event", "same_day", "new", "best", "l\(turn % 40)"][turn % 5]
    let amount = 20_000 + turn * 7_300
    let hour = String(10 + turn % 13)
    let zones = ["제주", "도서산간", "none"]
    switch shape {
    case 0: return "history.orders == \(turn)"
    case 1, 11: return "\"\(zones[turn % 3])\" in zones || \"\(zones[(turn + 1) % 3])\" in zones"
    case 2: return "amount.items >= \(amount)"
    case 3, 16: return "bundle.partners >= \(1 + turn)"
    case 4:
      return "\"\(["cash", "card", "point"][turn % 3])\" in payment.methods && payment.status == \"unpaid\""
    case 5: return "history.amount >= \(amount * 5)"
    case 6: return "ip.foreign && amount.items >= \(amount + 11)"
    case 7: return "history.claims(\(months)) >= \(1 + turn % 4)"
    case 8:
      return
        "inList(\"\(list)\") && payment.status == \"paid\" && timeOfDay(order.paid_or_placed_at) < \"\(hour):30\" "
        + "&& !(dayOfWeek(order.paid_or_placed_at) in [0, \(turn % 7)]) && !isHoliday(order.paid_or_placed_at)"
    case 9: return "allItems.exists(i, i.live && i.stock.after <= i.stock.safety + \(turn))"
    case 10: return "history.amount >= \(amount * 9)"
    case 12: return "amount.items >= \(amount + 23) && history.orders == \(turn) && ip.foreign"
    case 13: return "inList(\"\(list)\")"
    case 14: return "history.returns(\(months)) >= \(2 + turn % 3)"
    case 15: return "inList(\"\(list)\") && timeOfDay(order.placed_at) < \"\(hour):00\""
    case 17: return "inList(\"\(list)\") || inList(\"best\")"
    default: return "amount.items >= \(amount * 3)"
    }
  }
}
