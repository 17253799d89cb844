import Orders
public import Topics

/// What is known of a customer beside his orders (docs/design.md, "Profiles of customers").
extension HistoryFolder {
  /// Folds what is told of the order's customer. Emits those orders of the shop whose records this changes: the open
  /// ones, and closed ones of which it was told late. Throws before anything is changed.
  @discardableResult
  public func fold(
    _ profile: ProfileEventValue, position: InputPosition, into customer: CustomerHistory,
    emit: (EmittedRecord) -> Void
  ) throws(HistoryError) -> FoldOutcome {
    guard CustomerIdentity(profile) == customer.customer else { throw .otherCustomer }
    guard SnapshotSummary.isInCalendar(profile.at) else { throw .invalidField("at_us") }
    select(mall: profile.mallId)
    select(shop: profile.shopNo)
    let at = profile.at.microseconds
    let before = customer.profile(ofShop: profile.shopNo)?.latestAt ?? .min
    let parts = try customer.insert(profile)
    guard !parts.isEmpty else { return FoldOutcome(isDuplicate: true, isLate: at < before, emitted: 0) }
    // No record is this input's own.
    var cause = Cause(position: position, eventTime: at, n: 1)
    let isAsked = !demand.profile.isDisjoint(with: parts)
    // T(X) may have moved on, and what was held may have expired.
    let isMoved = demand.profile.contains(.coupons) && at > before
    if isAsked || isMoved {
      decideOrders(in: customer, &cause, emit) { index in
        customer.orders[index].shopNo == profile.shopNo && customer.standings[index].cut >= at
      }
    }
    let due = decideByProfile(ofShop: profile.shopNo, in: customer, &cause, emit)
    return FoldOutcome(
      isDuplicate: false, isLate: at < before, emitted: Int(cause.n) - 1, nextDue: due)
  }

  /// Decides some orders anew, in position order; emits those that say something new.
  private func decideOrders(
    in customer: CustomerHistory, _ cause: inout Cause, _ emit: (EmittedRecord) -> Void,
    where isMeant: (Int) -> Bool
  ) {
    var affected = customer.standings.indices.filter(isMeant)
    if affected.count > 1 { affected.sort { customer.isEarlier($0, $1) } }
    for index in affected { decide(index, in: customer, &cause, always: false, emit) }
  }

  /// After a snapshot has moved the customer's latest event time: open orders for which a coupon was issued or expired
  /// meanwhile.
  func decideHolders(
    but index: Int, from before: Int64, in customer: CustomerHistory, _ cause: inout Cause,
    _ emit: (EmittedRecord) -> Void
  ) {
    let after = customer.latestEventTime
    guard before != after, !customer.profiles.isEmpty else { return }
    let shops = customer.profiles.filter { profile in
      let (from, to) = (max(min(before, after), profile.latestAt), max(before, after, profile.latestAt))
      return profile.coupons.latest.map { HeldCoupons.changes(in: $0.bytes, from: from, to: to) } ?? false
    }.map(\.shopNo)
    guard !shops.isEmpty else { return }
    decideOrders(in: customer, &cause, emit) { other in
      other != index && customer.standings[other].cut == .max && shops.contains(customer.orders[other].shopNo)
    }
  }

  /// T(X) of an order, of which an open one's is the latest event of its customer.
  private func instant(of order: FoldedOrder, _ profile: CustomerProfile, _ latest: Int64) -> Int64 {
    order.cut == .max ? max(latest, profile.latestAt, lastDue(of: order)) : order.cut
  }

  /// The facts of the profile that are asked for.
  func writeProfile(of order: FoldedOrder, in customer: CustomerHistory, to facts: inout ProtobufWriter) {
    guard let profile = customer.profile(ofShop: order.shopNo) else { return }
    let instant = instant(of: order, profile, customer.latestEventTime)
    if demand.profile.contains(.grade), let grade = profile.grade.state(at: instant) {
      grade.bytes.withUnsafeBytes { facts.presentBytes(31, $0) }
    }
    if demand.profile.contains(.coupons), let coupons = profile.coupons.state(at: instant) {
      facts.message(32) { HeldCoupons.write(coupons.bytes, heldAt: instant, to: &$0) }
    }
    if demand.profile.contains(.cart), let cart = profile.cart.state(at: instant) {
      cart.bytes.withUnsafeBytes { facts.presentBytes(33, $0) }
    }
  }

  /// T(X) of an open order as far as profiles move it on; `.min`: not at all.
  func profileInstant(of order: FoldedOrder, in customer: CustomerHistory) -> Int64 {
    customer.profiles.isEmpty ? .min : customer.profile(ofShop: order.shopNo)?.latestAt ?? .min
  }
}

/// An encoded `HeldCoupons`.
enum HeldCoupons {
  /// The coupons that are held at the instant: issued at it or before, not expired at it.
  static func write(_ bytes: [UInt8], heldAt instant: Int64, to writer: inout ProtobufWriter) {
    bytes.withUnsafeBytes { bytes in
      forEach(bytes) { coupon, issued, expires in
        if issued <= instant, instant < expires { writer.presentBytes(1, coupon) }
      }
    }
  }

  /// Whether others are held at the later of two instants.
  static func changes(in bytes: [UInt8], from: Int64, to: Int64) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var isChanged = false
      forEach(bytes) { _, issued, expires in
        if (issued > from && issued <= to) || (expires > from && expires <= to) { isChanged = true }
      }
      return isChanged
    }
  }

  static func forEach(
    _ bytes: UnsafeRawBufferPointer,
    _ body: (_ coupon: UnsafeRawBufferPointer, _ issued: Int64, _ expires: Int64) -> Void
  ) {
    var reader = ProtobufReader(bytes)
    while reader.next() {
      guard reader.field == 1 else {
        reader.skip()
        continue
      }
      let coupon = reader.slice()
      var (issued, expires) = (Int64.min, Int64.max)
      var inner = ProtobufReader(coupon)
      while inner.next() {
        switch inner.field {
        case 3: issued = inner.int64()
        case 4: expires = inner.int64()
        default: inner.skip()
        }
      }
      body(coupon, issued, expires)
    }
  }
}

extension CustomerIdentity {
  /// Whom the profile is of; nil when that is not said, or the mall is none.
  public init?(_ profile: ProfileEventValue) {
    guard let customer = profile.customer, customer.kind != .none, customer.digest.count == 16,
      !profile.mallId.isEmpty, !profile.mallId.utf8.contains(0)
    else { return nil }
    let (high, low) = customer.digest.withUnsafeBytes { halves($0) }
    self.init(mallId: profile.mallId, kind: customer.kind, digestHigh: high, digestLow: low)
  }
}
