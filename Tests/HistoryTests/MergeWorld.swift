import Orders
import TestKit
import Topics

@testable import History

/// Partitions of `orders` with their logs, owners and state commits, as enrich has them: an owner dies at any time and
/// goes on from its last commit, while what it has sent stays sent.
final class MergeWorld {
  private struct Owner {
    var log: [[UInt8]] = []
    var next = 0
    var customers: [CustomerIdentity: CustomerHistory] = [:]
    // As of the last commit.
    var committed = 0
    var stored: [[UInt8]: [UInt8]] = [:]
  }

  struct Last {
    var latestVersion: Int64
    var position: Position
    var record: ReadRecord
  }

  private var owners: [Owner]
  private let folder: HistoryFolder
  /// By apply's order: newest snapshot, then position.
  private(set) var last: [String: Last] = [:]
  private(set) var refused: [HistoryError] = []

  init(partitions: Int, demand: FactDemand) {
    owners = Array(repeating: Owner(), count: partitions)
    folder = HistoryFolder(reference: MergeWorld.reference, demand: demand)
  }

  /// 8.x is American, 9.x Japanese.
  static let reference: ReferenceData = {
    var builder = ReferenceBuilder()
    let rows = "134217728,150994943,US\n150994944,167772159,JP\n"
    Array(rows.utf8).withUnsafeBytes { builder.add(.geo, $0, file: "geo.csv") }
    return builder.build()
  }()

  /// Neighbouring digests lie on different partitions.
  private func partition(of customer: CustomerIdentity) -> Int {
    Int((customer.digestLow &+ UInt64(customer.kind.rawValue)) % UInt64(owners.count))
  }

  func send(_ snapshot: SnapshotBuilder) { append(snapshot.bytes, snapshot.identity) }

  func send(_ merge: MergeEventValue) {
    if let from = CustomerIdentity(from: merge) { append(merge.ordersValue, from) }
  }

  func send(_ context: ContextEventValue) {
    if let customer = CustomerIdentity(context) { append(context.ordersValue, customer) }
  }

  func send(_ profile: ProfileEventValue) {
    if let customer = CustomerIdentity(profile) { append(profile.ordersValue, customer) }
  }

  private func append(_ value: [UInt8], _ customer: CustomerIdentity) {
    owners[partition(of: customer)].log.append(value)
  }

  // MARK: The owners

  var partitions: Range<Int> { owners.indices }

  /// False: nothing to read.
  @discardableResult func step(_ partition: Int) throws -> Bool {
    guard owners[partition].next < owners[partition].log.count else { return false }
    let value = owners[partition].log[owners[partition].next]
    let position = InputPosition(partition: Int32(partition), offset: Int64(owners[partition].next))
    owners[partition].next += 1
    do {
      try value.withUnsafeBytes { try take($0, partition, position) }
    } catch let error as HistoryError {
      refused.append(error)
    }
    return true
  }

  func runToTheEnd() throws {
    while try partitions.map({ try step($0) }).contains(true) {}
  }

  func commit(_ partition: Int) {
    for customer in owners[partition].customers.values {
      customer.removedRecords { owners[partition].stored[[UInt8]($0)] = nil }
      customer.changedRecords { owners[partition].stored[[UInt8]($0)] = [UInt8]($1) }
    }
    owners[partition].committed = owners[partition].next
  }

  func die(_ partition: Int) {
    owners[partition].customers = [:]
    owners[partition].next = owners[partition].committed
  }

  private func customer(_ identity: CustomerIdentity, _ partition: Int) throws -> CustomerHistory {
    if let known = owners[partition].customers[identity] { return known }
    let prefix = identity.recordPrefix
    let prefixes = [prefix, ProfileKey.prefix(ofCustomer: prefix), MergeKey.bytes(ofCustomer: prefix)]
    let records = owners[partition].stored.filter { entry in prefixes.contains { entry.key.starts(with: $0) }
    }
    let customer = try CustomerHistory(
      customer: identity, records: records.map { (key: $0.key, value: $0.value) })
    owners[partition].customers[identity] = customer
    return customer
  }

