import Topics

/// A line that is live and no gift, as measures of earlier orders see it. A code is known by its `ContentHash`, 0 for none.
struct Purchase {
  var sku: UInt64
  var product: UInt64
  var pieces: Int64

  init(_ item: ScannedItem) {
    sku = item.sku.isEmpty ? 0 : Self.hash(of: item.sku)
    product = item.productCode.isEmpty ? 0 : Self.hash(of: item.productCode)
    pieces = Int64(max(item.quantity, 0))
  }

  static func hash(of code: UnsafeRawBufferPointer) -> UInt64 { max(ContentHash.of(code), 1) }

  /// Of a multiset of lines.
  static func hash(of purchases: [Purchase]) -> UInt64 {
    purchases.reduce(UInt64(purchases.count)) { sum, line in
      var hash = ContentHash()
      hash.add(line.sku)
      hash.add(line.product)
      hash.add(UInt64(bitPattern: line.pieces))
      return sum &+ hash.value
    }
  }
}

extension DatedSnapshot {
  /// Read from the bytes once, when a rule first asks for lines, and then kept: a customer's later orders each ask.
  func purchases(of customer: CustomerHistory) -> [Purchase] {
    if let keptPurchases { return keptPurchases }
    let purchases = scanPurchases()
    keptPurchases = purchases
    customer.purchaseBytes += 32 + purchases.capacity * MemoryLayout<Purchase>.stride
    return purchases
  }

  func scanPurchases() -> [Purchase] {
    bytes.withUnsafeBytes { bytes in
      var purchases: [Purchase] = []
      purchases.reserveCapacity(summary.itemCount)
      var reader = ProtobufReader(bytes)
      while reader.next() {
        guard reader.field == 22 else {
          reader.skip()
          continue
        }
        // The bytes were read before without a fault.
        if let item = ScannedItem(reader.slice()), item.isPriced { purchases.append(Purchase(item)) }
      }
      return purchases
    }
  }
}

/// Hashes of codes → small numbers counted from 0.
struct CodeHashes {
  private var hashes: [UInt64] = []
  /// Open addressing, a power of two, at most half full: number + 1, 0 = free.
  private var slots = [Int32](repeating: 0, count: 16)

  @inline(__always) func find(_ hash: UInt64) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) &- 1
      if hashes[number] == hash { return number }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    return nil
  }

  /// The number of a hash, new or known.
  mutating func insert(_ hash: UInt64) -> Int {
    if let known = find(hash) { return known }
    hashes.append(hash)
    if hashes.count * 2 > slots.count {
      slots = [Int32](repeating: 0, count: slots.count * 2)
      for number in hashes.indices { place(number) }
    } else {
      place(hashes.count - 1)
    }
    return hashes.count - 1
  }

  private mutating func place(_ number: Int) {
    var slot = Int(truncatingIfNeeded: hashes[number]) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(number + 1)
  }
}
