/// Where an input stands: topic `orders`, partition, offset; a merge of customers raises the epoch.
public struct InputPosition: Hashable, Sendable {
  public var epoch: UInt32
  public var partition: Int32
  public var offset: Int64

  public init(epoch: UInt32 = 0, partition: Int32, offset: Int64) {
    self.epoch = epoch
    self.partition = partition
    self.offset = offset
  }
}

/// One `EnrichedOrder`, lent for the time of the call.
public struct EmittedRecord {
  public let bytes: UnsafeRawBufferPointer
  /// The key of topic `orders.enriched`.
  public let customer: CustomerIdentity
  /// Counts the records that one input caused: 0 is the input's own order.
  public let n: UInt32
  /// The input was a snapshot of this very order.
  public var isOwn: Bool { n == 0 }
}

/// What folding one snapshot did.
public struct FoldOutcome: Equatable, Sendable {
  /// The version was there already: the history is as it was, and the order was emitted again.
  public var isDuplicate: Bool
  /// A higher version of the order had been folded before.
  public var isLate: Bool
  /// Records handed out, the own one included.
  public var emitted: Int
  /// The first deadline of the order that the clock has not reached; `.max`: none.
  public var nextDue = Int64.max
  /// Of a moved order: memory that its states take here, as `CustomerHistory.memoryBytes` estimates it.
  public var keptBytes = 0
}
