import Rules
import Topics

/// What a customer holds besides orders, from the wire into a batch's columns; only facts that some rule uses.
enum ProfileColumns {
  /// A `HeldCoupons` of topics/order.proto.
  static func fillHeldCoupons(_ message: ProtobufReader, _ layout: FactLayout, _ batch: FactBatch) {
    guard layout.uses(.heldCouponCount) || layout.usesLines(.heldCoupon) else { return }
    var reader = message
    var count: Int64 = 0
    while reader.next() {
      guard reader.field == 1 else {
        reader.skip()
        continue
      }
      count += 1
      fillHeldCoupon(reader.message(), layout, batch)
    }
    batch.setInt(.heldCouponCount, count)
  }

  private static func fillHeldCoupon(_ message: ProtobufReader, _ layout: FactLayout, _ batch: FactBatch) {
    guard layout.usesLines(.heldCoupon), batch.addLine(.heldCoupon) else { return }
    var reader = message
    while reader.next() {
      switch reader.field {
      case 1: setText(.heldCouponNumber, reader.slice(), layout, batch)
      case 2: setText(.heldCouponType, reader.slice(), layout, batch)
      case 3: batch.setLineInt(.heldCouponIssuedAt, reader.int64())
      case 4: batch.setLineInt(.heldCouponExpiresAt, reader.int64())
      default: reader.skip()
      }
    }
  }

  /// A `Cart` of topics/order.proto. `currency`: the order's; prices in another one are missing.
  static func fillCart(
    _ message: ProtobufReader, currency: UnsafeRawBufferPointer, _ layout: FactLayout, _ batch: FactBatch
  ) {
    guard
      layout.uses(.cartProducts) || layout.uses(.cartQuantity) || layout.uses(.cartAmount)
        || layout.usesLines(.cartLine)
    else { return }
    var cart = Cart()
    var reader = message
    // The currency comes first, being the first field.
    while reader.next() {
      switch reader.field {
      case 1: cart.isSameCurrency = reader.slice().elementsEqual(currency)
      case 2: fillLine(reader.message(), &cart, layout, batch)
      default: reader.skip()
      }
    }
    batch.setInt(.cartProducts, Int64(cart.products.count))
    batch.setInt(.cartQuantity, cart.quantity)
    if cart.isSameCurrency, let amount = cart.amount { batch.setMoney(.cartAmount, minorUnits: amount) }
  }

  private struct Cart {
    var isSameCurrency = false
    var products: Set<[UInt8]> = []
    var quantity: Int64 = 0
    /// Nil: out of range.
    var amount: Int64? = 0

    mutating func add(_ price: Int64, _ count: Int64) {
      quantity &+= count
      guard let sum = amount else { return }
      let (line, isLarge) = price.multipliedReportingOverflow(by: count)
      let (total, isLarger) = sum.addingReportingOverflow(line)
      amount = isLarge || isLarger ? nil : total
    }
  }

  private static func fillLine(
    _ message: ProtobufReader, _ cart: inout Cart, _ layout: FactLayout, _ batch: FactBatch
  ) {
    let isLine = layout.usesLines(.cartLine) && batch.addLine(.cartLine)
    var reader = message
    var (quantity, price): (Int64, Int64) = (0, 0)
    var product = UnsafeRawBufferPointer(start: nil, count: 0)
    while reader.next() {
      switch reader.field {
      case 1: product = reader.slice()
      case 2:
        let sku = reader.slice()
        if isLine { setText(.cartLineSku, sku, layout, batch) }
      case 3: quantity = reader.int64()
      case 4, 5: price &+= reader.int64()
      case 6:
        let added = reader.int64()
        if isLine { batch.setLineInt(.cartLineAddedAt, added) }
      default: reader.skip()
      }
    }
    cart.products.insert([UInt8](product))
    cart.add(price, quantity)
    guard isLine else { return }
    setText(.cartLineProductCode, product, layout, batch)
    batch.setLineInt(.cartLineQuantity, quantity)
    if cart.isSameCurrency { batch.setLineMoney(.cartLinePrice, minorUnits: price) }
  }

  private static func setText(
    _ fact: Fact, _ bytes: UnsafeRawBufferPointer, _ layout: FactLayout, _ batch: FactBatch
  ) {
    if layout.uses(fact) { batch.setLineString(fact, bytes.assumingMemoryBound(to: UInt8.self)) }
  }
}
