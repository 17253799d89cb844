public import Orders
public import Shop
public import Topics

/// What a decision asks to be changed on an order, given what was applied before.
public struct Reconciliation: Sendable, Equatable {
  public enum Standing: Sendable, Equatable {
    /// The decision is older than the last one acted on: nothing happens, the ledger stays.
    case older
    /// The very decision that the ledger reflects: nothing happens, the ledger stays.
    case repeated
    /// A newer decision that asks for what is there already: only the ledger's position moves.
    case confirmed
    /// Something is to be done.
    case changed
  }

  public var standing: Standing
  /// The ledger once everything below is done: `settle` corrects it by what the shop really did.
  public var newLedger: AppliedLedgerValue
  public var labelAdds: [LabelEdit] = []
  public var labelRemoves: [LabelEdit] = []
  public var effects: [OrderEffect] = []
  /// Fixed words about what was left undone: `effects.limit`, `action.kind` (a kind this version does not know).
  public var notes: [String] = []
  /// Labels before, for what the shop refuses to take off.
  var previousLabels: [AppliedLabelValue] = []

  /// True if the ledger must be written.
  public var writesLedger: Bool { standing == .confirmed || standing == .changed }

  /// Additions, then removals, as the shop takes them.
  public func labelChanges(of order: OrderIdentity) -> [LabelChange] {
    labelAdds.map { LabelChange(order: order, kind: .add, label: $0.label, itemCodes: $0.itemCodes) }
      + labelRemoves.map {
        LabelChange(order: order, kind: .remove, label: $0.label, itemCodes: $0.itemCodes)
      }
  }
}

/// Items that a label goes onto, or comes off.
public struct LabelEdit: Hashable, Sendable {
  public var label: String
  /// Sorted by bytes.
  public var itemCodes: [String]
  /// Rules that want it there, or wanted it; sorted by bytes.
  public var rules: [String]
}

/// Something done once for (rule, kind, cause) of an order, or undone.
public struct OrderEffect: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    /// A message; never repeated, never undone.
    case alert
    /// A change after shipment would have changed the labels (D7); once per order.
    case tooLate = "too_late"
    /// A label stays although its rule became unknown (D6); once per rule and label.
    case review
    /// A message about a SKU's stock; as an alert, but once for the mall and the crossing that its cause names.
    case stockAlert = "stock_alert"
    /// Undone when no longer wanted.
    case gift, mark, hold, memo, surcharge

    /// True for what is taken back when a later decision does not want it.
    var isReversible: Bool {
      switch self {
      case .gift, .mark, .hold, .memo, .surcharge: true
      case .alert, .stockAlert, .tooLate, .review: false
      }
    }
  }

  public var kind: Kind
  public var rule: String
  public var cause: String
  /// Free of personal data.
  public var text: String
  /// Of alerts; empty: the default one.
  public var channel: String = ""
  /// Of marks: the team they are for.
  public var team: String = ""
  /// False when a mark is to be cleared.
  public var isSet: Bool = true

  /// (rule, kind, cause) as kept in the ledger, joined by U+001F.
  public var key: String { "\(rule)\u{1F}\(kind.rawValue)\u{1F}\(cause)" }

  /// `kind` of its action record.
  public var actionKind: String {
    switch kind {
    case .alert: "alert.sent"
    case .tooLate: "too_late"
    case .review: "label.kept"
    case .gift: isSet ? "gift.marked" : "gift.unmarked"
    case .mark: isSet ? "mark.set" : "mark.cleared"
    case .hold: isSet ? "hold.set" : "hold.released"
    case .memo: isSet ? "memo.written" : "memo.removed"
    case .surcharge: isSet ? "surcharge.set" : "surcharge.cleared"
    case .stockAlert: "stock_alert.sent"
    }
  }

  /// Of a message about stock: what it tells, once for the whole mall.
  var crossing: StockCrossing? { kind == .stockAlert ? StockCrossing(cause: cause) : nil }

  /// The message for the shop, for kinds that are one; its idempotency key names the order and the effect, or the
  /// mall and the crossing.
  public func alert(of order: OrderIdentity, at: Instant) -> ShopAlert? {
    if kind.isReversible { return nil }
    let idempotencyKey =
      crossing == nil
      ? "\(order.mallId)\u{1F}\(order.shopNo)\u{1F}\(order.orderId)\u{1F}\(key)"
      : "\(order.mallId)\u{1F}\(kind.rawValue)\u{1F}\(cause)"
    return ShopAlert(
      order: order, idempotencyKey: idempotencyKey,
      rule: rule, cause: cause, text: text, channel: channel, at: at)
  }

  /// The mark for the shop, for kinds that are one.
  public func mark(of order: OrderIdentity, at: Instant) -> ShopMark? {
    if !kind.isReversible { return nil }
    return ShopMark(
      order: order, kind: kind.rawValue, rule: rule, cause: cause, text: text, team: team, isSet: isSet,
      at: at)
  }

  /// Reads back a key; nil for kinds of another version of this program.
  init?(key: String) {
    let parts = key.split(separator: "\u{1F}", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let kind = Kind(rawValue: String(parts[1])) else { return nil }
    self.init(kind: kind, rule: String(parts[0]), cause: String(parts[2]), text: "")
  }

  /// Nil for a kind that this version of the program does not know.
  init?(_ action: DesiredActionValue) {
    guard let kind = Kind(rawValue: action.kind) else { return nil }
    self.init(kind: kind, rule: action.rule, cause: action.cause, text: action.text)
    channel = action.channel
    team = action.team
  }

  init(kind: Kind, rule: String, cause: String, text: String, isSet: Bool = true) {
    self.kind = kind
    self.rule = rule
    self.cause = cause
    self.text = text
    self.isSet = isSet
  }
}