  private func take(_ value: UnsafeRawBufferPointer, _ partition: Int, _ position: InputPosition) throws {
    if let merge = MergeEventValue(orders: value), let from = CustomerIdentity(from: merge) {
      try folder.fold(merge, into: try customer(from, partition)) { append($0.value, $0.to) }
    } else if let moved = MovedOrderValue(orders: value), let identity = CustomerIdentity(moved) {
      let customer = try customer(identity, partition)
      if let record = try folder.forward(moved, of: customer) { return append(record.value, record.to) }
      try folder.fold(moved, position: position, into: customer) { note($0) }
    } else if let context = ContextEventValue(orders: value), let identity = CustomerIdentity(context) {
      let customer = try customer(identity, partition)
      if let record = try folder.forward(context, of: customer) { return append(record.value, record.to) }
      try folder.fold(context, position: position, into: customer) { note($0) }
    } else if let profile = ProfileEventValue(orders: value), let identity = CustomerIdentity(profile) {
      try folder.fold(profile, position: position, into: try customer(identity, partition)) { note($0) }
    } else {
      let summary = try SnapshotSummary(value)
      let customer = try customer(summary.customer(in: value), partition)
      if let record = try folder.forward(value, summary: summary, of: customer) {
        return append(record.value, record.to)
      }
      try folder.fold(value, summary: summary, position: position, into: customer) { note($0) }
    }
  }

  private func note(_ emitted: EmittedRecord) {
    guard let value = EnrichedOrderValue(protobuf: emitted.bytes), let snapshot = value.snapshot else {
      return
    }
    let new = Last(
      latestVersion: value.latestVersion, position: value.position, record: ReadRecord(emitted.bytes))
    if let known = last[snapshot.orderId] {
      let isOlder =
        new.latestVersion != known.latestVersion
        ? new.latestVersion < known.latestVersion : new.position < known.position
      if isOlder { return }
    }
    last[snapshot.orderId] = new
  }

  // MARK: What is compared

  /// What each order's last record says, but for the key that the order came with and for what depends on when it was
  /// said.
  func said() -> [String: ReadRecord] {
    last.mapValues { last in
      var record = last.record
      (record.n, record.own, record.inputTime, record.comparable) = (0, false, 0, [])
      if record.state == 0 { record.decidingInstant = 0 }
      record.snapshot = Self.withoutCustomer(record.snapshot)
      record.lateSnapshot = record.lateSnapshot.map(Self.withoutCustomer)
      return record
    }
  }

  private static func withoutCustomer(_ bytes: [UInt8]) -> [UInt8] {
    var snapshot = bytes.withUnsafeBytes { OrderSnapshotValue(protobuf: $0) }
    snapshot?.customer = nil
    return snapshot?.protobuf ?? []
  }

  /// Orders that are kept with this customer, live and in the state.
  func orders(of identity: CustomerIdentity) throws -> Int {
    let partition = partition(of: identity)
    return try customer(identity, partition).orderCount
  }

  func storedKeys(of identity: CustomerIdentity) -> Int {
    owners[partition(of: identity)].stored.keys.filter { $0.starts(with: identity.recordPrefix) }.count
  }
}

/// Customers of the tests, by kind and digest byte.
struct Person: Hashable {
  var kind: UInt64
  var digest: UInt8

  static func member(_ digest: UInt8) -> Person { Person(kind: 1, digest: digest) }
  static func phone(_ digest: UInt8) -> Person { Person(kind: 2, digest: digest) }
  static func email(_ digest: UInt8) -> Person { Person(kind: 3, digest: digest) }

  var identity: CustomerIdentity { SnapshotBuilder("x", at: 0).of(self).identity }

  var key: CustomerKeyValue {
    var key = CustomerKeyValue()
    key.kind = CustomerKey.Kind(rawValue: UInt8(kind)) ?? .none
    key.digest = [UInt8](repeating: digest, count: 16)
    return key
  }

  func merged(into other: Person, at minute: Int64 = 500) -> MergeEventValue {
    var merge = MergeEventValue()
    merge.mallId = SnapshotBuilder("x", at: 0).mall
    (merge.from, merge.to) = (key, other.key)
    merge.at = Instant(microseconds: SnapshotBuilder.minute(minute))
    return merge
  }
}

extension SnapshotBuilder {
  func of(_ person: Person) -> SnapshotBuilder {
    with { ($0.kind, $0.digest) = (person.kind, person.digest) }
  }
}
