import Glibc

/// Keys of a `StateCache`: an open-addressing hash table over byte strings, a list of clean entries by last use,
/// and the set of dirty ones. Concrete, so that its loops are compiled once; slots number the values that the
/// generic cache keeps beside it.
@usableFromInline final class CacheIndex {
  private struct Node {
    var key: UnsafeMutableRawPointer
    var keyCount: Int32
    /// −1 = not in the list of clean entries (dirty or free).
    var newer: Int32
    var older: Int32
    /// Place in `dirty`, −1 = clean.
    var dirtyPlace: Int32
    var hash: UInt64
    var bytes: Int
  }

  /// Memory that an entry takes besides its key and value, in bytes (node, table slots, heap headers).
  static let entryOverhead = 128

  private var nodes: [Node] = []
  private var free: [Int32] = []
  /// Power of two; slot + 1, 0 = empty.
  private var table: [Int32]
  private let seed: UInt64
  private var newest: Int32 = -1
  private var oldest: Int32 = -1
  private(set) var dirty: [Int32] = []
  @usableFromInline private(set) var bytesInUse = 0
  @usableFromInline private(set) var dirtyBytes = 0
  @usableFromInline private(set) var count = 0

  @usableFromInline init(seed: UInt64) {
    self.seed = seed
    table = [Int32](repeating: 0, count: 1024)
  }

  deinit {
    for entry in table where entry > 0 { nodes[Int(entry) - 1].key.deallocate() }
  }

  @usableFromInline var dirtyCount: Int { dirty.count }

  // MARK: Look-up

  /// Slot of the key, −1 if absent. A clean entry counts as used now.
  @usableFromInline func find(_ key: UnsafeRawBufferPointer) -> Int {
    let slot = probe(key, hash(key)).slot
    guard slot >= 0 else { return -1 }
    if nodes[Int(slot)].dirtyPlace < 0, slot != newest {
      unlink(slot)
      linkNewest(slot)
    }
    return Int(slot)
  }

