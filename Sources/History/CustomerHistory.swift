import Orders
import Topics

/// The in-memory history of one customer: every order with its dated states. Owned by one lane at a time.
///
/// Filled by `HistoryFolder.fold`, stored as one `OrderLedger` record per order.
public final class CustomerHistory {
  /// Orders of one customer; the next one is refused.
  public static let ordersMax = 50_000
  /// Orders of one customer that have a context but no snapshot yet; the next one's context is refused.
  public static let awaitedMax = 1_000
  /// Shops of which one customer has a profile; the next one's is refused.
  public static let profilesMax = 64

  public let customer: CustomerIdentity
  /// For its owner: changed since it was last collected.
  public var isTouched = false
  /// For its owner: the memory it has accounted for this history, in bytes.
  public var accountedBytes = 0
  private(set) var orders: [FoldedOrder] = []
  /// Parallel to `orders`.
  private(set) var standings: [Standing] = []
  private(set) var blocks = HistoryBlocks()
  private var identityHashes: [UInt64] = []
  /// Of a customer with many orders: the last index by identity hash, and the one before it with the same hash.
  private var indexByHash: [UInt64: Int32] = [:]
  private let changed: ChangedOrders
  /// Orders of which only beacons are known: in no pass over the orders, because they have no state.
  private var awaited: [FoldedOrder] = []
  /// Memory that reading lines has taken since this was last asked for.
  var purchaseBytes = 0
  /// What is known of the customer beside the orders, by shop.
  private(set) var profiles: [CustomerProfile] = []
  /// Whether, and into whom, the customer was merged.
  var merge = CustomerMerge()
  /// The latest event time of the key.
  private(set) var latestEventTime = Int64.min

  typealias Standing = OrderStanding

  /// A stored record of it turned out malformed when it was needed: nothing of the customer may be emitted or stored any
  /// more, and its owner must stop.
  public var isMalformed: Bool { changed.isMalformed }

  public init(customer: CustomerIdentity) {
    self.customer = customer
    changed = ChangedOrders(customer: customer)
  }

  public var orderCount: Int { orders.count }

  /// An estimate of the memory held, for a cache's budget.
  public var memoryBytes: Int {
    var sum = 400 + orders.count * Self.orderOverheadBytes + awaited.count * 400
    for profile in profiles { sum += 400 + profile.byteCount }
    return orders.reduce(sum) { $0 + $1.memoryBytes }
  }

  /// Memory taken by what was read of the orders' lines and records since the last call, less what was let go, for a
  /// cache's budget.
  public func takePurchaseBytes() -> Int {
    defer {
      purchaseBytes = 0
      changed.unpackedBytes = 0
    }
    return purchaseBytes + changed.unpackedBytes
  }

  /// What a snapshot takes besides its bytes, and an order besides its snapshots.
  public static let snapshotOverheadBytes = MemoryLayout<SnapshotSummary>.stride + 180
  public static let orderOverheadBytes = MemoryLayout<Standing>.stride + 320

  // MARK: Orders

  func indexOfOrder(shopNo: Int32, orderId: UnsafeRawBufferPointer) -> Int? {
    let hash = Self.identityHash(shopNo, orderId)
    func isOrder(_ index: Int) -> Bool {
      let order = orders[index]
      return order.shopNo == shopNo && order.orderId.withUnsafeBytes { sameBytes($0, orderId) }
    }
    if !indexByHash.isEmpty {
      guard let index = indexByHash[hash] else { return nil }
      if isOrder(Int(index)) { return Int(index) }
    }
    return identityHashes.indices.first { identityHashes[$0] == hash && isOrder($0) }
  }

  private static let ordersWithoutTable = 128

  private func addToTable(_ hash: UInt64) {
    guard orders.count > Self.ordersWithoutTable else { return }
    if indexByHash.isEmpty {
      for (index, known) in identityHashes.enumerated() { indexByHash[known] = Int32(index) }
    } else {
      indexByHash[hash] = Int32(orders.count - 1)
    }
  }

