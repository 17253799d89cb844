import Orders
import Topics

extension HistoryFolder {
  /// The state that a shipped order would have been decided on, had it not left already; nil unless a snapshot after
  /// c(X) changed receivers, payment, items, prices or quantities (D7). Items stand in it with the status that they
  /// had at T(X): what came back later does not count.
  func lateState(of order: FoldedOrder, _ decided: DatedSnapshot) -> DatedSnapshot? {
    guard let closing = order.closingState, let latest = order.latest, latest !== closing,
      latest.summary.isShipped, !latest.summary.isAllCancelled
    else { return nil }
    let bytes: [UInt8]? = decided.bytes.withUnsafeBytes { before in
      latest.bytes.withUnsafeBytes { after in
        if LateView.isPlainlySame(before, after) { return nil }
        let old = LateView(before)
        let new = LateView(after)
        return old.isSame(as: new) ? nil : new.withStatuses(of: old, after)
      }
    }
    guard let bytes else { return nil }
    guard let summary = try? bytes.withUnsafeBytes({ try SnapshotSummary($0) }) else { return nil }
    return DatedSnapshot(
      bytes: bytes, summary: summary, country: latest.country, hasIP: latest.hasIP,
      zones: latest.zones)
  }
}

/// What of a snapshot can make a change "too late". Everything is borrowed.
private struct LateView {
  struct Item {
    var code: UnsafeRawBufferPointer
    var status: UnsafeRawBufferPointer
    /// The whole item's bytes.
    var bytes: UnsafeRawBufferPointer
  }

  var receivers: [UnsafeRawBufferPointer] = []
  var methods: [UnsafeRawBufferPointer] = []
  var items: [Item] = []
  var paymentStatus: UInt64 = 0
  var paidAt: Int64?
  var currency = UnsafeRawBufferPointer(start: nil, count: 0)

  /// The bytes were read before without a fault.
  init(_ bytes: UnsafeRawBufferPointer) {
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 9: paidAt = reader.int64()
      case 12: currency = reader.slice()
      case 14: paymentStatus = reader.uint64()
      case 15: methods.append(reader.slice())
      case 21: receivers.append(reader.slice())
      case 22: items.append(Self.item(reader.slice()))
      default: reader.skip()
      }
    }
  }

  private static func item(_ bytes: UnsafeRawBufferPointer) -> Item {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    var item = Item(code: nothing, status: nothing, bytes: bytes)
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: item.code = reader.slice()
      case 7: item.status = reader.slice()
      default: reader.skip()
      }
    }
    return item
  }

  func isSame(as other: LateView) -> Bool {
    guard paymentStatus == other.paymentStatus, paidAt == other.paidAt,
      sameBytes(currency, other.currency), Self.isSameSet(methods, other.methods),
      Self.isSameSet(receivers, other.receivers), items.count == other.items.count
    else { return false }
    return items.allSatisfy { item in
      guard let match = other.item(item.code) else { return false }
      return Self.isSameLine(item.bytes, match.bytes)
    }
  }

  /// True when the two agree field by field, in the same order: `isSame` holds then, and nothing need be gathered.
  static func isPlainlySame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    var first = ProtobufReader(left)
    var second = ProtobufReader(right)
    while true {
      let hasOne = moveToWatched(&first)
      let hasOther = moveToWatched(&second)
      guard hasOne, hasOther else { return !hasOne && !hasOther }
      guard first.field == second.field, first.wireType == second.wireType else { return false }
      if first.wireType != 2 {
        if first.uint64() != second.uint64() || first.failed || second.failed { return false }
        continue
      }
      let one = first.slice()
      let other = second.slice()
      if sameBytes(one, other) { continue }
      if first.field != 22 || !isSameLine(one, other) { return false }
    }
  }

  /// Moves on to a field that can make a change "too late".
  private static func moveToWatched(_ reader: inout ProtobufReader) -> Bool {
    while reader.next() {
      switch reader.field {
      case 9, 12, 14, 15, 21, 22: return true
      default: reader.skip()
      }
    }
    return false
  }

  private func item(_ code: UnsafeRawBufferPointer) -> Item? {
    items.first { sameBytes($0.code, code) }
  }

  private static func isSameSet(
    _ left: [UnsafeRawBufferPointer], _ right: [UnsafeRawBufferPointer]
  ) -> Bool {
    left.count == right.count
      && left.allSatisfy { one in right.contains { sameBytes($0, one) } }
      && right.allSatisfy { one in left.contains { sameBytes($0, one) } }
  }

  /// Equal but for status and tracking. Both were written by one writer, so that equal fields have equal bytes.
  private static func isSameLine(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    if sameBytes(left, right) { return true }
    var first = ProtobufReader(left)
    var second = ProtobufReader(right)
    while true {
      let one = nextField(&first)
      let other = nextField(&second)
      guard let one, let other else { return one == nil && other == nil }
      if !sameBytes(one, other) { return false }
    }
  }

  /// The bytes of the next field that is neither status nor tracking.
  private static func nextField(_ reader: inout ProtobufReader) -> UnsafeRawBufferPointer? {
    while true {
      let start = reader.offset
      guard reader.next() else { return nil }
      reader.skip()
      if reader.failed { return nil }
      if reader.field != 7, reader.field != 11 {
        return UnsafeRawBufferPointer(rebasing: reader.bytes[start..<reader.offset])
      }
    }
  }

  /// These bytes, each item with the status that it has in `old`; items that `old` has not keep their own.
  func withStatuses(of old: LateView, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var writer = ProtobufWriter(capacity: bytes.count + 64)
    var reader = ProtobufReader(bytes)
    var index = 0
    while true {
      let start = reader.offset
      guard reader.next() else { return writer.bytes }
      reader.skip()
      var isCopied = true
      if reader.field == 22, index < items.count {
        let item = items[index]
        index += 1
        if let before = old.item(item.code), !sameBytes(before.status, item.status) {
          writer.message(22) { Self.write(item.bytes, status: before.status, to: &$0) }
          isCopied = false
        }
      }
      if isCopied { writer.raw(UnsafeRawBufferPointer(rebasing: bytes[start..<reader.offset])) }
    }
  }

  private static func write(
    _ item: UnsafeRawBufferPointer, status: UnsafeRawBufferPointer, to writer: inout ProtobufWriter
  ) {
    var reader = ProtobufReader(item)
    while true {
      let start = reader.offset
      guard reader.next() else { break }
      reader.skip()
      if reader.field != 7 { writer.raw(UnsafeRawBufferPointer(rebasing: item[start..<reader.offset])) }
    }
    writer.presentBytes(7, status)
  }
}
