/// A mall, or one shop of it, whose orders get facts of their own.
public struct DemandScope: Hashable, Sendable {
  public var mall: String
  /// Nil: every shop of the mall.
  public var shop: Int32?

  public init(mall: String, shop: Int32? = nil) {
    self.mall = mall
    self.shop = shop
  }
}

/// Which facts the orders of each mall get. Equal demands are kept once, however many malls have them.
public struct DemandPlan: Sendable {
  /// Different ones; 0 is that of every mall without one of its own.
  public private(set) var demands: [FactDemand]
  private var malls: [Mall] = []
  /// By `ContentHash` of the name.
  private var byHash: [UInt64: [Int32]] = [:]
  /// Of the deadlines that are watched: the same for the same ones, whatever their order.
  public private(set) var watchesHash: UInt64
  /// Some rule asks what is overdue.
  public private(set) var watchesDeadlines: Bool
  /// Some rule asks of customers as of now.
  public var watchesCustomers: Bool { customerDemands > 0 }
  private var customerDemands = 0

  private struct Mall {
    var name: [UInt8]
    var demand: Int32
    var shops: [Int32: Int32]
  }

  /// - Parameters:
  ///   - shared: what the orders of all other malls get.
  ///   - own: whole demands, in place of the shared one.
  public init(_ shared: FactDemand, own: [DemandScope: FactDemand] = [:]) {
    let shared = shared.bounded
    demands = [shared]
    watchesHash = DemandPlan.hash(shared.watches)
    watchesDeadlines = !shared.watches.isEmpty
    customerDemands = shared.watchesCustomers ? 1 : 0
    var known = [shared: Int32(0)]
    // Malls before their shops, which are compared with them; in one order, so that equal plans are equal.
    let scopes = own.keys.map { (Array($0.mall.utf8), $0) }.sorted {
      $0.0 == $1.0 ? ($0.1.shop ?? .min) < ($1.1.shop ?? .min) : $0.0.lexicographicallyPrecedes($1.0)
    }
    for (name, scope) in scopes {
      guard let demand = own[scope]?.bounded else { continue }
      let index = known[demand] ?? Int32(truncatingIfNeeded: demands.count)
      let place = find(name)
      guard index != place.map({ malls[$0].demand }) ?? 0 else { continue }
      if Int(index) == demands.count {
        demands.append(demand)
        if demand.watchesCustomers { customerDemands += 1 }
        known[demand] = index
      }
      enter(name, scope.shop, index, at: place)
      if demand.watches != shared.watches { addWatches(name, scope.shop, demand.watches) }
    }
  }

  private mutating func enter(_ name: [UInt8], _ shop: Int32?, _ demand: Int32, at place: Int?) {
    let place = place ?? malls.count
    if place == malls.count {
      malls.append(Mall(name: name, demand: 0, shops: [:]))
      byHash[DemandPlan.hash(name), default: []].append(Int32(truncatingIfNeeded: place))
    }
    if let shop { malls[place].shops[shop] = demand } else { malls[place].demand = demand }
  }

  /// No mall has a demand of its own.
  var isUniform: Bool { malls.isEmpty }

  func find(_ name: [UInt8]) -> Int? { name.withUnsafeBytes { find($0) } }

  /// The number of a mall with a demand of its own.
  func find(_ name: UnsafeRawBufferPointer) -> Int? {
    guard let places = byHash[ContentHash.of(name)] else { return nil }
    for place in places where malls[Int(place)].name.withUnsafeBytes({ sameBytes($0, name) }) {
      return Int(place)
    }
    return nil
  }

  /// Shops of the mall have demands of their own.
  func hasShops(_ mall: Int?) -> Bool { mall.map { !malls[$0].shops.isEmpty } ?? false }

  /// Position in `demands`. `mall`: as `find` gives it.
  func demand(_ mall: Int?, shop: Int32) -> Int {
    guard let mall else { return 0 }
    return Int(malls[mall].shops[shop] ?? malls[mall].demand)
  }

  /// What the orders of a shop get.
  public func demand(mall: String, shop: Int32) -> FactDemand {
    demands[demand(find(Array(mall.utf8)), shop: shop)]
  }

  // MARK: Deadlines

  private static func hash(_ name: [UInt8]) -> UInt64 { name.withUnsafeBytes { ContentHash.of($0) } }

  private static func hash(_ watches: [TimedFact]) -> UInt64 {
    watches.reduce(UInt64(watches.count)) { sum, fact in
      var hash = ContentHash()
      hash.add(UInt64(UInt32(bitPattern: fact.kind.rawValue)))
      hash.add(UInt64(bitPattern: fact.span))
      if !fact.code.isEmpty { fact.code.withUnsafeBytes { hash.add($0) } }
      return sum &+ hash.value
    }
  }

  private mutating func addWatches(_ name: [UInt8], _ shop: Int32?, _ watches: [TimedFact]) {
    var hash = ContentHash()
    name.withUnsafeBytes { hash.add($0) }
    hash.add(UInt64(bitPattern: Int64(shop ?? -1)))
    hash.add(DemandPlan.hash(watches))
    watchesHash &+= hash.value
    if !watches.isEmpty { watchesDeadlines = true }
  }

  /// Some order is watched for something that `former` did not watch it for.
  public func watchesMore(than former: DemandPlan) -> Bool {
    guard watchesHash != former.watchesHash, watchesDeadlines else { return false }
    if demands[0].watches(beyond: former.demands[0]) { return true }
    for mall in malls + former.malls {
      let shops = Set(mall.shops.keys).union([.min])
      for shop in shops where watchesMore(than: former, mall: mall.name, shop: shop) { return true }
    }
    return false
  }

  /// The orders of this shop are watched for something that `former` did not watch them for.
  func watchesMore(than former: DemandPlan, mall: [UInt8], shop: Int32) -> Bool {
    demands[demand(find(mall), shop: shop)].watches(
      beyond: former.demands[former.demand(former.find(mall), shop: shop)])
  }
}

extension FactDemand {
  /// What a record has room for.
  var bounded: FactDemand {
    var bounded = self
    bounded.lists = Array(lists.prefix(Self.listsMax))
    bounded.claimWindows = claimWindows.prefix(Self.claimWindowsMax).map {
      ClaimWindow(scope: $0.scope, months: min(max($0.months, 0), ClaimWindow.monthsMax))
    }
    bounded.timed = Array(timed.prefix(Self.timedMax))
    bounded.aggregates = Array(aggregates.prefix(Self.aggregatesMax))
    return bounded
  }

  /// Something is asked of the customer as of now.
  var watchesCustomers: Bool { timed.contains { $0.kind.isOfCustomer } }

  /// What can be overdue and is asked for.
  var watches: [TimedFact] { timed.filter { $0.kind != .duplicates } }

  func watches(beyond other: FactDemand) -> Bool {
    timed.contains { $0.kind != .duplicates && !other.timed.contains($0) }
  }
}
