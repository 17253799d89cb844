/// Facts of up to `capacity` orders as columns: the input of an `Evaluator`.
///
/// Fill it row by row: `beginOrder`, then a setter for each fact the plan uses (`layout.uses`), `addItem` and the
/// item setters for each item line. What is not set is missing. `reset` empties it and keeps its memory.
/// Not thread-safe: one owner at a time. Its variables are exempt from Swift's run-time exclusivity checks, which
/// cost half of the filling: no access to one of them spans a call that reaches the batch again.
public final class FactBatch {
  /// Orders of one batch at most.
  public static let ordersMax = 4_096
  /// Item lines of one batch at most; `addItem` answers false beyond.
  public static let itemsMax = 1 << 20

  /// Different texts of one list of an order.
  public static let listElementsMax = 1_024

  public let layout: FactLayout
  public let dictionary: StringDictionary
  public let capacity: Int
  @usableFromInline let wordCount: Int
  @exclusivity(unchecked) @usableFromInline var storedCount = 0
  @exclusivity(unchecked) @usableFromInline var storedItemCount = 0
  /// Orders in the batch.
  @inlinable public var count: Int { storedCount }
  /// Item lines in the batch.
  @inlinable public var itemCount: Int { storedItemCount }
  @exclusivity(unchecked) @usableFromInline var itemCapacity: Int

  // Order columns: values at [column × capacity + row], bitmaps at [column × wordCount + row / 64].
  @usableFromInline let numbers: UnsafeMutablePointer<Int64>
  @usableFromInline let numbersKnown: UnsafeMutablePointer<UInt64>
  @usableFromInline let truths: UnsafeMutablePointer<UInt64>
  @usableFromInline let truthsKnown: UnsafeMutablePointer<UInt64>
  @usableFromInline let texts: UnsafeMutablePointer<UInt32>
  /// Lists of texts: the first element in a column, the others in `moreElements`.
  @usableFromInline let firstElements: UnsafeMutablePointer<UInt32>
  @usableFromInline let listsIncomplete: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var moreElements: [(list: Int, row: Int, code: UInt32)] = []
  /// Product lists, a bitmap per slot: some item is on it, and it was ever imported.
  @usableFromInline let onLists: UnsafeMutablePointer<UInt64>
  @usableFromInline let listsKnown: UnsafeMutablePointer<UInt64>
  /// Slots of which some bit is set, each once.
  @exclusivity(unchecked) @usableFromInline var touchedLists: [Int] = []
  @exclusivity(unchecked) @usableFromInline var isListTouched: [Bool]
  /// Which rule set of the plan the row belongs to.
  @usableFromInline let ruleSets: UnsafeMutablePointer<UInt32>
  /// First item of each order; one more entry than orders.
  @usableFromInline let itemStarts: UnsafeMutablePointer<Int32>

