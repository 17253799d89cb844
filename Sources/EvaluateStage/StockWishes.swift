import Orders
import Topics

/// The SKUs of one order that have run low, each once: what `stock_alert` speaks of.
struct StockWishes {
  struct Low {
    var sku: UnsafeRawBufferPointer
    var after: Int64
    var safety: Int64
    var armedAt: Int64
  }

  private var levels: [Int: StockLevelValue] = [:]
  private(set) var low: [Low] = []

  /// Finds the lines that `includes` whose stock is at or below its safety level. What is found is borrowed from the
  /// snapshot; sorted by SKU bytes.
  mutating func read(
    snapshot: UnsafeRawBufferPointer, facts: UnsafeRawBufferPointer, includes: (Int) -> Bool
  ) {
    levels.removeAll(keepingCapacity: true)
    low.removeAll(keepingCapacity: true)
    var reader = ProtobufReader(facts)
    while reader.next() {
      guard reader.field == 14 else {
        reader.skip()
        continue
      }
      guard let level = StockLevelValue(protobuf: reader.slice()) else { continue }
      if level.after <= level.safety { levels[Int(level.itemIndex)] = level }
    }
    if levels.isEmpty { return }
    readSkus(snapshot, includes)
    low.sort { StockWishes.precedes($0.sku, $1.sku) }
  }

  private mutating func readSkus(_ snapshot: UnsafeRawBufferPointer, _ includes: (Int) -> Bool) {
    var reader = ProtobufReader(snapshot)
    var index = -1
    while reader.next() {
      guard reader.field == 22 else {
        reader.skip()
        continue
      }
      index += 1
      let item = reader.message()
      guard let level = levels[index], includes(index), let sku = StockWishes.sku(item),
        !low.contains(where: { $0.sku.elementsEqual(sku) })
      else { continue }
      low.append(
        Low(sku: sku, after: level.after, safety: level.safety, armedAt: level.armedAt))
    }
  }

  private static func sku(_ message: ProtobufReader) -> UnsafeRawBufferPointer? {
    var reader = message
    while reader.next() {
      guard reader.field == 3 else {
        reader.skip()
        continue
      }
      let sku = reader.slice()
      return sku.isEmpty ? nil : sku
    }
    return nil
  }

  private static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    left.lexicographicallyPrecedes(right)
  }
}

extension StockWishes.Low {
  /// Names the crossing: the same for every order that sees it (`DesiredAction.cause`).
  var cause: String {
    String(decoding: sku, as: UTF8.self) + "@" + Instant(microseconds: armedAt).rfc3339()
  }

  /// What the people read behind the rule's name.
  var text: String { "\(String(decoding: sku, as: UTF8.self)) 재고 \(after), 안전 재고 \(safety)" }
}
