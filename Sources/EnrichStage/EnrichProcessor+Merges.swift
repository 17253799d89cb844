import History
import Kafka
import Orders
import Stage
import Topics

/// Guests who become members (docs/design.md, "A guest who becomes a member").
extension EnrichProcessor {
  /// A merge, at the owner of the customer whose orders go over.
  func foldMerge(
    _ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers, _ producer: Producer
  ) throws {
    guard let merge = MergeEventValue(orders: value), let identity = CustomerIdentity(from: merge) else {
      return try malformed("merge", expected: "a CustomerMerge", value, message, producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    var moved: [MovedRecord] = []
    do {
      if try folder.fold(merge, into: customer, move: { moved.append($0) }) {
        customers.hasMerges = true
        customer.accountedBytes = customer.memoryBytes + moved.count * EnrichProcessor.removedKeyBytes
      } else {
        counts.duplicates += 1
      }
      _ = customer.takePurchaseBytes()
    } catch {
      if customer.isMalformed { throw error }
      return try refuse(message, error, producer)
    }
    counts.merges += 1
    for record in moved { try handOn(record, producer) }
    try note(customer, key: key, customers)
  }

  /// States of an order that come from another customer: folded here, or handed on to where this one's orders went.
  func foldMoved(
    _ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers, _ producer: Producer
  ) throws {
    guard let moved = MovedOrderValue(orders: value), let identity = CustomerIdentity(moved) else {
      return try malformed("moved", expected: "a MovedOrder", value, message, producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    let isHandedOn = try isHandedOn(customer, message, producer) { () throws(HistoryError) in
      try folder.forward(moved, of: customer)
    }
    if isHandedOn { return }
    if let deadlines = customers.deadlines, let latest = try? folder.latestEventTime(of: moved) {
      advanceClock(deadlines, to: latest, message)
    }
    let outcome = try emitting(message, producer) { emit throws(HistoryError) in
      try folder.fold(moved, position: message.inputPosition, into: customer, emit: emit)
    }
    guard let outcome else { return }
    counts.moved += 1
    customers.deadlines?.schedule(key, outcome.nextDue)
    customer.accountedBytes +=
      outcome.keptBytes + EnrichProcessor.contextOverheadBytes + customer.takePurchaseBytes()
    try note(customer, key: key, customers)
  }

  /// An input of a customer whose orders are another's: true when it was handed on, or refused.
  func isHandedOn(
    _ customer: CustomerHistory, _ message: MessageView, _ producer: Producer,
    _ record: () throws(HistoryError) -> MovedRecord?
  ) throws -> Bool {
    guard customer.isMerged else { return false }
    switch Result(catching: record) {
    case .success(nil): return false
    case .success(let record?): try handOn(record, producer)
    case .failure(let error): try refuse(message, error, producer)
    }
    return true
  }

  static let removedKeyBytes = 160

  /// Leaves like every output: acknowledged before the state that follows from it commits. Repeats change nothing.
  private func handOn(_ record: MovedRecord, _ producer: Producer) throws {
    guard let orders else { throw MergeProblem() }
    counts.handedOn += 1
    var key = Array(record.to.mallId.utf8)
    key.append(0)
    record.to.appendKindAndDigest(to: &key)
    _ = try key.withUnsafeBytes { key in
      try record.value.withUnsafeBytes { value in
        try producer.send(
          topic: orders, partition: Partitioner.partition(forKey: key, count: orders.partitionCount),
          key: key,
          value: value)
      }
    }
  }
}

/// A processor that was not told how to write `orders` met a merge.
struct MergeProblem: Error, CustomStringConvertible {
  var description: String { "customers were merged, but this lane was given no way to write to `orders`" }
}
