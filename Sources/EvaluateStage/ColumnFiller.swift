import Orders
import Rules
import Topics

/// What a row's decision needs besides the columns; byte slices point into the input record.
struct RowIdentity {
  var mallId = UnsafeRawBufferPointer(start: nil, count: 0)
  var shopNo: Int64 = 0
  var orderId = UnsafeRawBufferPointer(start: nil, count: 0)
  var version: Int64 = 0
  var placedAt: Int64 = 0
  var currency = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Items of the row in `ColumnFiller.items`.
  var items: Range<Int> = 0..<0
  /// Its `FactValues` message in `ColumnFiller.digests`.
  var digest: Range<Int> = 0..<0
}

/// Reads enriched records into a batch's columns, straight from the wire; only facts that some rule uses.
struct ColumnFiller: ~Copyable {
  struct Item {
    var code: UnsafeRawBufferPointer
    var isLive: Bool
  }

  let layout: FactLayout
  private(set) var items: [Item] = []
  var digests = ProtobufWriter(capacity: 1 << 16)
  /// By the code's three bytes.
  private var currencies: [UInt32: Currency] = [:]

  // Of the row at hand, while its facts are read.
  var listNames: [UnsafeRawBufferPointer] = []
  /// At most two.
  var zones: [UnsafeRawBufferPointer] = []
  var stock: [(item: Int, after: Int64, safety: Int64)] = []
  var itemLists: [UInt64] = []

  init(layout: FactLayout) { self.layout = layout }

  mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    digests.removeAll()
  }

  /// Adds one row; nil when the bytes are malformed (the row then stands empty in the batch) or it is full.
  mutating func add(
    snapshot: UnsafeRawBufferPointer, facts: UnsafeRawBufferPointer, to batch: FactBatch
  ) -> RowIdentity? {
    var row = RowIdentity()
    guard let currency = scanCurrency(snapshot, &row) else { return nil }
    guard batch.beginOrder(currencyDecimals: currency.decimals) else { return nil }
    let digestStart = digests.count
    let firstItem = items.count
    guard fillSnapshot(snapshot, batch, &row), fillFacts(facts, row, batch) else {
      return nil
    }
    row.items = firstItem..<items.count
    row.digest = digestStart..<digests.count
    return row
  }

  /// The currency decides how every amount is scaled, so it is looked for first.
  private mutating func scanCurrency(_ snapshot: UnsafeRawBufferPointer, _ row: inout RowIdentity)
    -> Currency?
  {
    var reader = ProtobufReader(snapshot)
    while reader.next() {
      if reader.field == 12 {
        row.currency = reader.slice()
        break
      }
      reader.skip()
    }
    if reader.failed { return nil }
    // A code of another length is none.
    guard row.currency.count == 3 else { return .krw }
    let code = row.currency.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    if let known = currencies[code] { return known }
    let currency = Currency(code: String(decoding: row.currency, as: UTF8.self)) ?? .krw
    if currencies.count < 1000 { currencies[code] = currency }
    return currency
  }

  private mutating func fillSnapshot(
    _ snapshot: UnsafeRawBufferPointer, _ batch: FactBatch, _ row: inout RowIdentity
  ) -> Bool {
    var reader = ProtobufReader(snapshot)
    var paidAt: Int64?
    var status = 0
    var addressState = 0
    var isGift = false
    var receivers: Int64 = 0
    var hasMarketNumber = false
    var refunds = Refunds(isAsked: layout.uses(.amountRefunded))
    while reader.next() {
      switch reader.field {
      case 1: row.mallId = reader.slice()
      case 2: row.shopNo = reader.int64()
      case 3: row.orderId = reader.slice()
      case 4: fillCustomer(reader.message(), batch)
      case 5: setText(.event, reader.slice(), batch)
      case 7: row.version = reader.int64()
      case 8: row.placedAt = reader.int64()
      case 9: paidAt = reader.int64()
      case 10: setText(.channel, reader.slice(), batch)
      case 11: hasMarketNumber = reader.slice().count > 0
      case 12: setText(.currency, reader.slice(), batch)
      case 13: refunds.given = fillAmounts(reader.message(), batch)
      case 14: status = Int(truncatingIfNeeded: reader.int64())
      case 15:
        let method = reader.slice()
        digests.presentBytes(11, method)
        if layout.uses(.paymentMethods) { batch.addMethod(method.assumingMemoryBound(to: UInt8.self)) }
      case 16: isGift = reader.bool()
      case 17: addressState = Int(truncatingIfNeeded: reader.int64())
      case 18: batch.setInt(.addressDue, reader.int64())
      case 19: fillCoupon(reader.message(), batch)
      case 21:
        receivers += 1
        fillReceiver(reader.message(), batch)
      case 20: setText(.grade, reader.slice(), batch)
      case 22: fillItem(reader.message(), batch)
      case 23:
        let claim = reader.message()
        refunds.add(claim)
        fillClaim(claim, batch)
      case 26: batch.setBool(.platformFirst, reader.bool())
      case 27: setText(.paymentGateway, reader.slice(), batch)
      case 28: setText(.cardIssuer, reader.slice(), batch)
      case 29: batch.setInt(.installments, reader.int64())
      default: reader.skip()
      }
    }
    guard !reader.failed else { return false }
    batch.setTimes(placedAt: row.placedAt, paidAt: paidAt)
    batch.setInt(.receiverCount, receivers)
    if let sum = refunds.sum { batch.setMoney(.amountRefunded, minorUnits: sum) }
    batch.setPaymentStatus(wire: status)
    batch.setAddressState(wire: addressState)
    batch.setBool(.isGift, isGift)
    batch.setBool(.hasMarketNumber, hasMarketNumber)
    if status > 0 { digests.string(10, status == 1 ? "unpaid" : status == 2 ? "partly" : "paid") }
    digests.optionalInt64(15, paidAt)
    return true
  }

  func setText(_ fact: Fact, _ bytes: UnsafeRawBufferPointer, _ batch: FactBatch) {
    if layout.uses(fact) { batch.setString(fact, bytes.assumingMemoryBound(to: UInt8.self)) }
  }

  private func fillCoupon(_ message: ProtobufReader, _ batch: FactBatch) {
    guard layout.uses(.coupons) || layout.uses(.couponTypes) || layout.usesLines(.coupon) else { return }
    var reader = message
    var number = UnsafeRawBufferPointer(start: nil, count: 0)
    var type = number
    while reader.next() {
      switch reader.field {
      case 1: number = reader.slice()
      case 2: type = reader.slice()
      default: reader.skip()
      }
    }
    batch.addCoupon(
      number: number.assumingMemoryBound(to: UInt8.self), type: type.assumingMemoryBound(to: UInt8.self))
  }

  /// Who ordered: a member, or somebody known by telephone or e-mail.
  private func fillCustomer(_ message: ProtobufReader, _ batch: FactBatch) {
    guard layout.uses(.isMember) || layout.uses(.isGuest) else { return }
    var reader = message
    var kind = 0
    while reader.next() {
      if reader.field == 1 { kind = Int(truncatingIfNeeded: reader.int64()) } else { reader.skip() }
    }
    guard (1...3).contains(kind) else { return }
    batch.setBool(.isMember, kind == 1)
    batch.setBool(.isGuest, kind != 1)
  }

  /// What was paid back, when the sender gave it.
  private func fillAmounts(_ message: ProtobufReader, _ batch: FactBatch) -> Int64? {
    var reader = message
    var refunded: Int64?
    while reader.next() {
      let fact: Fact
      switch reader.field {
      case 2: fact = .amountShipping
      case 3: fact = .amountDiscount
      case 4: fact = .amountOrdered
      case 5: fact = .amountCurrent
      case 6: fact = .amountPaid
      case 7: fact = .amountSurcharge
      case 8: fact = .amountDiscountGrade
      case 9: fact = .amountDiscountCoupon
      case 10: fact = .amountPoints
      case 11:
        refunded = reader.int64()
        continue
      default:
        reader.skip()
        continue
      }
      batch.setMoney(fact, minorUnits: reader.int64())
    }
    return refunded
  }

  private mutating func fillItem(_ message: ProtobufReader, _ batch: FactBatch) {
    var reader = message
    var code = UnsafeRawBufferPointer(start: nil, count: 0)
    var sku = code
    var product = code
    var statusText = code
    var quantity: Int64 = 0
    var price: Int64 = 0
    var isGift = false
    var isVoucher = false
    var hasTracking = false
    while reader.next() {
      switch reader.field {
      case 1: code = reader.slice()
      case 2: product = reader.slice()
      case 3: sku = reader.slice()
      case 4: quantity = reader.int64()
      case 5, 6: price &+= reader.int64()
      case 7: statusText = reader.slice()
      case 8: isGift = reader.bool()
      case 9: isVoucher = reader.bool()
      case 11: hasTracking = reader.bool()
      default: reader.skip()
      }
    }
    let isLive = ItemStatus(statusText.assumingMemoryBound(to: UInt8.self)).isLive
    items.append(Item(code: code, isLive: isLive))
    guard layout.usesItems, batch.addItem(live: isLive, gift: isGift, voucher: isVoucher) else { return }
    if layout.uses(.itemQuantity) { batch.setItemInt(.itemQuantity, quantity) }
    if layout.uses(.itemPrice) { batch.setItemMoney(.itemPrice, minorUnits: price) }
    if layout.uses(.itemSku) { batch.setItemString(.itemSku, sku.assumingMemoryBound(to: UInt8.self)) }
    if layout.uses(.itemProductCode) {
      batch.setItemString(.itemProductCode, product.assumingMemoryBound(to: UInt8.self))
    }
    if layout.uses(.itemStatus) {
      batch.setItemString(.itemStatus, statusText.assumingMemoryBound(to: UInt8.self))
    }
    if layout.uses(.itemTracking) { batch.setItemBool(.itemTracking, hasTracking) }
    if layout.uses(.itemCategories) || layout.uses(.itemBundleCodes) { fillLists(message, batch) }
  }

  /// Again over the item, since its line has to be there first.
  private func fillLists(_ message: ProtobufReader, _ batch: FactBatch) {
    var reader = message
    while reader.next() {
      switch reader.field {
      case 12: batch.addCategory(reader.slice().assumingMemoryBound(to: UInt8.self))
      case 13: batch.addBundleCode(reader.slice().assumingMemoryBound(to: UInt8.self))
      default: reader.skip()
      }
    }
  }

  /// Country and region only; what tells persons apart (zip, fingerprint) stays where it is.
  private func fillReceiver(_ message: ProtobufReader, _ batch: FactBatch) {
    guard layout.usesLines(.receiver), batch.addLine(.receiver) else { return }
    var reader = message
    var hasAddress = false
    while reader.next() {
      switch reader.field {
      case 3: setLine(.receiverRegion, reader.slice(), batch)
      case 4: setLine(.receiverCity, reader.slice(), batch)
      case 5: hasAddress = reader.bool()
      case 6: setLine(.receiverCountry, reader.slice(), batch)
      default: reader.skip()
      }
    }
    batch.setLineBool(.receiverHasAddress, hasAddress)
  }

  private func setLine(_ fact: Fact, _ bytes: UnsafeRawBufferPointer, _ batch: FactBatch) {
    if layout.uses(fact) { batch.setLineString(fact, bytes.assumingMemoryBound(to: UInt8.self)) }
  }

  private func fillClaim(_ message: ProtobufReader, _ batch: FactBatch) {
    guard layout.usesLines(.claim), batch.addLine(.claim) else { return }
    var reader = message
    var (kind, status) = (0, 0)
    var reason = UnsafeRawBufferPointer(start: nil, count: 0)
    var (lines, pieces): (Int64, Int64) = (0, 0)
    while reader.next() {
      switch reader.field {
      case 2: kind = Int(truncatingIfNeeded: reader.int64())
      case 3: status = Int(truncatingIfNeeded: reader.int64())
      case 4: reason = reader.slice()
      case 5: batch.setLineInt(.claimRequestedAt, reader.int64())
      case 6: batch.setLineInt(.claimCompletedAt, reader.int64())
      case 7: batch.setLineMoney(.claimRefund, minorUnits: reader.int64())
      case 8:
        lines += 1
        pieces &+= quantity(ofClaimItem: reader.message())
      default: reader.skip()
      }
    }
    batch.setClaim(kind: kind, status: status, reason: reason.assumingMemoryBound(to: UInt8.self))
    batch.setLineInt(.claimLines, lines)
    batch.setLineInt(.claimQuantity, pieces)
  }

  private func quantity(ofClaimItem message: ProtobufReader) -> Int64 {
    var reader = message
    var quantity: Int64 = 0
    while reader.next() {
      if reader.field == 2 { quantity = reader.int64() } else { reader.skip() }
    }
    return quantity
  }
}