  private func probe(_ key: UnsafeRawBufferPointer, _ hash: UInt64) -> (place: Int, slot: Int32) {
    let mask = table.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let entry = table[place]
      if entry == 0 { return (place, -1) }
      if nodes[Int(entry) - 1].hash == hash, matches(nodes[Int(entry) - 1], key) { return (place, entry - 1) }
      place = (place + 1) & mask
    }
  }

  private func matches(_ node: Node, _ key: UnsafeRawBufferPointer) -> Bool {
    guard Int(node.keyCount) == key.count else { return false }
    guard let start = key.baseAddress else { return true }
    return memcmp(node.key, start, key.count) == 0
  }

  /// Multiply-and-fold over words, seeded: keys from outside cannot be chosen to collide.
  private func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var state = seed ^ (UInt64(truncatingIfNeeded: key.count) &* 0x9E37_79B9_7F4A_7C15)
    var offset = 0
    while offset &+ 8 <= key.count {
      state = fold(state ^ key.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset &+= 8
    }
    var last: UInt64 = 0
    while offset < key.count {
      last = last << 8 | UInt64(key[offset])
      offset &+= 1
    }
    return fold(fold(state ^ last) ^ seed)
  }

  @inline(__always) private func fold(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }

  // MARK: Change

  /// Adds a key that is absent, as the newest clean entry.
  @usableFromInline func insert(_ key: UnsafeRawBufferPointer, bytes: Int) -> Int {
    if (count + 1) * 4 > table.count * 3 { grow() }
    let hash = hash(key)
    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(key.count, 1), alignment: 1)
    copy.copyMemory(from: key.baseAddress ?? UnsafeRawPointer(copy), byteCount: key.count)
    let node = Node(
      key: copy, keyCount: Int32(clamping: key.count), newer: -1, older: -1, dirtyPlace: -1, hash: hash,
      bytes: max(bytes, 0) + key.count + CacheIndex.entryOverhead)
    let slot: Int32
    if let reused = free.popLast() {
      slot = reused
      nodes[Int(slot)] = node
    } else {
      slot = Int32(nodes.count)
      nodes.append(node)
    }
    table[probe(key, hash).place] = slot + 1
    count += 1
    bytesInUse += node.bytes
    linkNewest(slot)
    return Int(slot)
  }

  @usableFromInline func setBytes(_ slot: Int, _ bytes: Int) {
    let total = max(bytes, 0) + Int(nodes[slot].keyCount) + CacheIndex.entryOverhead
    let change = total - nodes[slot].bytes
    nodes[slot].bytes = total
    bytesInUse += change
    if nodes[slot].dirtyPlace >= 0 { dirtyBytes += change }
  }

  @usableFromInline func markDirty(_ slot: Int) {
    guard nodes[slot].dirtyPlace < 0 else { return }
    unlink(Int32(slot))
    nodes[slot].dirtyPlace = Int32(dirty.count)
    dirty.append(Int32(slot))
    dirtyBytes += nodes[slot].bytes
  }

  /// One dirty entry becomes clean, the most recently used one.
  @usableFromInline func markClean(_ slot: Int) {
    guard nodes[slot].dirtyPlace >= 0 else { return }
    dropDirty(slot)
    nodes[slot].dirtyPlace = -1
    linkNewest(Int32(slot))
  }

  /// All dirty entries become clean, the most recently used ones.
  @usableFromInline func markAllClean() {
    for slot in dirty {
      nodes[Int(slot)].dirtyPlace = -1
      linkNewest(slot)
    }
    dirty.removeAll(keepingCapacity: true)
    dirtyBytes = 0
  }

  /// Dirty slots by key, so that they can be written in the order of the file.
  @usableFromInline func sortedDirty() -> [Int32] {
    dirty.sorted { left, right in precedes(nodes[Int(left)], nodes[Int(right)]) }
  }

  private func precedes(_ left: Node, _ right: Node) -> Bool {
    let order = memcmp(left.key, right.key, Int(min(left.keyCount, right.keyCount)))
    return order < 0 || (order == 0 && left.keyCount < right.keyCount)
  }

  @usableFromInline func key(_ slot: Int) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: nodes[slot].key, count: Int(nodes[slot].keyCount)))
  }

  /// Slot of the clean entry that was not used for longest, −1 if all are dirty.
  @usableFromInline var oldestClean: Int { Int(oldest) }

  /// Removes an entry; a dirty one is forgotten unwritten.
  @usableFromInline func remove(_ slot: Int) {
    let node = nodes[slot]
    if node.dirtyPlace >= 0 {
      dropDirty(slot)
    } else {
      unlink(Int32(slot))
    }
    removeFromTable(node, Int32(slot))
    node.key.deallocate()
    free.append(Int32(slot))
    count -= 1
    bytesInUse -= node.bytes
  }

  private func dropDirty(_ slot: Int) {
    let place = Int(nodes[slot].dirtyPlace)
    let last = dirty.removeLast()
    if place < dirty.count {
      dirty[place] = last
      nodes[Int(last)].dirtyPlace = Int32(place)
    }
    dirtyBytes -= nodes[slot].bytes
  }

  /// Linear probing without tombstones: later entries of the run move up.
  private func removeFromTable(_ node: Node, _ slot: Int32) {
    let mask = table.count - 1
    var hole = Int(truncatingIfNeeded: node.hash) & mask
    while table[hole] != slot + 1 { hole = (hole + 1) & mask }
    var place = hole
    while true {
      place = (place + 1) & mask
      let entry = table[place]
      if entry == 0 { break }
      let home = Int(truncatingIfNeeded: nodes[Int(entry) - 1].hash) & mask
      // Only entries whose home does not lie behind the hole may fill it.
      if (place - home) & mask >= (place - hole) & mask {
        table[hole] = entry
        hole = place
      }
    }
    table[hole] = 0
  }

  private func grow() {
    let old = table
    table = [Int32](repeating: 0, count: old.count * 2)
    let mask = table.count - 1
    for entry in old where entry > 0 {
      var place = Int(truncatingIfNeeded: nodes[Int(entry) - 1].hash) & mask
      while table[place] != 0 { place = (place + 1) & mask }
      table[place] = entry
    }
  }

  private func linkNewest(_ slot: Int32) {
    nodes[Int(slot)].newer = -1
    nodes[Int(slot)].older = newest
    if newest >= 0 { nodes[Int(newest)].newer = slot } else { oldest = slot }
    newest = slot
  }

  private func unlink(_ slot: Int32) {
    let (newer, older) = (nodes[Int(slot)].newer, nodes[Int(slot)].older)
    if newer >= 0 { nodes[Int(newer)].older = older } else { newest = older }
    if older >= 0 { nodes[Int(older)].newer = newer } else { oldest = newer }
  }
}
