import Testing

@testable import Rules

/// Lists of lines: items, receivers, claims and coupons.
@Suite struct LineTests {
  /// Outcomes of conditions for one order, from the columns; the scalar evaluator must say the same.
  private func outcomes(_ conditions: [String], _ fill: (FactBatch) -> Void) throws -> [Outcome] {
    let rules = conditions.enumerated().map { index, text in
      "  - {id: r\(10 + index), if: '\(text)', then: {labels: [x]}}\n"
    }
    let set = try RuleSet.load(files: [("r.yaml", "rules:\n" + rules.joined())])
    let plan = try Plan([set])
    let batch = FactBatch(layout: plan.layout, capacity: 64)
    // Orders beside it, so that lines of others are there to be mistaken for its own.
    for row in 0..<3 {
      batch.beginOrder()
      if row == 1 { fill(batch) } else { neighbour(batch) }
    }
    let evaluator = Evaluator(plan: plan, capacity: 64)
    evaluator.evaluate(batch)
    let scalar = ScalarEvaluator(batch: batch, row: 1, zone: plan.zone)
    return set.rules.indices.map { index in
      let outcome = evaluator.outcome(rule: index, row: 1)
      #expect(scalar.outcome(set.rules[index].terms[0].typed) == outcome, "\(conditions[index])")
      return outcome
    }
  }

  private func neighbour(_ batch: FactBatch) {
    item(batch, "Z", 99, 99, list: true)
    batch.addLine(.receiver)
    batch.addLine(.claim)
    batch.addLine(.coupon)
  }

  private func item(
    _ batch: FactBatch, _ sku: String, _ quantity: Int64, _ price: Int64?, live: Bool = true,
    gift: Bool = false,
    list: Bool = false
  ) {
    batch.addItem(live: live, gift: gift)
    batch.setItemString(.itemSku, sku)
    batch.setItemInt(.itemQuantity, quantity)
    if let price { batch.setItemMoney(.itemPrice, minorUnits: price) }
    if batch.namedLists == 0 { batch.addList("event") }
    if list {
      batch.setListMembership(itemIndex: batch.itemCount - 1 - Int(batch.items.starts[batch.row]), mask: 1)
    }
  }

