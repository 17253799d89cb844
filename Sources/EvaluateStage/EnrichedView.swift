import Topics

/// The parts of an `EnrichedOrder` (topics/enriched.proto), borrowed from its bytes.
struct EnrichedView {
  var position = UnsafeRawBufferPointer(start: nil, count: 0)
  var snapshot = UnsafeRawBufferPointer(start: nil, count: 0)
  var facts = UnsafeRawBufferPointer(start: nil, count: 0)
  var lateSnapshot: UnsafeRawBufferPointer?
  var lateFacts = UnsafeRawBufferPointer(start: nil, count: 0)
  var latestVersion: Int64 = 0
  var state: Int64 = 0
  var firstSeenClosed = false
  var own = false
  var inputEventTime: Int64 = 0

  /// Nil when the bytes are malformed or there is no snapshot.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = ProtobufReader(bytes)
    var hasSnapshot = false
    while reader.next() {
      switch reader.field {
      case 1: position = reader.slice()
      case 2:
        snapshot = reader.slice()
        hasSnapshot = true
      case 3: facts = reader.slice()
      case 4: latestVersion = reader.int64()
      case 5: state = reader.int64()
      case 6: firstSeenClosed = reader.bool()
      case 8: own = reader.bool()
      case 9: lateSnapshot = reader.slice()
      case 10: lateFacts = reader.slice()
      case 11: inputEventTime = reader.int64()
      default: reader.skip()
      }
    }
    guard !reader.failed, hasSnapshot else { return nil }
  }
}
