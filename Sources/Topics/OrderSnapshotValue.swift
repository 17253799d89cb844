public import Orders

/// Value of topic `orders`: the canonical order snapshot (topics/order.proto), decoded whole.
///
/// Holds no name, phone, e-mail, member id or detail address (D29).
public struct OrderSnapshotValue: ProtobufValue {
  public var mallId: String = ""
  public var shopNo: Int32 = 0
  public var orderId: String = ""
  public var customer: CustomerKeyValue?
  public var event: String = ""
  public var eventTime: Instant = Instant(microseconds: 0)
  public var version: Int64 = 0
  public var placedAt: Instant = Instant(microseconds: 0)
  public var paidAt: Instant?
  public var channel: String = ""
  public var marketOrderNo: String = ""
  /// Three capital letters.
  public var currency: String = ""
  public var amounts: AmountsValue?
  public var paymentStatus: PaymentStatus = PaymentStatus(wire: 0)
  public var paymentMethods: [String] = []
  public var isGift: Bool = false
  /// Unknown counts as entered.
  public var addressState: AddressState = AddressState(wire: 0)
  public var addressDue: Instant?
  public var coupons: [CouponValue] = []
  public var grade: String = ""
  public var receivers: [ReceiverValue] = []
  public var items: [ItemValue] = []
  public var claims: [ClaimValue] = []
  public var memos: [MemoValue] = []
  /// Bit 0: `amount.items` given and different from the computed one.
  public var flags: UInt32 = 0
  /// The platform's own mark of a first order; nil = not given.
  public var platformFirst: Bool?
  /// Never with digits of a card.
  public var paymentGateway: String = ""
  /// Never with digits of a card.
  public var cardIssuer: String = ""
  /// Months.
  public var installments: Int32?
  /// Only on `orders`; enrich replaces it by the country.
  public var ip: String = ""
  /// Set: this is no snapshot, and all else is absent. Only on `orders`.
  public var context: ContextEventValue?
  /// Likewise.
  public var profile: ProfileEventValue?
  /// Likewise.
  public var demand: RuleSwitchValue?
  /// Likewise.
  public var merge: MergeEventValue?
  /// Likewise.
  public var moved: MovedOrderValue?
  /// Likewise.
  public var reference: ReferenceSwitchValue?

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: orderId = reader.string()
    case 4: customer = reader.value()
    case 5: event = reader.string()
    case 6: eventTime = Instant(microseconds: reader.int64())
    case 7: version = reader.int64()
    case 8: placedAt = Instant(microseconds: reader.int64())
    case 9: paidAt = Instant(microseconds: reader.int64())
    case 10: channel = reader.string()
    case 11: marketOrderNo = reader.string()
    case 12: currency = reader.string()
    case 13: amounts = reader.value()
    case 14: paymentStatus = PaymentStatus(wire: reader.uint64())
    case 15: paymentMethods.append(reader.string())
    case 16: isGift = reader.bool()
    case 17: addressState = AddressState(wire: reader.uint64())
    case 18: addressDue = Instant(microseconds: reader.int64())
    case 19: coupons.append(reader.value())
    case 20: grade = reader.string()
    case 21: receivers.append(reader.value())
    case 22: items.append(reader.value())
    case 23: claims.append(reader.value())
    case 24: memos.append(reader.value())
    case 25: flags = UInt32(truncatingIfNeeded: reader.uint64())
    case 26: platformFirst = reader.bool()
    case 27: paymentGateway = reader.string()
    case 28: cardIssuer = reader.string()
    case 29: installments = reader.int32()
    case 30: ip = reader.string()
    case ContextEventValue.ordersField: context = reader.value()
    case ProfileEventValue.ordersField: profile = reader.value()
    case RuleSwitchValue.ordersField: demand = reader.value()
    case MergeEventValue.field: merge = reader.value()
    case MovedOrderValue.field: moved = reader.value()
    case ReferenceSwitchValue.ordersField: reference = reader.value()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.string(3, orderId)
    if let customer { writer.value(4, customer) }
    writer.string(5, event)
    writer.int64(6, eventTime.microseconds)
    writer.int64(7, version)
    writer.int64(8, placedAt.microseconds)
    writer.optionalInt64(9, paidAt?.microseconds)
    writer.string(10, channel)
    writer.string(11, marketOrderNo)
    writer.string(12, currency)
    if let amounts { writer.value(13, amounts) }
    writer.uint64(14, UInt64(paymentStatus.rawValue))
    writer.strings(15, paymentMethods)
    writer.bool(16, isGift)
    writer.uint64(17, UInt64(addressState.rawValue))
    writer.optionalInt64(18, addressDue?.microseconds)
    writer.values(19, coupons)
    writer.string(20, grade)
    writer.values(21, receivers)
    writer.values(22, items)
    writer.values(23, claims)
    writer.values(24, memos)
    writer.uint64(25, UInt64(flags))
    writer.optionalInt64(26, platformFirst.map { $0 ? 1 : 0 })
    writer.string(27, paymentGateway)
    writer.string(28, cardIssuer)
    writer.optionalInt64(29, installments.map(Int64.init))
    writer.string(30, ip)
    if let context { writer.value(ContextEventValue.ordersField, context) }
    if let profile { writer.value(ProfileEventValue.ordersField, profile) }
    if let demand { writer.value(RuleSwitchValue.ordersField, demand) }
    if let merge { writer.value(MergeEventValue.field, merge) }
    if let moved { writer.value(MovedOrderValue.field, moved) }
    if let reference { writer.value(ReferenceSwitchValue.ordersField, reference) }
  }
}