  /// Puts a snapshot into its order, new or known, and brings the standings up to date.
  func insert(
    _ snapshot: DatedSnapshot, shopNo: Int32, orderId: UnsafeRawBufferPointer
  ) throws(HistoryError) -> (index: Int, outcome: FoldedOrder.Insertion) {
    if let index = indexOfOrder(shopNo: shopNo, orderId: orderId) {
      let outcome = orders[index].insert(snapshot)
      if outcome != .duplicate { refresh(index, outcome, snapshot) }
      return (index, outcome)
    }
    guard orders.count < Self.ordersMax else { throw .tooManyOrders }
    let order =
      takeAwaited(shopNo, [UInt8](orderId)) ?? FoldedOrder(shopNo: shopNo, orderId: [UInt8](orderId))
    let outcome = order.insert(snapshot)
    return (try append(order), outcome)
  }

  /// Puts what a beacon told into its order, new or known. The index is nil while the order has no snapshot.
  func insert(
    _ context: DatedCountry, shopNo: Int32, orderId: [UInt8]
  ) throws(HistoryError) -> (index: Int?, isNew: Bool) {
    if let index = orderId.withUnsafeBytes({ indexOfOrder(shopNo: shopNo, orderId: $0) }) {
      return (index, orders[index].insert(context))
    }
    if let order = awaited.first(where: { $0.shopNo == shopNo && $0.orderId == orderId }) {
      return (nil, order.insert(context))
    }
    guard awaited.count < Self.awaitedMax else { throw .tooManyAwaited }
    let order = FoldedOrder(shopNo: shopNo, orderId: orderId)
    order.changes = changed
    awaited.append(order)
    return (nil, order.insert(context))
  }

  /// Takes what is told of the customer in a shop. Returns the parts that this changed.
  func insert(_ event: ProfileEventValue) throws(HistoryError) -> ProfileParts {
    if let index = profiles.firstIndex(where: { $0.shopNo == event.shopNo }) {
      return profiles[index].insert(event)
    }
    guard profiles.count < Self.profilesMax else { throw .tooManyProfiles }
    var profile = CustomerProfile(shopNo: event.shopNo)
    let parts = profile.insert(event)
    if !parts.isEmpty { profiles.append(profile) }
    return parts
  }

  func profile(ofShop shopNo: Int32) -> CustomerProfile? { profiles.first { $0.shopNo == shopNo } }

  private func restoreProfile(_ key: [UInt8], _ record: [UInt8]) throws(HistoryError) {
    guard let (shopNo, part) = ProfileKey.parts(of: key, customer: customer.recordPrefix) else {
      throw .otherCustomer
    }
    if let index = profiles.firstIndex(where: { $0.shopNo == shopNo }) {
      return try profiles[index].restore(part, record)
    }
    guard profiles.count < Self.profilesMax else { throw .tooManyProfiles }
    var profile = CustomerProfile(shopNo: shopNo)
    try profile.restore(part, record)
    profiles.append(profile)
  }

  /// Hands out all orders, by number and shop, and forgets them.
  func takeOrders() -> [FoldedOrder] {
    let taken = (orders + awaited).sorted {
      let order = compareBytes($0.orderId, $1.orderId)
      return order != 0 ? order < 0 : $0.shopNo < $1.shopNo
    }
    let prefix = customer.recordPrefix
    for order in taken {
      merge.removedKeys.append(RecordKey.bytes(prefix: prefix, shopNo: order.shopNo, orderId: order.orderId))
      order.changes = nil
    }
    changed.orders = []
    (orders, standings, awaited, identityHashes, indexByHash) = ([], [], [], [], [:])
    blocks = HistoryBlocks()
    latestEventTime = .min
    return taken
  }

  private func takeAwaited(_ shopNo: Int32, _ orderId: [UInt8]) -> FoldedOrder? {
    guard !awaited.isEmpty,
      let index = awaited.firstIndex(where: { $0.shopNo == shopNo && $0.orderId == orderId })
    else { return nil }
    return awaited.remove(at: index)
  }

  @discardableResult
  private func append(_ order: FoldedOrder) throws(HistoryError) -> Int {
    guard orders.count < Self.ordersMax else { throw .tooManyOrders }
    guard let standing = order.standing else { throw .malformedRecord }
    let hash = order.orderId.withUnsafeBytes { Self.identityHash(order.shopNo, $0) }
    identityHashes.append(hash)
    orders.append(order)
    order.changes = changed
    addToTable(hash)
    standings.append(standing)
    latestEventTime = max(latestEventTime, standing.lastEventTime)
    blocks.refresh(orders.count - 1, of: standings)
    return orders.count - 1
  }

