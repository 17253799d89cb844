/// A dirty entry of a `StateCache`.
public struct DirtyEntry<Value: AnyObject> {
  public let key: [UInt8]
  public let value: Value

  @inlinable init(key: [UInt8], value: Value) {
    self.key = key
    self.value = value
  }
}

/// Hot values of a partition in memory, keyed by bytes, limited in bytes.
///
/// Clean entries leave when room is needed, the one not used for longest first. Dirty entries stay until they
/// were written (`writeDirty` or `takeDirty`), whatever the limit: watch `dirtyBytes` and write in time. A look-up
/// hashes and compares borrowed bytes and allocates nothing. One owner, one thread at a time.
public final class StateCache<Value: AnyObject> {
  @usableFromInline let index: CacheIndex
  @usableFromInline var values: [Value?] = []
  /// May be lowered at any time; the next `trim()` makes it true.
  public var bytesMax: Int

  /// - Parameter seed: of the hash; the order of nothing visible depends on it.
  @inlinable public init(bytesMax: Int, seed: UInt64 = .random(in: .min ... .max)) {
    self.bytesMax = bytesMax
    index = CacheIndex(seed: seed)
  }

  @inlinable public var count: Int { index.count }
  @inlinable public var bytesInUse: Int { index.bytesInUse }
  @inlinable public var dirtyCount: Int { index.dirtyCount }
  @inlinable public var dirtyBytes: Int { index.dirtyBytes }

  /// The value, now counted as used; nil if it is not in memory.
  @inlinable public func lookup(_ key: UnsafeRawBufferPointer) -> Value? {
    let slot = index.find(key)
    return slot < 0 ? nil : values[slot]
  }

  /// Slot of a key for the calls below, −1 if absent; valid until the next `insert`, `remove` or `writeDirty`.
  @inlinable public func slot(_ key: UnsafeRawBufferPointer) -> Int { index.find(key) }

  /// The value of a slot from `slot(_:)` or `insert`.
  @inlinable public func value(slot: Int) -> Value? {
    slot >= 0 && slot < values.count ? values[slot] : nil
  }

  /// Puts a value in, in place of the one that may be there. `bytes` is its rough size in memory.
  @discardableResult
  @inlinable public func insert(
    _ key: UnsafeRawBufferPointer, _ value: Value, bytes: Int, dirty: Bool = false
  ) -> Int {
    var slot = index.find(key)
    if slot < 0 {
      makeRoom(for: bytes + key.count)
      slot = index.insert(key, bytes: bytes)
      if slot == values.count { values.append(value) } else { values[slot] = value }
    } else {
      values[slot] = value
      index.setBytes(slot, bytes)
    }
    if dirty { index.markDirty(slot) }
    return slot
  }

  /// The value of the slot has changed and must be written; `bytes` is its new size.
  @inlinable public func markDirty(slot: Int, bytes: Int) {
    guard value(slot: slot) != nil else { return }
    index.setBytes(slot, bytes)
    index.markDirty(slot)
  }

  /// The value of the slot was written; it may leave, at the next `trim()` at the earliest.
  @inlinable public func markClean(slot: Int) {
    guard value(slot: slot) != nil else { return }
    index.markClean(slot)
  }

  /// Lets clean entries go until the limit is kept, or only dirty ones are left.
  @inlinable public func trim() { makeRoom(for: 0) }

  /// Forgets the key, unwritten changes included.
  @inlinable public func remove(_ key: UnsafeRawBufferPointer) {
    let slot = index.find(key)
    guard slot >= 0 else { return }
    index.remove(slot)
    values[slot] = nil
  }

  /// All dirty entries by key; they are clean from now on and may leave. The caller writes them before anything
  /// else is read from the file.
  @inlinable public func takeDirty() -> [DirtyEntry<Value>] {
    let entries = dirtyEntries()
    index.markAllClean()
    makeRoom(for: 0)
    return entries
  }

  /// Lends all dirty entries by key; if the body throws they stay dirty, otherwise they are clean.
  @inlinable public func writeDirty<Result>(_ body: ([DirtyEntry<Value>]) throws -> Result) rethrows -> Result
  {
    let result = try body(dirtyEntries())
    index.markAllClean()
    makeRoom(for: 0)
    return result
  }

  @inlinable func dirtyEntries() -> [DirtyEntry<Value>] {
    var entries: [DirtyEntry<Value>] = []
    entries.reserveCapacity(index.dirtyCount)
    for slot in index.sortedDirty() {
      if let value = values[Int(slot)] { entries.append(DirtyEntry(key: index.key(Int(slot)), value: value)) }
    }
    return entries
  }

  /// Lets clean entries go until the new one fits, or only dirty ones are left.
  @inlinable func makeRoom(for bytes: Int) {
    while index.bytesInUse + bytes > bytesMax {
      let slot = index.oldestClean
      guard slot >= 0 else { return }
      index.remove(slot)
      values[slot] = nil
    }
  }
}
