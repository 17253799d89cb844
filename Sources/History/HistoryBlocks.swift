/// Sums over a customer's orders, `HistoryBlocks.size` at a time in the order in which they came: a pass over the
/// orders of a customer who has thousands then looks at few of them one by one.
struct HistoryBlocks {
  static let size = 64

  struct Block {
    /// Of the orders' latest states.
    var placedFirst = Int64.max
    var placedLast = Int64.min
    var latestSince = Int64.min
    /// `OrderStanding.sumsSince`.
    var sumsSince = Int64.min
    /// Latest T(X) of a closed order.
    var cutLast = Int64.min
    var orders: Int64 = 0
    /// Σ net amount of the paid ones, all in `currencyCode`.
    var amount: Int64 = 0
    /// 0 when none is paid yet; `mixedCurrencies` when they differ.
    var currencyCode: UInt32 = 0
    var hasOpen = false
    var hasFaultClaims = false
  }

  static let mixedCurrencies = UInt32.max

  private(set) var blocks: [Block] = []

  /// The order at this index is new or has changed.
  mutating func refresh(_ index: Int, of standings: [CustomerHistory.Standing]) {
    // Few orders are faster looked at one by one.
    guard standings.count > 2 * Self.size else { return }
    if blocks.isEmpty {
      for first in stride(from: 0, to: standings.count, by: Self.size) { sum(first, standings) }
      return
    }
    sum(index / Self.size * Self.size, standings)
  }

  private mutating func sum(_ first: Int, _ standings: [CustomerHistory.Standing]) {
    var block = Block()
    for index in first..<min(first + Self.size, standings.count) {
      let standing = standings[index]
      let latest = standing.latest
      block.placedFirst = min(block.placedFirst, latest.placedAt)
      block.placedLast = max(block.placedLast, latest.placedAt)
      block.latestSince = max(block.latestSince, standing.latestSince)
      block.sumsSince = max(block.sumsSince, standing.sumsSince)
      if standing.cut == .max {
        block.hasOpen = true
      } else {
        block.cutLast = max(block.cutLast, standing.cut)
      }
      // An order that is open may bundle; a closed one may have been open at some other order's T(X), before
      // `latestSince`.
      if latest.flags.contains(.open) { block.hasOpen = true }
      if latest.flags.contains(.hasFaultClaims) { block.hasFaultClaims = true }
      if latest.flags.contains(.notCancelled) { block.orders += 1 }
      guard latest.flags.contains(.paid) else { continue }
      block.amount &+= latest.netAmount
      if block.currencyCode == 0 { block.currencyCode = latest.currencyCode }
      if block.currencyCode != latest.currencyCode || latest.currencyCode == 0 {
        block.currencyCode = Self.mixedCurrencies
      }
    }
    let number = first / Self.size
    if number == blocks.count { blocks.append(block) } else { blocks[number] = block }
  }

  /// The block that begins at this index, when all its orders gave to the sums of `x` at the instant `cut` what they
  /// give by their latest states, none has claims, and all were placed before `x` or all after. When `x` may share a
  /// parcel, then also none of them can be in it: placed at quite another time, or closed since before `cut`.
  @inline(__always)
  func whole(at index: Int, for x: Contribution, cut: Int64, bundles: Bool) -> Block? {
    let number = index / Self.size
    guard index % Self.size == 0, number < blocks.count else { return nil }
    let block = blocks[number]
    guard block.sumsSince <= cut, !block.hasFaultClaims else { return nil }
    if bundles, !x.isApart(first: block.placedFirst, last: block.placedLast) {
      guard block.latestSince <= cut, !block.hasOpen else { return nil }
    }
    if block.placedFirst > x.placedAt { return Block() }
    guard block.placedLast < x.placedAt, block.currencyCode != Self.mixedCurrencies else { return nil }
    var sums = block
    if sums.currencyCode != x.currencyCode { sums.amount = 0 }
    return sums
  }

  /// Whether every order of the block that begins at this index has a T(X) before the instant. Unless those count that
  /// are open, and go on.
  @inline(__always)
  func isPast(at index: Int, _ instant: Int64, openToo: Bool) -> Bool {
    let number = index / Self.size
    guard index % Self.size == 0, number < blocks.count else { return false }
    return (openToo || !blocks[number].hasOpen) && blocks[number].cutLast < instant
  }
}
