import Orders

/// Money of an event: minor units of its currency (D11).
extension OrderEventPass {
  mutating func writeMoney(into writer: inout ProtobufWriter) {
    writeCurrency(into: &writer)
    if scanObject(fields.order, .amount, fields.amount) {
      let table = fields.amount
      let message = writer.beginMessage(13)
      givenAmount = money(table, .items)
      writer.optionalInt64(1, givenAmount)
      writer.optionalInt64(2, money(table, .shipping))
      writer.optionalInt64(3, money(table, .discount))
      writer.optionalInt64(4, money(table, .ordered))
      writer.optionalInt64(5, money(table, .current))
      writer.optionalInt64(6, money(table, .paid))
      writer.optionalInt64(7, money(table, .surcharge))
      writer.optionalInt64(8, money(table, .discountGrade))
      writer.optionalInt64(9, money(table, .discountCoupon))
      writer.optionalInt64(10, money(table, .points))
      writer.optionalInt64(11, money(table, .refunded))
      writer.endMessage(message)
    }
    path = JSONPath()
    if scanObject(fields.order, .payment, fields.payment) {
      hasPayment = true
      writer.uint64(14, code(fields.payment, .status, fields.paymentStatuses))
      writeTexts(
        fields.payment, .methods, 15, max: OrderEventLimits.methodsMax, fields.methods,
        digitsMax: OrderEventLimits.methodDigitsMax, into: &writer)
    }
    path = JSONPath()
  }

  /// First order and how it was paid. Nothing that could be a card's number passes, not even the few digits that
  /// receipts show.
  mutating func writePaymentDetails(into writer: inout ProtobufWriter) {
    let order = fields.order
    if order[.firstOrder] != 0 { writer.optionalInt64(26, bool(order, .firstOrder) ? 1 : 0) }
    guard hasPayment else { return }
    path.outer = "payment"
    let payment = fields.payment
    writer.text(27, nameWithoutDigits(payment, .gateway))
    writer.text(28, nameWithoutDigits(payment, .cardIssuer))
    writer.optionalInt64(29, integer(payment, .installments, 0...OrderEventLimits.installmentsMax))
    path = JSONPath()
  }

  private mutating func nameWithoutDigits<Field>(
    _ table: FieldTable<Field>, _ field: Field
  ) -> UnsafeRawBufferPointer? {
    guard let text = id(table, field) else { return nil }
    guard OrderEventPass.digitCount(text) <= OrderEventLimits.nameDigitsMax else {
      refuseDigits(table.name(field), table[field])
      return nil
    }
    return text
  }

  private mutating func refuseDigits(_ field: StaticString, _ place: Int) {
    refuse("payment.card_digits", field, "a name or code, never a card's digits", place)
  }

  /// Of digits, full-width ones too.
  private static func digitCount(_ text: UnsafeRawBufferPointer) -> Int {
    var count = 0
    for index in text.indices {
      let byte = text[index]
      if byte >= 0x30, byte <= 0x39 { count += 1 }
      // U+FF10 … U+FF19
      if byte >= 0x90, byte <= 0x99, index >= 2, text[index - 1] == 0xBC, text[index - 2] == 0xEF {
        count += 1
      }
    }
    return count
  }

  private mutating func writeCurrency(into writer: inout ProtobufWriter) {
    guard let code = text(fields.order, .currency) else {
      writer.presentString(12, "KRW")
      return
    }
    guard let currency = code.count == 3 ? Currency(code: String(decoding: code, as: UTF8.self)) : nil else {
      refuse("currency.invalid", "currency", "three capital letters", fields.order[.currency])
      return
    }
    decimals = currency.decimals
    writer.text(12, code)
  }

  /// A repeated text field; texts that `known` lacks are counted.
  mutating func writeTexts<Field>(
    _ table: FieldTable<Field>, _ field: Field, _ number: Int, max: Int, _ known: KeyTable?,
    digitsMax: Int = .max, into writer: inout ProtobufWriter
  ) {
    let list = array(table, field, max: max)
    guard list != 0 else { return }
    var place = list + 1
    let end = tape.after(list) - 1
    while place < end {
      if tape.kind(place) != JSONTape.Kind.text {
        refuse("type.string", table.name(field), "strings", place)
      } else if tape.text(place).count > OrderEventLimits.textBytesMax {
        refuse("text.too_long", table.name(field), "at most \(OrderEventLimits.textBytesMax) bytes", place)
      } else {
        let text = tape.text(place)
        if let known, known.index(text) == nil {
          unknownCodes += 1
          if OrderEventPass.digitCount(text) > digitsMax { refuseDigits(table.name(field), place) }
        }
        writer.presentBytes(number, text)
      }
      place = tape.after(place)
    }
  }

  /// An amount as minor units: a decimal string, or an integer in whole units of the currency.
  mutating func money<Field>(
    _ table: FieldTable<Field>, _ field: Field, signed: Bool = false, required: Bool = false
  ) -> Int64? {
    let place = table[field]
    guard place != 0 else {
      if required { refuse("missing", table.name(field), "a decimal string", 0) }
      return nil
    }
    do throws(Money.ParseError) {
      switch tape.kind(place) {
      case JSONTape.Kind.text:
        return try decimal(tape.text(place), signed: signed)
      case JSONTape.Kind.signed:
        return try wholeUnits(Int64(bitPattern: tape.number(place)), signed: signed)
      case JSONTape.Kind.unsigned:
        throw Money.ParseError.tooLarge
      default:
        refuse("type.money", table.name(field), "a decimal string", place)
      }
    } catch {
      refuseMoney(error, table.name(field), place)
    }
    return nil
  }

  private func decimal(_ text: UnsafeRawBufferPointer, signed: Bool) throws(Money.ParseError) -> Int64 {
    let bytes = text.assumingMemoryBound(to: UInt8.self)
    if signed, bytes.first == UInt8(ascii: "-"), bytes.count > 1, bytes[1] != UInt8(ascii: "-") {
      return try -Money.minorUnits(UnsafeBufferPointer(rebasing: bytes[1...]), decimals: decimals)
    }
    return try Money.minorUnits(bytes, decimals: decimals)
  }

  private func wholeUnits(_ value: Int64, signed: Bool) throws(Money.ParseError) -> Int64 {
    if value < 0, !signed { throw .negative }
    var minor = value
    for _ in 0..<decimals {
      let (product, overflow) = minor.multipliedReportingOverflow(by: 10)
      if overflow { throw .tooLarge }
      minor = product
    }
    if minor.magnitude > UInt64(Money.minorUnitsMax) { throw .tooLarge }
    return minor
  }

  private mutating func refuseMoney(_ error: Money.ParseError, _ field: StaticString, _ place: Int) {
    switch error {
    case .notDecimal: refuse("money.not_decimal", field, "a decimal string such as 45000 or 12.50", place)
    case .negative:
      refuse("money.negative", field, "an amount that is not negative", place, "a negative amount")
    case .tooManyDecimals:
      refuse(
        "money.too_many_decimals", field, "at most \(decimals) decimals, as the currency has", place, "more")
    case .tooLarge:
      refuse("money.too_large", field, "at most \(Money.minorUnitsMax) minor units", place, "a larger amount")
    }
  }
}
