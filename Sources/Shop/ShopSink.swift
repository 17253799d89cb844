public import Orders

/// A shop platform as the apply stage sees it. One owner, one thread at a time.
///
/// All calls are safe to repeat. What they did is certain to last only after `flush()`: commit nothing that says
/// it was done before that.
public protocol ShopSink: AnyObject {
  /// Whatever is asked for is done and nobody else works there: the answer to a change is known without asking.
  var refusesNothing: Bool { get }

  /// Puts labels on items and takes them off; one outcome for each change, in the same order.
  ///
  /// A platform whose calls take label names with item codes of many orders coalesces with `LabelEntry`.
  /// Throws only when nothing can be said of any change (shop unreachable, budget gone): none is then certain.
  func apply(_ changes: [LabelChange]) throws -> [LabelOutcome]

  /// Labels on the order's items as the shop has them now, sorted by item code and label as bytes.
  func labels(of order: OrderIdentity) throws -> [ItemLabel]

  /// Tells the shop's people something. A second call with the same idempotency key does nothing.
  func deliver(_ alert: ShopAlert) throws -> EffectOutcome

  /// Sets or clears a mark (gift target, hold, classification).
  func mark(_ mark: ShopMark) throws -> EffectOutcome

  /// A person lets us put the label on the order's items again: a shop that remembers removals forgets those of it.
  func allow(_ label: String, of order: OrderIdentity) throws

  /// Makes everything done so far durable.
  func flush() throws
}

extension ShopSink {
  public var refusesNothing: Bool { false }
  public func allow(_ label: String, of order: OrderIdentity) throws {}
}

/// One label of one order to be put on items or taken off.
public struct LabelChange: Hashable, Sendable {
  public enum Kind: UInt8, Hashable, Sendable { case add, remove }

  public var order: OrderIdentity
  public var kind: Kind
  public var label: String
  /// Sorted by bytes, without repeats.
  public var itemCodes: [String]

  public init(order: OrderIdentity, kind: Kind, label: String, itemCodes: [String]) {
    self.order = order
    self.kind = kind
    self.label = label
    self.itemCodes = itemCodes
  }
}

/// What became of a `LabelChange`.
public struct LabelOutcome: Hashable, Sendable {
  public enum Result: Hashable, Sendable {
    /// The shop was changed.
    case done
    /// It was so before, by us: nothing had to be changed.
    case already
    /// A person had labelled (all of) the items: left alone.
    case foreign
    /// A person had taken our label off (all of) the items: it stays off.
    case vetoed
    /// The shop did not do it, for any of the items.
    case refused(ShopRefusal)
  }

  public var result: Result
  /// Those of the change's items that carry the label by a person's hand.
  public var foreignItemCodes: [String]

  /// Those from which a person took the label that we had put there. Only a shop that can tell a person's hand from
  /// ours names any: what is merely missing may be our own doing before a crash.
  public var vetoedItemCodes: [String]

  public init(_ result: Result, foreignItemCodes: [String] = [], vetoedItemCodes: [String] = []) {
    self.result = result
    self.foreignItemCodes = foreignItemCodes
    self.vetoedItemCodes = vetoedItemCodes
  }
}

/// Why a shop did not do something: fixed words for records and metrics, never values.
public enum ShopRefusal: String, Hashable, Sendable {
  /// `LabelName.isAllowed` is false.
  case labelName = "label_name"
  case orderGone = "order_gone"
  case itemGone = "item_gone"
  case notPermitted = "not_permitted"
  /// More labels than `LocalShop.labelsPerOrderMax`.
  case tooMany = "too_many"
  case other = "other"
}

/// A label that an item carries.
public struct ItemLabel: Hashable, Sendable {
  public var itemCode: String
  public var label: String
  /// Put on by PassFlow; platforms that cannot tell say false.
  public var byUs: Bool

  public init(itemCode: String, label: String, byUs: Bool) {
    self.itemCode = itemCode
    self.label = label
    self.byUs = byUs
  }
}

/// A message to the shop's people about an order. Holds no personal data.
public struct ShopAlert: Hashable, Sendable {
  public var order: OrderIdentity
  /// One alert per key, for ever.
  public var idempotencyKey: String
  public var rule: String
  public var cause: String
  public var text: String
  /// Who is told; empty: the default channel.
  public var channel: String
  public var at: Instant

  public init(
    order: OrderIdentity, idempotencyKey: String, rule: String, cause: String, text: String,
    channel: String = "", at: Instant
  ) {
    self.channel = channel
    self.order = order
    self.idempotencyKey = idempotencyKey
    self.rule = rule
    self.cause = cause
    self.text = text
    self.at = at
  }
}

/// A mark on an order, set or cleared.
public struct ShopMark: Hashable, Sendable {
  public var order: OrderIdentity
  /// `gift`, `mark`, `hold`, `memo`, `surcharge`.
  public var kind: String
  public var rule: String
  public var cause: String
  /// A mark's name, a hold's reason, a memo's words; free of personal data.
  public var text: String
  /// The team that a mark is for; empty: nobody's in particular.
  public var team: String
  public var isSet: Bool
  public var at: Instant

  public init(
    order: OrderIdentity, kind: String, rule: String, cause: String, text: String = "", team: String = "",
    isSet: Bool, at: Instant
  ) {
    self.text = text
    self.team = team
    self.order = order
    self.kind = kind
    self.rule = rule
    self.cause = cause
    self.isSet = isSet
    self.at = at
  }
}

public enum EffectOutcome: Hashable, Sendable {
  case done
  case already
  case refused(ShopRefusal)
}
