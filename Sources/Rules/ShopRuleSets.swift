/// Which rule set of a plan decides the orders of a shop: looked up for every order by the bytes of its mall's name.
///
/// Shops without an entry, and those of malls without one, have set 0.
public struct ShopRuleSets: Sendable {
  /// Names of malls with entries, one after the other, and where each begins; one more than malls.
  private var bytes: [UInt8] = []
  private var starts: [Int32] = [0]
  private var hashes: [UInt64] = []
  /// Open addressing: 1 + number of the mall, 0 for none. A power of two, at most half full.
  private var slots: [Int32] = Array(repeating: 0, count: 16)
  /// By number of the mall: the set of its shops; −1 for none.
  private var wholes: [Int32] = []
  /// By number of the mall: single shops of it have entries.
  private var hasShops: [Bool] = []
  private var shops: [Shop: Int32] = [:]

  private struct Shop: Hashable {
    var mall: Int
    var number: Int64
  }

  public init() {}

  /// Gives a mall, or a shop of one, a set; nil takes its entry away. An unnamed mall has none.
  public mutating func set(_ scope: RuleScope, to ruleSet: Int?) {
    guard !scope.mall.isEmpty else { return }
    let value = ruleSet.map { Int32(truncatingIfNeeded: $0) }
    let mall = number(of: Array(scope.mall.utf8))
    if let shop = scope.shop {
      shops[Shop(mall: mall, number: Int64(shop))] = value
      hasShops[mall] = hasShops[mall] || value != nil
    } else {
      wholes[mall] = value ?? -1
    }
  }

  /// The set of an order's shop.
  public func ruleSet(mall: UnsafeRawBufferPointer, shop: Int64) -> Int {
    if hashes.isEmpty { return 0 }
    guard let mall = find(mall.assumingMemoryBound(to: UInt8.self)) else { return 0 }
    if hasShops[mall], let own = shops[Shop(mall: mall, number: shop)] { return Int(own) }
    return max(Int(wholes[mall]), 0)
  }

  private func find(_ name: UnsafeBufferPointer<UInt8>) -> Int? {
    let hash = StringDictionary.hash(name)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let number = Int(slots[slot]) - 1
      if number < 0 { return nil }
      if hashes[number] == hash, isName(number, name) { return number }
      slot = (slot &+ 1) & mask
    }
  }

  private func isName(_ number: Int, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = Int(starts[number])
    guard Int(starts[number + 1]) - start == name.count else { return false }
    return bytes.withUnsafeBufferPointer { stored in
      for index in 0..<name.count where stored[start &+ index] != name[index] { return false }
      return true
    }
  }

  /// The number of a mall, which gets one when it has none.
  private mutating func number(of name: [UInt8]) -> Int {
    if let known = name.withUnsafeBufferPointer({ find($0) }) { return known }
    let number = hashes.count
    bytes += name
    starts.append(Int32(truncatingIfNeeded: bytes.count))
    hashes.append(name.withUnsafeBufferPointer { StringDictionary.hash($0) })
    wholes.append(-1)
    hasShops.append(false)
    if hashes.count * 2 > slots.count {
      slots = Array(repeating: 0, count: slots.count * 2)
      for number in hashes.indices { enter(number) }
    } else {
      enter(number)
    }
    return number
  }

  private mutating func enter(_ number: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hashes[number]) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(truncatingIfNeeded: number + 1)
  }
}
