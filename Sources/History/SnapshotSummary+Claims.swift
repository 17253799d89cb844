import Orders
import Topics

extension SnapshotSummary {
  private enum ClaimKind {
    static let cancel: UInt64 = 1
    static let `return`: UInt64 = 2
    static let exchange: UInt64 = 3
  }
  private static let completed: UInt64 = 3

  /// Second look, taken only when there are claims: their prices stand in the items. False when malformed.
  mutating func readClaims(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var items: [ScannedItem] = []
    items.reserveCapacity(itemCount)
    var reader = ProtobufReader(bytes)
    while reader.next() {
      guard reader.field == 22 else {
        reader.skip()
        continue
      }
      guard let item = ScannedItem(reader.slice()) else { return false }
      if item.isPriced { items.append(item) }
    }
    var deduction: Int64 = 0
    var claims = ProtobufReader(bytes)
    while claims.next() {
      guard claims.field == 23 else {
        claims.skip()
        continue
      }
      guard readClaim(claims.slice(), items, &deduction) else { return false }
    }
    netAmount = max(clampedSum(amountItems, -deduction), 0)
    return true
  }

  private mutating func readClaim(
    _ bytes: UnsafeRawBufferPointer, _ items: [ScannedItem], _ deduction: inout Int64
  ) -> Bool {
    var kind: UInt64 = 0
    var status: UInt64 = 0
    var isFault = true
    var completedAt: Int64?
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 2: kind = reader.uint64()
      case 3: status = reader.uint64()
      case 4: isFault = Self.isCustomerFault(reader.slice())
      case 6: completedAt = reader.int64()
      default: reader.skip()
      }
    }
    guard !reader.failed else { return false }
    guard status == Self.completed else { return true }
    if isFault, let completedAt, kind == ClaimKind.return || kind == ClaimKind.exchange {
      faultClaims.append(FaultClaim(isReturn: kind == ClaimKind.return, completedAt: completedAt))
    }
    guard kind == ClaimKind.cancel || kind == ClaimKind.return else { return true }
    var lines = ProtobufReader(bytes)
    while lines.next() {
      guard lines.field == 8 else {
        lines.skip()
        continue
      }
      guard let line = Self.deduction(lines.slice(), items) else { return false }
      deduction = clampedSum(deduction, line)
    }
    return true
  }

  /// A, E, F, or no reason given (D15).
  private static func isCustomerFault(_ reason: UnsafeRawBufferPointer) -> Bool {
    reason.isEmpty || (reason.count == 1 && (reason[0] == 65 || reason[0] == 69 || reason[0] == 70))
  }

  private static func deduction(_ bytes: UnsafeRawBufferPointer, _ items: [ScannedItem]) -> Int64? {
    var code = UnsafeRawBufferPointer(start: nil, count: 0)
    var quantity: Int32 = 0
    var reader = ProtobufReader(bytes)
    while reader.next() {
      switch reader.field {
      case 1: code = reader.slice()
      case 2: quantity = reader.int32()
      default: reader.skip()
      }
    }
    if reader.failed { return nil }
    guard let item = items.first(where: { sameBytes($0.code, code) }) else { return 0 }
    return clampedLine(unit: item.unitPrice, option: item.optionPrice, quantity: quantity)
  }
}
