/// Which input offsets may be committed: those whose outputs the broker has acknowledged (counted per
/// partition). A value that the lane asks after every batch; no I/O.
struct AcknowledgedOffsets {
  private struct Mark {
    var nextOffset: Int64
    /// The producer's sequence number after the outputs of the inputs below `nextOffset`.
    var sequence: UInt64
  }
  private var marks: [Int32: [Mark]] = [:]
  private var settled: [Int32: Int64] = [:]

  /// Inputs of `partition` below `nextOffset` were handled; their outputs end at `sequence`.
  mutating func handled(partition: Int32, nextOffset: Int64, sequence: UInt64) {
    if let last = marks[partition]?.indices.last, marks[partition]?[last].sequence == sequence {
      marks[partition]?[last].nextOffset = nextOffset
      return
    }
    marks[partition, default: []].append(Mark(nextOffset: nextOffset, sequence: sequence))
  }

  /// Moves what is acknowledged over; returns true when some partition's offset grew.
  mutating func advance(acknowledgedThrough: UInt64) -> Bool {
    var grew = false
    for (partition, list) in marks {
      guard let last = list.lastIndex(where: { $0.sequence <= acknowledgedThrough }) else { continue }
      settled[partition] = list[last].nextOffset
      marks[partition] = last + 1 == list.count ? nil : Array(list[(last + 1)...])
      grew = true
    }
    return grew
  }

  /// The offset to commit for a partition; nil when nothing new was settled since `forget`.
  func offset(_ partition: Int32) -> Int64? { settled[partition] }
  var all: [(partition: Int32, offset: Int64)] { settled.map { ($0.key, $0.value) } }

  mutating func forget(_ partition: Int32) {
    marks[partition] = nil
    settled[partition] = nil
  }
}