  @Test func sumsAndCountsAreOfTheLinesThatAreMeant() throws {
    let answers = try outcomes([
      "size(items) == 3", "count(allItems) == 5", "sum(items.map(i, i.quantity)) == 6",
      "sum(items.filter(i, i.inList(\"event\")).map(i, i.price * i.quantity)) == 30000",
      "size(items.filter(i, i.quantity >= 2)) == 2", "max(items.map(i, i.price)) == 12000",
      "min(items.filter(i, i.quantity > 1).map(i, i.price)) == 3000", "items.exists_one(i, i.sku == \"A\")",
      "items.exists_one(i, i.quantity >= 2)", "sum(items.map(i, i.quantity > 1, i.quantity)) == 5",
      "items.filter(i, i.quantity >= 2).all(i, i.price >= 3000)", "\"B\" in items.map(i, i.sku)",
      "sum(items.map(i, i.price * i.quantity)) * 2 > amount.items", "size(items) > size(receivers)",
    ]) { batch in
      batch.setMoney(.amountItems, minorUnits: 1)
      item(batch, "A", 2, 12_000, list: true)
      item(batch, "B", 3, 3_000)
      item(batch, "C", 1, 6_000, list: true)
      item(batch, "D", 50, 99_000, live: false, list: true)
      item(batch, "E", 50, 99_000, gift: true)
    }
    #expect(
      answers == [
        .true, .true, .true, .true, .true, .true, .true, .true, .false, .true, .true, .true, .true, .true,
      ])
  }

  @Test func anUnknownLineMakesAFoldUnknownAndAnAnswerThatIsCertainNot() throws {
    let answers = try outcomes([
      "sum(items.map(i, i.price)) >= 0", "max(items.map(i, i.price)) >= 0", "size(items) == 3",
      "size(items.filter(i, i.price > 1)) >= 1", "items.exists(i, i.price > 1)", "items.all(i, i.price > 1)",
      "items.exists_one(i, i.price > 1)", "items.exists_one(i, i.price > 500)",
      "sum(items.filter(i, i.sku != \"?\").map(i, i.price)) == 1300",
      "isMissing(sum(items.map(i, i.price)))",
    ]) { batch in
      item(batch, "A", 1, 600)
      item(batch, "B", 1, 700)
      item(batch, "?", 1, nil)
    }
    #expect(
      answers == [
        .unknown, .unknown, .true, .unknown, .true, .unknown, .false, .false, .true, .true,
      ])
  }

  @Test func ofNoLineTheSumIsZeroAndTheLargestIsMissing() throws {
    let answers = try outcomes([
      "sum(items.map(i, i.price)) == 0", "size(items) == 0", "max(items.map(i, i.price)) >= 0",
      "isMissing(min(items.map(i, i.quantity)))", "items.exists(i, true)", "items.all(i, false)",
      "claims.exists_one(c, true)", "sum(items.map(i, 9223372036854775807)) == 0",
    ]) { _ in }
    #expect(answers == [.true, .true, .unknown, .true, .false, .true, .false, .true])
  }

  @Test func aSumThatDoesNotFitIsUnknown() throws {
    let conditions = [
      "sum(items.map(i, i.quantity)) > 0", "sum(items.filter(i, i.sku != \"C\").map(i, i.quantity)) > 0",
    ]
    // The sum of all three fits although that of the first two does not.
    let answers = try outcomes(conditions) { batch in
      item(batch, "A", .max, 0)
      item(batch, "B", .max, 0)
      item(batch, "C", -.max, 0)
    }
    #expect(answers == [.true, .unknown])
  }

  @Test func receiversClaimsAndCouponsAreAskedLikeItems() throws {
    let answers = try outcomes([
      "receivers.exists(r, r.country == \"US\")", "size(receivers.filter(r, r.has_address)) == 1",
      "receivers.all(r, r.region.startsWith(\"서울\"))", "size(claims) == 2",
      "claims.exists(c, c.kind == \"return\" && c.completed && c.customer_fault)",
      "sum(claims.filter(c, c.completed).map(c, c.refund)) == 15000",
      "max(claims.map(c, c.requested_at)) > order.placed_at", "claims.exists(c, c.kind == \"exchange\")",
      "coupons.exists_one(c, c.type == \"first_purchase\")", "\"C9\" in coupons.map(c, c.number)",
      "claims.exists(c, c.status == \"refused\")", "sum(claims.map(c, c.quantity)) == 4", "\"C1\" in coupons",
    ]) { batch in
      batch.setTimes(placedAt: 5, paidAt: nil)
      batch.addLine(.receiver)
      batch.setLineBool(.receiverHasAddress, true)
      batch.setLineString(.receiverRegion, "서울특별시")
      batch.setLineString(.receiverCountry, "KR")
      batch.addLine(.receiver)
      batch.setLineBool(.receiverHasAddress, false)
      for (kind, status, reason, quantity) in [(2, 3, "A", 1), (1, 4, "X", 3)] as [(Int, Int, String, Int64)]
      {
        batch.addLine(.claim)
        var text = reason
        text.withUTF8 { batch.setClaim(kind: kind, status: status, reason: $0) }
        batch.setLineInt(.claimQuantity, quantity)
        batch.setLineInt(.claimRequestedAt, 4 + quantity)
        if status == 3 { batch.setLineMoney(.claimRefund, minorUnits: 15_000) }
      }
      for (number, type) in [("C1", "first_purchase"), ("C2", "")] {
        var (number, type) = (number, type)
        number.withUTF8 { n in type.withUTF8 { t in batch.addCoupon(number: n, type: t) } }
      }
    }
    #expect(
      answers == [
        .unknown, .true, .unknown, .true, .true, .true, .true, .false, .unknown, .false, .true, .true, .true,
      ])
  }

  static let heldAndCart = [
    "heldCoupons.exists(c, c.type == \"signup\")", "heldCoupons.all(c, c.type == \"signup\")",
    "size(heldCoupons) >= 0", "\"C1\" in heldCoupons.map(c, c.number)", "cart.exists(c, c.sku == \"S1\")",
    "cart.all(c, c.quantity <= 2)", "sum(cart.map(c, c.price * c.quantity)) == 5000",
    "size(cart.filter(c, c.product_code == \"P1\")) == 2", "max(cart.map(c, c.added_at)) >= order.placed_at",
    "cart.products == 1 && cart.quantity == 3 && cart.amount == 5000",
    "heldCoupons.exists_one(c, c.expires_at > order.placed_at)",
  ]

  @Test func heldCouponsAndCartAreAskedLikeItems() throws {
    let answers = try outcomes(Self.heldAndCart) { batch in
      batch.setTimes(placedAt: 5, paidAt: nil)
      batch.setInt(.heldCouponCount, 2)
      for (number, type) in [("C1", "signup"), ("C2", "review")] {
        batch.addLine(.heldCoupon)
        batch.setLineString(.heldCouponNumber, number)
        batch.setLineString(.heldCouponType, type)
        batch.setLineInt(.heldCouponExpiresAt, number == "C1" ? 5 : 6)
      }
      batch.setInt(.cartProducts, 1)
      batch.setInt(.cartQuantity, 3)
      batch.setMoney(.cartAmount, minorUnits: 5000)
      for (sku, quantity, price) in [("S1", 1, 1000), ("S2", 2, 2000)] as [(String, Int64, Int64)] {
        batch.addLine(.cartLine)
        batch.setLineString(.cartLineProductCode, "P1")
        batch.setLineString(.cartLineSku, sku)
        batch.setLineInt(.cartLineQuantity, quantity)
        batch.setLineMoney(.cartLinePrice, minorUnits: price)
        batch.setLineInt(.cartLineAddedAt, 4 + quantity)
      }
    }
    #expect(
      answers == [.true, .false, .true, .true, .true, .true, .true, .true, .true, .true, .true])
  }

  /// An empty cart is not the same as one that nobody told of.
  @Test func whatNobodyToldIsUnknownAndWhatIsEmptyIsNot() throws {
    let unknown = try outcomes(Self.heldAndCart) { _ in }
    #expect(unknown == Self.heldAndCart.map { _ in .unknown })
    let negated = try outcomes(["!cart.exists(c, true)", "cart.all(c, false)", "size(cart) == 0"]) { _ in }
    #expect(negated == [.unknown, .unknown, .unknown])
    let empty = try outcomes([
      "!cart.exists(c, true)", "cart.all(c, false)", "size(cart) == 0", "cart.products == 0",
      "sum(cart.map(c, c.price)) == 0", "max(cart.map(c, c.price)) > 0", "heldCoupons.exists(c, true)",
    ]) { $0.setInt(.cartProducts, 0) }
    #expect(empty == [.true, .true, .true, .true, .true, .unknown, .unknown])
  }

  @Test func whatIsAskedOfAProfileIsDemanded() throws {
    func demand(_ condition: String) throws -> FactDemand {
      try RuleSet.load(files: [("r.yaml", "rules:\n  - {id: r, if: '\(condition)', then: {labels: [x]}}\n")])
        .demand
    }
    for (condition, beyond) in [
      ("customer.grade == \"a\"", ["customer.grade"]), ("heldCoupons.exists(c, true)", ["heldCoupons"]),
      ("customer.coupons > 1", ["heldCoupons"]), ("size(cart) > 1", ["cart"]), ("cart.amount > 1", ["cart"]),
      ("cart.exists(c, c.sku == \"a\") && isMissing(customer.grade)", ["customer.grade", "cart"]),
      ("grade == \"a\"", []),
    ] {
      #expect(try demand(condition).beyond(FactDemand()) == beyond, "\(condition)")
      #expect(try demand(condition).beyond(demand(condition).union(FactDemand())) == [])
    }
  }

  @Test func categoriesAreOfEachItem() throws {
    let answers = try outcomes([
      "items.exists(i, \"식품\" in i.categories && i.quantity == 2)", "items.exists(i, \"식품\" in i.categories)",
      "items.exists(i, size(i.categories) == 2)", "items.exists(i, isMissing(i.categories))",
    ]) { batch in
      item(batch, "A", 1, 1)
      for text in ["식품", "과일", "식품"] {
        var text = text
        text.withUTF8 { batch.addCategory($0) }
      }
      item(batch, "B", 2, 1)
    }
    #expect(answers == [.false, .true, .true, .false])
  }

  @Test func whatListsCannotSayIsRefused() throws {
    for source in [
      "items.filter(i, true)", "items.map(i, i.price) > 1", "sum(items) > 1", "sum(items.map(i, i.sku)) > 1",
      "max(items.filter(i, true)) > 1", "items.map(i, i.price).filter(i, true).exists(i, true)",
      "items.map(i, i.price).exists(i, true)", "size(items.filter(i, i.price)) > 1", "sum(zones) > 1",
      "items.exists(i, size(items) > 1)", "items.exists(i, receivers.exists(r, true))", "claims.any(c, true)",
      "claims.exists(c, c.sku == \"a\")", "claims.exists(c, c.kind == \"refund\")",
      "receivers.exists(r, r.name == \"a\")", "cart.exists(c, c.number == \"a\")", "cart > 1",
      "cart.total > 1",
      "heldCoupons.exists(c, c.sku == \"a\")", "held_coupons.exists(c, true)",
      "\"A\" in items.filter(i, true)", "grade in items.map(i, i.sku)", "1 in items.map(i, i.sku)",
      "size(items, items) > 1",
      "claims.exists(c, c.inList(\"x\"))", "items.exists_one(i) ", "items.size(1) > 1",
    ] {
      guard case .failure = Checker.check(try Parser.parse(source).get()) else {
        Issue.record("taken: \(source)")
        continue
      }
    }
  }
}
