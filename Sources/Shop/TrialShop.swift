public import Orders

/// A shop in which nobody else works and which refuses nothing: everything asked for is done, nothing is kept.
///
/// For trial runs: what would be on the orders is read from apply's ledger.
public final class TrialShop: ShopSink {
  public init() {}

  public var refusesNothing: Bool { true }

  public func apply(_ changes: [LabelChange]) -> [LabelOutcome] {
    changes.map { _ in LabelOutcome(.done) }
  }
  public func labels(of order: OrderIdentity) -> [ItemLabel] { [] }
  public func deliver(_ alert: ShopAlert) -> EffectOutcome { .done }
  public func mark(_ mark: ShopMark) -> EffectOutcome { .done }
  public func flush() {}
}
