import History
import Kafka
import ReferenceEditions
import Stage
import Store
import Topics

/// Of a partition: which edition of the reference data its orders are judged by.
struct PartitionReference {
  /// The last switch record; nil: none was ever read.
  var record: ReferenceSwitchValue?
  /// `record` differs from what was last handed to the changelog.
  var isChanged = false
  var planned: PlannedReference
}

extension EnrichProcessor {
  /// Key of the edition's record. No customer's: theirs begin with a kind of 0…3.
  static let referenceKey: [UInt8] = [0xFF] + Array("reference".utf8)

  /// Finds the edition of a partition that was claimed.
  func openReference(_ partition: Int32, _ customers: Customers) throws {
    var stored: ReferenceSwitchValue?
    if let bytes = try customers.state.get(Self.referenceKey) {
      guard let read = ReferenceSwitchValue(protobuf: bytes) else {
        throw ReferenceProblems(["the reference record in the state of partition \(partition) is damaged"])
      }
      stored = read
    }
    guard let referenceFollower else {
      guard followsReference, let stored, !stored.hash.isEmpty else { return }
      throw ReferenceProblems([
        "partition \(partition) goes by edition \(stored.hash.prefix(12)) of the reference data, but there is no topic "
          + "of them: 'passflow topics create' makes it, and the editions have to be imported again"
      ])
    }
    customers.reference.record = stored
    customers.reference.planned = try referenceFollower.open(partition, stored: stored)
  }

  /// A switch record among the orders: from here on the partition's orders are judged by its edition.
  func takeReference(_ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers) throws
    -> Bool
  {
    guard let entry = ReferenceSwitchValue(orders: value), entry.number > 0 else { return false }
    guard let referenceFollower else {
      if !followsReference { return true }
      throw ReferenceProblems([
        "a switch of reference data in partition \(message.partition) at \(message.offset), but the topic of editions "
          + "was not there at the start: start again"
      ])
    }
    // Of an owner who knew less, or a repeat.
    guard entry.number > customers.reference.record?.number ?? 0 else { return true }
    customers.reference.planned = try referenceFollower.take(entry, message)
    customers.reference.record = entry
    customers.reference.isChanged = true
    folder.use(customers.reference.planned)
    return true
  }

  /// The edition's record for the changelog.
  func collectReference(_ partition: Int32, _ customers: Customers, into changes: inout StateChanges) {
    guard customers.reference.isChanged, let record = customers.reference.record else { return }
    customers.reference.isChanged = false
    Self.referenceKey.withUnsafeBytes { key in
      record.protobuf.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
    }
  }
}
