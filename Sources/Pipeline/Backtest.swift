import EvaluateStage
import Glibc
public import Orders
public import RuleVersions
import Rules
import Topics

/// Other rules over recorded enriched orders, beside the live ones; decides with the stage's own code and never acts:
/// it has nothing to act with.
public final class Backtest {
  /// What one order ended as under both.
  struct Order {
    var position: Position
    var day: CivilDate
    var live: Set<String>
    var candidate: Set<String>
    /// Ids of the rules that were true.
    var liveRules: [String]
    var candidateRules: [String]
    var unknownRules: [String]
  }

  private let live: LayeredDecider
  private let candidate: LayeredDecider
  private let mall: RegistryScope?
  private var pending: [(shop: RegistryScope, bytes: UnsafeRawBufferPointer)] = []
  private(set) var orders: [OrderIdentity: Order] = [:]
  public private(set) var recordCount = 0
  public private(set) var excluded: [String: Int] = [:]
  private let zone = ShopZone.seoul
  /// Orders placed at another time are left out; milliseconds since 1970.
  public var placed: Range<Int64> = .min ..< .max

  /// Orders compared; more is refused.
  public static let ordersMax = 2_000_000
  private static let pendingMax = 1_024

  public struct TooMany: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Parameter mall: only orders of this scope are compared; nil: all.
  public init(live: RuleLayers, candidate: RuleLayers, mall: RegistryScope? = nil) {
    self.live = LayeredDecider(live)
    self.candidate = LayeredDecider(candidate)
    self.mall = mall
  }

  deinit { for record in pending { record.bytes.deallocate() } }

  /// Counts what cannot be compared, by reason.
  public func exclude(_ reason: String) { excluded[reason, default: 0] += 1 }

  /// Takes one record of `orders.enriched`; copied.
  public func add(_ record: UnsafeRawBufferPointer) throws {
    guard let enriched = EnrichedOrderValue(protobuf: record), let snapshot = enriched.snapshot else {
      return exclude("malformed")
    }
    let shop = RegistryScope(mallId: snapshot.mallId, shopNo: snapshot.shopNo)
    if let mall, !mall.isShared,
      mall.mallId != shop.mallId || (mall.shopNo != 0 && mall.shopNo != shop.shopNo)
    {
      return exclude("of another mall or shop")
    }
    guard placed.contains(snapshot.placedAt.microseconds / 1_000) else {
      return exclude("placed at another time")
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(record.count, 1), alignment: 16)
    copy.copyMemory(from: record)
    pending.append((shop, UnsafeRawBufferPointer(rebasing: copy[..<record.count])))
    if pending.count >= Self.pendingMax { try flush() }
  }

  /// Decides what waits; call it at the end.
  public func flush() throws {
    defer {
      for record in pending { record.bytes.deallocate() }
      pending.removeAll(keepingCapacity: true)
    }
    let before = try live.decide(pending)
    let after = try candidate.decide(pending)
    for (index, record) in pending.enumerated() {
      guard let left = before[index], let right = after[index] else {
        exclude("malformed")
        continue
      }
      recordCount += 1
      try note(left, right, try live.ruleSet(record.shop), try candidate.ruleSet(record.shop))
    }
  }

  private func note(_ left: DecisionValue, _ right: DecisionValue, _ liveSet: RuleSet, _ otherSet: RuleSet)
    throws
  {
    let identity = OrderIdentity(mallId: left.mallId, shopNo: left.shopNo, orderId: left.orderId)
    // As apply: an older record changes nothing.
    if let known = orders[identity], left.position < known.position { return }
    guard orders[identity] != nil || orders.count < Self.ordersMax else {
      throw TooMany(
        description: "more than \(Self.ordersMax) orders: narrow them with --from, --to or --mall")
    }
    orders[identity] = Order(
      position: left.position, day: zone.civil(left.placedAt).date, live: Backtest.wishes(left),
      candidate: Backtest.wishes(right), liveRules: Backtest.ids(left, liveSet, 1),
      candidateRules: Backtest.ids(right, otherSet, 1), unknownRules: Backtest.ids(right, otherSet, 2))
  }

  /// Labels that stay on the order as it stands, and effects as `kind of rule`.
  static func wishes(_ decision: DecisionValue) -> Set<String> {
    let stays = decision.state == .cancelled ? decision.labels.filter(\.keepOnCancel) : decision.labels
    var wishes = Set(stays.filter { !$0.itemCodes.isEmpty }.map(\.label))
    if decision.state != .cancelled {
      for action in decision.actions { wishes.insert("\(action.kind) of \(action.rule)") }
    }
    return wishes
  }

  private static func ids(_ decision: DecisionValue, _ set: RuleSet, _ outcome: UInt8) -> [String] {
    zip(set.rules, decision.outcomes).compactMap { $1 == outcome ? $0.id : nil }
  }

  /// What every order ends with under the other rules; labels and effects.
  public var candidateWishes: [OrderIdentity: Set<String>] { orders.mapValues(\.candidate) }
}
