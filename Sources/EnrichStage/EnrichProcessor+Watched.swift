import History
import Store

/// Finding deadlines in what is folded.
extension EnrichProcessor {
  /// In service (docs/design.md, "Many at once").
  static let firedPerInput: UInt32 = 1_000

  /// Schedules what has not fired yet; `former`: only of orders that are watched for more than by that plan.
  func scheduleStored(
    _ deadlines: Deadlines, of state: PartitionState, moreThan former: DemandPlan? = nil
  ) throws {
    let place = deadlines.reached ?? DeadlinePlace(due: deadlines.clock, key: [0xFF])
    if folder.watchesCustomers {
      try forEachStoredCustomer(of: state, moreThan: former) { prefix, customer in
        let next =
          former.map { folder.nextDue(in: customer, watchedMoreThan: $0) }
          ?? folder.nextDue(in: customer, after: place.instant(before: prefix))
        deadlines.schedule(prefix, next)
      }
      return
    }
    try state.scan(prefix: []) { key, record in
      guard key.first != 0xFF, former.map({ folder.watchesMore(than: $0, key: key) }) ?? true else { return }
      let prefix = Self.recordPrefix(ofKey: key)
      let found = try folder.storedDeadline(key: key, record: record, after: place.instant(before: prefix))
      deadlines.schedule(prefix, found.nextDue)
    }
  }

  /// A customer's records lie side by side.
  private func forEachStoredCustomer(
    of state: PartitionState, moreThan former: DemandPlan?,
    _ body: (_ prefix: [UInt8], _ customer: CustomerHistory) throws -> Void
  ) throws {
    var records: [(key: [UInt8], value: [UInt8])] = []
    var prefix: [UInt8] = []
    var isMeant = false
    var hasProfiles = false
    try state.page(after: ProfileKey.prefix, limit: 1) { key, _ in
      hasProfiles = key.starts(with: ProfileKey.prefix)
    }
    func finish() throws {
      defer { records.removeAll(keepingCapacity: true) }
      guard isMeant, let identity = CustomerIdentity(recordPrefix: prefix) else { return }
      if hasProfiles {
        try state.scan(prefix: ProfileKey.prefix(ofCustomer: prefix)) { key, record in
          records.append(([UInt8](key), [UInt8](record)))
        }
      }
      let customer = try CustomerHistory(customer: identity, records: records)
      try body(prefix, customer)
      // What cannot be read is no reason to watch nothing.
      if customer.isMalformed { throw HistoryError.malformedRecord }
    }
    try state.scan(prefix: []) { key, record in
      guard key.first != 0xFF else { return }
      if prefix.isEmpty || !key.starts(with: prefix) {
        try finish()
        prefix = Self.recordPrefix(ofKey: key)
        isMeant = former == nil
      }
      if let former, !isMeant { isMeant = folder.watchesMore(than: former, key: key) }
      records.append(([UInt8](key), [UInt8](record)))
    }
    try finish()
  }

  /// The `CustomerIdentity.recordPrefix` that a record's key begins with.
  private static func recordPrefix(ofKey key: UnsafeRawBufferPointer) -> [UInt8] {
    guard key.count > 17, let end = key[17...].firstIndex(of: 0) else { return [UInt8](key) }
    return [UInt8](key[...end])
  }
}

extension DeadlinePlace {
  /// Deadlines of a customer after this instant stand behind the place.
  fileprivate func instant(before customer: [UInt8]) -> Int64 {
    due > .min && key.lexicographicallyPrecedes(customer) ? due - 1 : due
  }
}
