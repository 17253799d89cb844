import TestKit
import Testing

@testable import Store

@Suite struct StateCacheTests {
  final class Box {
    var number: Int
    init(_ number: Int) { self.number = number }
  }

  @Test func theLeastRecentlyUsedCleanEntryLeavesFirst() {
    let room = 3 * (CacheIndex.entryOverhead + 1 + 100)
    let cache = StateCache<Box>(bytesMax: room, seed: 1)
    for number in 1...3 { put(cache, [UInt8(number)], number) }
    #expect(get(cache, [1])?.number == 1)
    put(cache, [4], 4)
    #expect(get(cache, [2]) == nil)
    #expect(get(cache, [1])?.number == 1 && get(cache, [3])?.number == 3 && get(cache, [4])?.number == 4)
    #expect(cache.count == 3 && cache.bytesInUse <= room)
  }

  @Test func dirtyEntriesStayUntilTheyAreTaken() {
    let cache = StateCache<Box>(bytesMax: 500, seed: 1)
    for number in 0..<10 { put(cache, [UInt8(9 - number)], number, dirty: true) }
    #expect(cache.count == 10 && cache.dirtyCount == 10 && cache.dirtyBytes == cache.bytesInUse)
    let taken = cache.takeDirty()
    #expect(taken.map(\.key) == (0..<10).map { [UInt8($0)] })
    #expect(cache.dirtyCount == 0 && cache.dirtyBytes == 0 && cache.bytesInUse <= 500)
    #expect(cache.takeDirty().isEmpty)
  }

  @Test func aFailedWriteLeavesEntriesDirty() throws {
    struct Full: Error {}
    let cache = StateCache<Box>(bytesMax: 5000, seed: 1)
    put(cache, [1], 1, dirty: true)
    #expect(throws: Full.self) { try cache.writeDirty { _ in throw Full() } }
    #expect(cache.dirtyCount == 1)
    #expect(cache.writeDirty { $0.count } == 1)
    #expect(cache.dirtyCount == 0)
  }

  @Test func anEntryThatIsDirtyTwiceIsTakenOnce() {
    let cache = StateCache<Box>(bytesMax: 5000, seed: 1)
    let slot = put(cache, [1], 1, dirty: true)
    cache.markDirty(slot: slot, bytes: 300)
    #expect(cache.takeDirty().count == 1)
    cache.markDirty(slot: 99, bytes: 1)
    #expect(cache.dirtyCount == 0)
  }

  @Test func randomUseEqualsADictionary() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let cache = StateCache<Box>(bytesMax: .max, seed: seed)
    var model: [[UInt8]: Int] = [:]
    var dirty: Set<[UInt8]> = []
    for step in 0..<60_000 {
      let length = Int.random(in: 0...11, using: &random)
      let key = (0..<length).map { _ in UInt8.random(in: 0...2, using: &random) }
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        let isDirty = Bool.random(using: &random)
        put(cache, key, step, dirty: isDirty)
        model[key] = step
        if isDirty { dirty.insert(key) }
      case 4..<6:
        key.withUnsafeBytes { cache.remove($0) }
        model[key] = nil
        dirty.remove(key)
      default: #expect(get(cache, key)?.number == model[key])
      }
      if step % 5000 == 4999 {
        #expect(Set(cache.takeDirty().map(\.key)) == dirty)
        dirty = []
      }
    }
    #expect(cache.count == model.count)
    for (key, value) in model { #expect(get(cache, key)?.number == value) }
  }

  @discardableResult
  func put(_ cache: StateCache<Box>, _ key: [UInt8], _ number: Int, dirty: Bool = false) -> Int {
    key.withUnsafeBytes { cache.insert($0, Box(number), bytes: 100, dirty: dirty) }
  }

  func get(_ cache: StateCache<Box>, _ key: [UInt8]) -> Box? { key.withUnsafeBytes { cache.lookup($0) } }
}