  private func refresh(_ index: Int, _ outcome: FoldedOrder.Insertion, _ snapshot: DatedSnapshot) {
    guard let standing = orders[index].standing else { return }
    standings[index] = standing
    blocks.refresh(index, of: standings)
    if outcome == .replaced {
      latestEventTime = orders.reduce(Int64.min) { max($0, $1.lastEventTime ?? .min) }
    } else {
      latestEventTime = max(latestEventTime, snapshot.eventTime)
    }
  }

  private static func identityHash(_ shopNo: Int32, _ orderId: UnsafeRawBufferPointer) -> UInt64 {
    var hash = ContentHash()
    hash.add(orderId)
    hash.add(UInt64(UInt32(bitPattern: shopNo)))
    return hash.value
  }

  // MARK: Records

  /// From stored `OrderLedger` records, in any order. Throws `malformedRecord`, `otherCustomer` or `tooManyOrders`.
  public init(
    customer: CustomerIdentity, records: some Sequence<(key: [UInt8], value: [UInt8])>
  ) throws(HistoryError) {
    self.customer = customer
    changed = ChangedOrders(customer: customer)
    for (key, value) in records {
      if key.starts(with: ProfileKey.prefix) {
        try restoreProfile(key, value)
        continue
      }
      if key.starts(with: MergeKey.prefix) {
        guard key == MergeKey.bytes(ofCustomer: customer.recordPrefix) else { throw .otherCustomer }
        try merge.restore(value, mallId: customer.mallId)
        continue
      }
      guard let parts = key.withUnsafeBytes({ RecordKey($0) }) else { throw .malformedRecord }
      guard parts.customer == customer else { throw .otherCustomer }
      let order = FoldedOrder(shopNo: parts.shopNo, orderId: parts.orderId)
      order.changes = changed
      try order.restore(value)
      guard parts.orderId.withUnsafeBytes({ indexOfOrder(shopNo: parts.shopNo, orderId: $0) }) == nil else {
        throw .malformedRecord
      }
      if !order.hasStates { awaited.append(order) } else { try append(order) }
    }
  }

  /// Hands out the keys of records that are to be deleted, before `changedRecords`. The bytes are lent.
  public func removedRecords(_ remove: (_ key: UnsafeRawBufferPointer) -> Void) {
    for key in merge.removedKeys { key.withUnsafeBytes { remove($0) } }
    merge.removedKeys = []
  }

  /// Hands out the record of every order changed since the last call, and takes them as stored. The bytes are lent.
  public func changedRecords(
    using writer: LedgerWriter = LedgerWriter(),
    into store: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
  ) {
    guard hasChanges else { return }
    let prefix = customer.recordPrefix
    for order in changed.orders {
      order.write(to: writer)
      let key = RecordKey.bytes(prefix: prefix, shopNo: order.shopNo, orderId: order.orderId)
      key.withUnsafeBytes { keyBytes in writer.record.withUnsafeBytes { store(keyBytes, $0) } }
      order.isChanged = false
      if order.isSettled { writer.record.withUnsafeBytes { order.pack($0) } }
    }
    for index in profiles.indices where !profiles[index].changed.isEmpty {
      let shopNo = profiles[index].shopNo
      profiles[index].takeChanged { part, record in
        let key = ProfileKey.bytes(ofCustomer: prefix, shopNo: shopNo, part: part)
        key.withUnsafeBytes { key in record.withUnsafeBytes { store(key, $0) } }
      }
    }
    if merge.isChanged {
      merge.isChanged = false
      MergeKey.bytes(ofCustomer: prefix).withUnsafeBytes { key in
        merge.record.withUnsafeBytes { store(key, $0) }
      }
    }
    changed.orders.removeAll(keepingCapacity: changed.orders.count < 64)
  }

  public var hasChanges: Bool {
    !changed.orders.isEmpty || merge.isChanged || profiles.contains { !$0.changed.isEmpty }
  }
}
