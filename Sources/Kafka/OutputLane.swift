/// What waits for and is on its way to one partition. Guarded by the producer's monitor.
final class OutputLane {
  let topic: Int
  let partition: Int32
  let pacing: LanePacing?
  /// Oldest first; the first one's range `done ..< handed` is with librdkafka.
  var batches: [OutputBatch] = []
  /// End of the range handed over; equals `done` of the first batch when nothing is on its way.
  var handed = 0
  var handedAtMs: Int64 = 0
  /// Records up to this sequence number are to leave, however few they are.
  var dueThrough: UInt64 = 0
  /// Already in the list of lanes to look at.
  var isQueued = false
  /// Waits for the downstream group to read on.
  var isHeldBack = false

  // The worker's own, within one delivery report event.
  var acknowledgedNow = 0

  init(topic: Int, partition: Int32, pacing: LanePacing?) {
    self.topic = topic
    self.partition = partition
    self.pacing = pacing
  }

  var isIdle: Bool { batches.isEmpty || handed == batches[0].done }
  /// Enough has gathered to leave without being flushed.
  private static let eagerBytes = 384 << 10
  /// True when it pays to hand over what has gathered.
  var isReadyToGo: Bool {
    guard let first = batches.first, handed == first.done, !isQueued, !isHeldBack else { return false }
    if batches.count > 1 || first.used >= OutputLane.eagerBytes { return true }
    return first.done < first.entries.count && first.entries[first.done].sequence <= dueThrough
  }
  var firstUnacknowledged: UInt64? {
    guard let first = batches.first, first.done < first.entries.count else { return nil }
    return first.entries[first.done].sequence
  }
}
