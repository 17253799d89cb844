import Orders
import RuleTools
import Rules
import Testing
import Topics

/// What lint says, rule by rule.
struct LintTests {
  private func lint(_ rules: String, _ surroundings: LintSurroundings = .init()) -> [String] {
    Linter.report(files: [("r.yaml", "rules:\n" + rules)], surroundings).findings.map {
      "\($0.diagnostic.line):\($0.diagnostic.column) \($0.severity) \($0.code) \($0.rules.joined(separator: ","))"
    }
  }

  private func one(_ condition: String) -> [String] {
    lint("  - {id: a, if: '\(condition)', then: {labels: [x]}}\n").map {
      String($0.split(separator: " ").dropFirst().prefix(2).joined(separator: " "))
    }
  }

  static let never = [
    "amount.items > 5 && amount.items < 3", "amount.items > 5 && amount.items < 5.0001",
    "payment.status == \"paid\" && payment.status == \"unpaid\"", "amount.items < 0",
    "gift.is_gift && !gift.is_gift",
    "!(amount.items >= 5 || amount.items < 7)", "history.orders > 3 && history.orders < 4",
    "history.orders == 1.5",
    "hour(order.placed_at) < 5 && timeBetween(order.placed_at, \"06:00\", \"23:00\")",
    "date(order.placed_at) == \"2026-10-10\" && order.placed_at < timestamp(\"2026-10-10T00:00:00+09:00\")",
    "ip.foreign && ip.country == \"KR\"", "isMissing(grade) && grade == \"a\"", "isMissing(amount.items)",
    "grade.startsWith(\"V\") && grade in [\"gold\", \"silver\"]",
    "grade.startsWith(\"a\") && grade.startsWith(\"b\")",
    "grade.contains(\"vip\") && !grade.contains(\"v\")", "items.exists(i, i.quantity > 3 && i.quantity <= 3)",
    "allItems.exists(i, i.stock.after < i.stock.safety && i.stock.safety < i.stock.after)",
    "dayOfWeek(order.placed_at) == 7", "bundle.partners < 0",
    "history.returns(3) >= 2 && history.returns(3) <= 1",
    "gift.is_gift ? amount.items < 0 : isMissing(currency)", "(amount.items > 5) == (amount.items <= 5)",
    "isMissing(order.paid_at) && hour(order.paid_at) < 5", "payment.status in [] ",
    "size(grade) == 0", "size(items) > 3 && items.size() < 2", "count(claims) < 0",
    "sum(items.map(i, i.quantity * i.price)) < 0",
    "order.placed_at.getHours() == 24", "order.placed_at.getMonth() == 12",
    "hour(order.placed_at) > order.placed_at.getHours()",
    "order.placed_at.getFullYear() == 2026 && order.placed_at < timestamp(\"2026-01-01T00:00:00+09:00\")",
    "order.placed_at.getDate() == 1 && order.placed_at.getDayOfMonth() > 0",
    "addMonths(order.placed_at, -3) > order.placed_at",
    "overdue(\"unpaid\", duration(\"72h\")) && !overdue(\"unpaid\", duration(\"2d\"))",
    "overdue(\"purchase\", \"A\", duration(\"60d\")) && !overdue(\"purchase\", \"A\", duration(\"30d\"))",
    "expiring(\"coupon\", duration(\"1d\")) && !expiring(\"coupon\", duration(\"48h\"))",
    "duplicate.partners(duration(\"10m\")) > 0 && duplicate.partners(duration(\"30m\")) == 0",
    "history.returns(3) > 1 && history.claims(6) < 2", "claims.exists(c, c.completed) && size(claims) == 0",
    "coupons.exists_one(c, c.type == \"a\") && !coupons.exists(d, d.type == \"a\")",
    "receivers.exists(r, r.country == \"KR\" && r.country == \"US\")",
    "claims.all(c, c.completed) && claims.exists(x, !x.completed)",
    "size(items.filter(i, i.quantity > 3 && i.quantity < 2)) > 0",
    "grade == \"VIP1\" && !grade.matches(\"^VIP\\\\d$\")",
    "grade in [\"a\", \"b\"] && grade.matches(\"[0-9]\")",
    "grade.matches(\"^a\") && !grade.startsWith(\"a\")", "grade.matches(\"x|y\") && !grade.matches(\"x|y\")",
    "min(items.map(i, i.price)) > 5 && max(items.map(i, i.price)) < 3",
    "size(zones) == 2 && isMissing(zones)",
    "\"S\" in items.map(i, i.sku) && !items.exists(x, x.sku == \"S\")",
  ]
  @Test(arguments: never) func aConditionThatCannotHoldIsFound(_ condition: String) {
    #expect(one(condition) == ["warning never-true"])
  }

