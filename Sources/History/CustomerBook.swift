import Orders
import Topics

/// All customers of a run without a broker, in memory: takes values of topic `orders` as enrich does.
public final class CustomerBook {
  private let folder: HistoryFolder
  private var customers: [CustomerIdentity: CustomerHistory] = [:]
  /// Moved orders so far: each is an input of its own.
  private var moved: Int64 = 0

  public init(folder: HistoryFolder) { self.folder = folder }

  /// Folds a snapshot, profile or merge, and what a merge moves. Positions are moved on by one for each order that was
  /// moved before. Throws `HistoryError`.
  public func take(
    _ value: UnsafeRawBufferPointer, position: InputPosition, emit: (EmittedRecord) -> Void
  ) throws(HistoryError) {
    var waiting: [MovedRecord] = []
    try fold(value, shifted(position), &waiting, emit)
    var next = 0
    while next < waiting.count {
      guard let moved = MovedOrderValue(orders: waiting[next].value) else { throw .malformedRecord }
      let customer = customer(waiting[next].to)
      next += 1
      self.moved += 1
      folder.clock = max(folder.clock, try folder.latestEventTime(of: moved))
      if let record = try folder.forward(moved, of: customer) {
        waiting.append(record)
      } else {
        try folder.fold(moved, position: shifted(position), into: customer, emit: emit)
      }
    }
  }

  private func fold(
    _ value: UnsafeRawBufferPointer, _ position: InputPosition, _ waiting: inout [MovedRecord],
    _ emit: (EmittedRecord) -> Void
  ) throws(HistoryError) {
    if ProfileEventValue.isHeld(by: value) {
      guard let profile = ProfileEventValue(orders: value), let identity = CustomerIdentity(profile) else {
        throw .malformedSnapshot
      }
      folder.clock = max(folder.clock, profile.at.microseconds)
      try folder.fold(profile, position: position, into: customer(identity), emit: emit)
    } else if MergeEventValue.isHeld(by: value) {
      guard let merge = MergeEventValue(orders: value), let identity = CustomerIdentity(from: merge) else {
        throw .malformedSnapshot
      }
      try folder.fold(merge, into: customer(identity)) { waiting.append($0) }
    } else {
      let summary = try SnapshotSummary(value)
      let customer = customer(summary.customer(in: value))
      folder.clock = max(folder.clock, summary.eventTime.microseconds)
      if let record = try folder.forward(value, summary: summary, of: customer) {
        waiting.append(record)
      } else {
        try folder.fold(value, summary: summary, position: position, into: customer, emit: emit)
      }
    }
  }

  /// What is overdue by the latest event taken.
  public func fireAll(position: InputPosition, emit: (EmittedRecord) -> Void) {
    folder.fireAll(Array(customers.values), position: shifted(position), emit: emit)
  }

  private func shifted(_ position: InputPosition) -> InputPosition {
    InputPosition(partition: position.partition, offset: position.offset + moved)
  }

  private func customer(_ identity: CustomerIdentity) -> CustomerHistory {
    if let known = customers[identity] { return known }
    let new = CustomerHistory(customer: identity)
    customers[identity] = new
    return new
  }
}

extension MovedOrderValue {
  fileprivate init?(orders value: [UInt8]) {
    guard let moved = value.withUnsafeBytes({ MovedOrderValue(orders: $0) }) else { return nil }
    self = moved
  }
}