  // Item columns, strides of `itemCapacity` and `itemCapacity / 64`.
  @exclusivity(unchecked) @usableFromInline var itemOrders: UnsafeMutablePointer<Int32>
  @exclusivity(unchecked) @usableFromInline var itemNumbers: UnsafeMutablePointer<Int64>
  @exclusivity(unchecked) @usableFromInline var itemNumbersKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var itemTruths: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var itemTruthsKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var itemTexts: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) @usableFromInline var itemOnLists: UnsafeMutablePointer<UInt64>
  /// Slots in `itemOnLists`: all or none.
  @usableFromInline let itemListSlots: Int

  /// Minor units × this = ten-thousandths of the unit, for the row at hand.
  @exclusivity(unchecked) @usableFromInline var moneyFactor: Int64 = 10_000
  /// Slot of each list named by the row at hand, in the row's own order; −1: no rule asks for it.
  @exclusivity(unchecked) @usableFromInline var rowLists: [Int] = []

  /// `capacity` is rounded up to whole words and cut to `ordersMax`.
  public init(layout: FactLayout, capacity: Int = FactBatch.ordersMax, dictionary: StringDictionary? = nil) {
    self.layout = layout
    self.dictionary = dictionary ?? StringDictionary()
    self.capacity = (min(max(capacity, 1), FactBatch.ordersMax) + 63) / 64 * 64
    wordCount = self.capacity / 64
    let numberColumns = Fact.orderNumberCount + layout.claimWindows.count
    numbers = FactBatch.zeroed(numberColumns * self.capacity)
    numbersKnown = FactBatch.zeroed(numberColumns * wordCount)
    truths = FactBatch.zeroed(Fact.orderTruthCount * wordCount)
    truthsKnown = FactBatch.zeroed(Fact.orderTruthCount * wordCount)
    texts = FactBatch.zeroed(Fact.orderTextCount * self.capacity)
    firstElements = FactBatch.zeroed(Fact.orderListCount * self.capacity)
    listsIncomplete = FactBatch.zeroed(Fact.orderListCount * wordCount)
    onLists = FactBatch.zeroed(layout.listBytes.count * wordCount)
    listsKnown = FactBatch.zeroed(layout.listBytes.count * wordCount)
    isListTouched = Array(repeating: false, count: layout.listBytes.count)
    ruleSets = FactBatch.zeroed(self.capacity)
    itemStarts = FactBatch.zeroed(self.capacity + 1)
    itemCapacity = self.capacity * 2
    itemOrders = FactBatch.zeroed(itemCapacity)
    itemNumbers = FactBatch.zeroed(Fact.itemNumberCount * itemCapacity)
    itemNumbersKnown = FactBatch.zeroed(Fact.itemNumberCount * itemCapacity / 64)
    itemTruths = FactBatch.zeroed(Fact.itemTruthCount * itemCapacity / 64)
    itemTruthsKnown = FactBatch.zeroed(Fact.itemTruthCount * itemCapacity / 64)
    itemTexts = FactBatch.zeroed(Fact.itemTextCount * itemCapacity)
    itemListSlots = layout.usesItemLists ? layout.listBytes.count : 0
    itemOnLists = FactBatch.zeroed(itemListSlots * itemCapacity / 64)
  }

  deinit {
    numbers.deallocate()
    numbersKnown.deallocate()
    truths.deallocate()
    truthsKnown.deallocate()
    texts.deallocate()
    firstElements.deallocate()
    listsIncomplete.deallocate()
    onLists.deallocate()
    listsKnown.deallocate()
    ruleSets.deallocate()
    itemStarts.deallocate()
    itemOrders.deallocate()
    itemNumbers.deallocate()
    itemNumbersKnown.deallocate()
    itemTruths.deallocate()
    itemTruthsKnown.deallocate()
    itemTexts.deallocate()
    itemOnLists.deallocate()
  }

  static func zeroed<Value: FixedWidthInteger>(_ count: Int) -> UnsafeMutablePointer<Value> {
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: max(count, 1))
    pointer.initialize(repeating: 0, count: max(count, 1))
    return pointer
  }

  /// No room for another order.
  @inlinable public var isFull: Bool { count == capacity }

  /// Empties the batch; its memory and its dictionary stay.
  public func reset() {
    let words = (count + 63) / 64
    func clear(_ bitmap: UnsafeMutablePointer<UInt64>, _ columns: Int) {
      for column in 0..<columns { (bitmap + column * wordCount).update(repeating: 0, count: words) }
    }
    clear(numbersKnown, Fact.orderNumberCount + layout.claimWindows.count)
    clear(truths, Fact.orderTruthCount)
    clear(truthsKnown, Fact.orderTruthCount)
    clear(listsIncomplete, Fact.orderListCount)
    for column in 0..<Fact.orderTextCount { (texts + column * capacity).update(repeating: 0, count: count) }
    for column in 0..<Fact.orderListCount {
      (firstElements + column * capacity).update(repeating: 0, count: count)
    }
    for slot in touchedLists {
      (onLists + slot * wordCount).update(repeating: 0, count: words)
      (listsKnown + slot * wordCount).update(repeating: 0, count: words)
    }
    moreElements.removeAll(keepingCapacity: true)
    resetItems()
    for slot in touchedLists { isListTouched[slot] = false }
    touchedLists.removeAll(keepingCapacity: true)
    storedCount = 0
    dictionary.trim()
  }

  private func resetItems() {
    let words = (itemCount + 63) / 64
    let stride = itemCapacity / 64
    for column in 0..<Fact.itemNumberCount {
      (itemNumbersKnown + column * stride).update(repeating: 0, count: words)
    }
    for column in 0..<Fact.itemTruthCount {
      (itemTruths + column * stride).update(repeating: 0, count: words)
      (itemTruthsKnown + column * stride).update(repeating: 0, count: words)
    }
    for column in 0..<Fact.itemTextCount {
      (itemTexts + column * itemCapacity).update(repeating: 0, count: itemCount)
    }
    for slot in touchedLists where slot < itemListSlots {
      (itemOnLists + slot * stride).update(repeating: 0, count: words)
    }
    storedItemCount = 0
  }
}