  static let always = [
    "amount.items >= 0", "gift.is_gift || !gift.is_gift", "amount.paid > 5 || amount.paid <= 5",
    "has(amount.items)", "isMissing(zones) || has(zones)",
    "payment.status in [\"paid\", \"unpaid\", \"partly\"]",
    "hour(order.placed_at) < 24", "!(amount.items < 0 || bundle.partners < 0)",
    "items.exists(i, i.quantity > 3) || !items.exists(j, j.quantity > 3)",
    "size(allItems) >= size(items) || size(items) >= 0",
    "receivers.all(r, r.has_address) || receivers.exists(r, !r.has_address)",
    "order.placed_at.getSeconds() <= 59",
    "overdue(\"unpaid\", duration(\"72h\")) || !overdue(\"unpaid\", duration(\"72h\"))",
    "duplicate.partners(duration(\"10m\")) <= duplicate.partners(duration(\"30m\"))",
  ]
  @Test(arguments: always) func aConditionThatAlwaysHoldsIsFound(_ condition: String) {
    #expect(one(condition) == ["warning always-true"])
  }

  static let fine = [
    "amount.items > 3 && amount.items < 5", "amount.items > 5 && amount.paid < 3", "true",
    "\"제주\" in zones && !(\"제주\" in zones && \"도서산간\" in zones)",
    "isMissing(history.orders) || history.orders == 0",
    "items.exists(i, i.sku == \"a\") && items.exists(i, i.sku == \"b\")",
    "items.exists(i, i.quantity > 3) && !items.exists(i, i.quantity > 4)",
    "grade.startsWith(\"a\") && grade.endsWith(\"b\")", "amount.items - amount.paid < 0",
    "timeBetween(order.placed_at, \"22:00\", \"05:00\") && hour(order.placed_at) < 12",
    "isMissing(zones) && \"제주\" in zones",
    "history.returns(3) <= 1 && history.returns(6) >= 2", "grade != \"a\" && grade != \"b\"",
    "-amount.items < 0",
    "items.all(i, i.quantity > 3 && i.quantity <= 3)", "!(dayOfWeek(order.placed_at) in [0, 6])",
    "overdue(\"unpaid\", duration(\"48h\")) && !overdue(\"unpaid\", duration(\"72h\"))",
    "overdue(\"unpaid\", duration(\"72h\")) && !overdue(\"unshipped\", duration(\"48h\"))",
    "overdue(\"purchase\", \"A\", duration(\"60d\")) && !overdue(\"purchase\", duration(\"30d\"))",
    "isMissing(overdue(\"purchase\", duration(\"60d\")))",
    "expiring(\"coupon\", duration(\"48h\")) && !expiring(\"coupon\", duration(\"1d\"))",
    "duplicate.partners(duration(\"10m\")) == 0 && duplicate.partners(duration(\"30m\")) > 0",
    "sum(claims.map(c, c.refund)) < 0", "min(items.map(i, i.stock.after)) < 0",
    "size(items) > 3 && size(claims) < 2",
    "items.exists(i, i.sku == \"a\") && claims.exists(i, i.kind == \"return\")",
    "grade.matches(\"^a\") && grade.matches(\"b$\")", "grade == \"VIP12\" || grade.matches(\"^VIP\\\\d$\")",
    "addMonths(order.placed_at, 1) > timestamp(\"2026-01-31T00:00:00+09:00\")",
    "history.claims(3) > history.returns(3)", "coupons.exists_one(c, c.type == \"a\") || size(coupons) > 5",
    "items.exists(i, i.quantity > 3) && !allItems.exists(i, i.quantity > 3)",
    "order.paid_at - order.placed_at <= duration(\"1h\") && order.paid_at > order.placed_at",
  ]
  @Test(arguments: fine) func whatMayHoldIsLeftAlone(_ condition: String) { #expect(one(condition) == []) }

  @Test func aPartThatTheOthersSayIsANote() {
    #expect(one("amount.items >= 5 && amount.items >= 3") == ["note needless"])
    #expect(
      one("overdue(\"unpaid\", duration(\"72h\")) && overdue(\"unpaid\", duration(\"48h\"))") == [
        "note needless"
      ])
    #expect(
      one("duplicate.partners(duration(\"10m\")) > 0 && duplicate.partners(duration(\"30m\")) > 0")
        == ["note needless"])
    #expect(one("amount.items >= 5 && (amount.items < 0 || gift.is_gift)") == ["warning never-true"])
  }

  @Test func rulesThatRepeatOrSpoilEachOtherAreFound() {
    let found = lint(
      """
        - {id: a, if: amount.items >= 100, then: {labels: [x]}}
        - {id: b, if: amount.items>=100, then: {labels: [x]}}
        - {id: c, if: amount.items >= 200, then: {labels: [x]}}
        - {id: d, if: amount.items >= 50, then: {labels: [x]}, on_cancel: keep}
        - {id: e, if: amount.items >= 300, then: {labels: [y]}, otherwise: {labels: [y]}}

      """)
    #expect(
      found == [
        "3:10 warning duplicate b,a", "4:10 warning implied c,a", "4:10 warning implied c,b",
        "5:69 warning conflict d,a", "6:70 warning conflict e",
      ])
  }

  @Test func rulesThatAnotherKeepsFromActingAreFound() {
    let found = lint(
      """
        - {id: a, priority: 2, stop: true, if: amount.items >= 100, then: {labels: [a]}}
        - {id: b, priority: 1, if: amount.items >= 200, then: {labels: [b]}}
        - {id: c, priority: 1, if: amount.items >= 50, then: {labels: [c]}}
        - {id: d, priority: 2, if: amount.items >= 200, then: {labels: [d]}}
        - {id: e, group: g, priority: 3, if: 'amount.items >= 10', then: {labels: [e]}}
        - {id: f, group: g, priority: 3, if: amount.items >= 20, then: {labels: [f]}}
        - {id: h, stop: true, if: ip.foreign, then: {labels: [h]}}

      """)
    #expect(
      found == ["3:10 warning unreachable b,a", "7:10 warning unreachable f,e", "8:19 warning needless h"])
  }

  @Test func whatTheSurroundingsLackIsFound() {
    var surroundings = LintSurroundings()
    surroundings.lists = ["event", "new"]
    surroundings.unavailable = ["item.stock", "ip"]
    surroundings.now = Instant(rfc3339: "2026-10-10T00:00:00Z")
    let found = lint(
      """
        - {id: a, if: 'inList("evnt") || inList("new")', then: {labels: [a]}}
        - {id: b, if: ip.foreign && amount.items > 5, then: {labels: [b]}}
        - {id: c, if: ip.foreign || amount.items > 5, then: {labels: [c]}}
        - {id: d, if: 'allItems.exists(i, i.stock.after <= i.stock.safety)', then: {labels: [d]}}
        - {id: e, if: amount.items > 7, then: {labels: [e]}, effective_until: "2026-10-09T00:00:00Z"}

      """, surroundings)
    #expect(
      found == [
        "2:18 warning unknown-list a", "3:20 warning never-known b", "4:17 note never-known c",
        "5:27 warning never-known d", "6:73 warning over e",
      ])
  }

  @Test func aRangeOfCouponsThatLiesTheOtherWayIsFound() {
    var surroundings = LintSurroundings()
    surroundings.now = Instant(rfc3339: "2026-10-10T00:00:00Z")
    func found(_ condition: String) -> [String] {
      lint("  - {id: a, if: '\(condition)', then: {labels: [a]}}\n", surroundings).map {
        $0.split(separator: " ").dropFirst().joined(separator: " ")
      }
    }
    let (past, ahead) = ("timestamp(\"2026-10-09T00:00:00Z\")", "timestamp(\"2026-10-11T00:00:00Z\")")
    for other in [
      "c.issued_at >= \(ahead)", "\(ahead) < c.issued_at", "c.expires_at <= \(past)",
      "c.expires_at == \(past)",
    ] {
      #expect(found("heldCoupons.exists(c, \(other))") == ["warning other-way a"], "\(other)")
    }
    for right in [
      "c.issued_at >= \(past) && c.issued_at < \(ahead)", "c.expires_at >= \(ahead)",
      "c.expires_at > \(past)",
    ] {
      #expect(found("heldCoupons.exists(c, \(right))").isEmpty, "\(right)")
    }
  }

  @Test func aPaymentMethodThatNobodyKnowsIsFound() {
    let found = lint(
      """
        - {id: a, if: '"crad" in payment.methods || "card" in payment.methods', then: {labels: [a]}}
        - {id: b, if: 'amount.paid > 5 && !("cash" in payment.methods)', then: {labels: [b]}}
        - {id: c, if: '"Z" in coupons && size(payment.methods) > 1', then: {labels: [c]}}

      """)
    #expect(found == ["2:25 warning unusual-value a"])
  }

  /// What ingest counts as unknown is what lint warns of.
  @Test func theKnownPaymentMethodsAreTheSameEverywhere() throws {
    let entry = try #require(FactCatalog.entries.first { $0.name == "payment.methods" })
    #expect(entry.usualValues.count == 16)
    let reader = OrderEventReader(
      secret: try #require(IdentitySecret(bytes: [UInt8](repeating: 7, count: 32))))
    for (methods, unknown) in [(entry.usualValues, 0), (["crad"], 1)] {
      let list = methods.map { "\"\($0)\"" }.joined(separator: ",")
      let event = Array(
        """
        {"mall_id": "m", "shop_no": 1, "order_id": "o", "event_time": "2026-10-10T09:30:00+09:00", "version": 1,
        "placed_at": "2026-10-10T09:30:00+09:00", "payment": {"methods": [\(list)]}}
        """.utf8)
      var writer = ProtobufWriter()
      let reading = event.withUnsafeBytes { reader.read($0, into: &writer) }
      guard case .accepted(let routing) = reading else {
        Issue.record("refused: \(reading)")
        continue
      }
      #expect(routing.unknownCodes == unknown)
    }
  }

  /// What a mall cannot supply, and whether the rule is then never true.
  static let unsupplied: [(without: String, condition: String, isNever: Bool)] = [
    ("claims", "claims.exists(c, c.completed)", true), ("claims", "size(claims) > 0", true),
    ("claims", "sum(claims.map(c, c.quantity)) >= 1", true), ("claims", "size(claims) == 0", false),
    ("claims", "max(claims.map(c, c.quantity)) < 5", true), ("claims", "claims.all(c, c.completed)", false),
    ("receivers", "receivers.exists(r, r.country == \"US\")", true),
    ("receivers", "receivers.count > 1", true),
    ("coupons", "coupons.exists(c, c.type == \"a\")", true), ("coupons", "\"a\" in coupons", true),
    ("coupons", "!(\"a\" in coupons)", false), ("claim.refund", "claims.exists(c, c.refund > 5)", true),
    ("overdue", "overdue(\"unpaid\", duration(\"72h\"))", true),
    ("overdue", "overdue(\"purchase\", \"A\", duration(\"72h\"))", true),
    ("duplicates", "duplicate.partners(duration(\"10m\")) >= 1", true),
    ("duplicate.partners", "duplicate.partners(duration(\"10m\")) == 0", true),
    ("history.returns", "history.returns(3) == 0", true),
    ("history.returns", "history.claims(3) == 0", false),
    ("holidays", "isHoliday(order.placed_at)", true), ("lists", "inList(\"event\")", true),
    ("lists", "items.exists(i, i.inList(\"event\"))", true), ("grade", "grade.matches(\"^V\")", true),
    ("grade", "size(grade) >= 2", true), ("order.paid_at", "order.paid_at.getHours() < 12", true),
    ("order.paid_at", "addMonths(order.paid_at, 1) > order.placed_at", true),
    ("zones", "size(zones) == 1", true),
  ]

  @Test(arguments: unsupplied.indices) func whatAMallCannotSupplyIsToldOfEachForm(_ index: Int) throws {
    let (without, condition, isNever) = Self.unsupplied[index]
    var surroundings = LintSurroundings()
    surroundings.unavailable = [try MallCapabilities.fact(without, place: "test")]
    let found = lint("  - {id: a, if: '\(condition)', then: {labels: [x]}}\n", surroundings).map {
      $0.split(separator: " ").dropFirst().prefix(2).joined(separator: " ")
    }
    if isNever {
      #expect(found == ["warning never-known"])
    } else {
      #expect(!found.contains("warning never-known"))
    }
  }

  @Test func aConditionOutsideItsDatesIsFound() {
    let found = lint(
      """
        - id: a
          if: date(order.placed_at) >= "2027-01-01"
          effective_until: "2027-01-01T00:00:00+09:00"
          then: {labels: [a]}
        - id: b
          if: date(order.placed_at) >= "2026-12-31"
          effective_until: "2027-01-01T00:00:00+09:00"
          then: {labels: [a]}

      """)
    #expect(found == ["3:9 warning never-true a"])
  }

  @Test func mistakesComeWithTheOtherRulesFindingsAndDecideTheExitCode() {
    let text = """
      rules:
        - {id: a, if: amount.item > 5, then: {labels: [x]}}
        - {id: b, if: amount.items < 0, then: {labels: [x]}}
      """
    let report = Linter.report(files: [("r.yaml", text)], .init())
    #expect(report.findings.map(\.code) == ["invalid", "never-true"])
    #expect(report.findings[0].text.contains("did you mean amount.items?"))
    #expect(report.exitCode(strict: false) == 2)
    let clean = Linter.report(
      files: [("r.yaml", text.replacing("amount.item >", with: "amount.items >"))], .init())
    #expect(clean.exitCode(strict: false) == 0)
    #expect(clean.exitCode(strict: true) == 1)
    #expect(clean.json.contains("\"code\":\"never-true\""))
  }

  @Test func aMallsOwnRulesAreLookedAtWithTheSharedOnes() {
    let files = [
      ("shared.yaml", "rules:\n  - {id: a, if: amount.items >= 5, then: {labels: [x]}}\n"),
      ("mall.yaml", "mall: m\nrules:\n  - {id: b, if: amount.items >= 6, then: {labels: [x]}}\n"),
    ]
    let report = Linter.report(files: files.map { (path: $0.0, text: $0.1) }, .init())
    #expect(report.findings.map(\.code) == ["implied"])
    #expect(report.findings[0].rules == ["b", "a"])
  }

  @Test func aParameterThatIsUsedNowhereIsFound() {
    let text = """
      template: T
      parameters:
        least: {type: int, default: 5}
        most: {type: int, default: 9}
      if: amount.items >= params.least
      then: {labels: [x]}
      """
    let report = Linter.report(files: [("t.yaml", text)], .init())
    #expect(report.findings.map { "\($0.code) \($0.diagnostic.line)" } == ["unused-parameter 4"])
  }
}
