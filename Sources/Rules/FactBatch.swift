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
  /// Orders in the batch.
  @inlinable public var count: Int { storedCount }
  /// Item lines in the batch.
  @inlinable public var itemCount: Int { items.count }

  // Order columns: values at [column × capacity + row], bitmaps at [column × wordCount + row / 64].
  @usableFromInline let numbers: UnsafeMutablePointer<Int64>
  @usableFromInline let numbersKnown: UnsafeMutablePointer<UInt64>
  /// The first column of `layout.timedFacts`.
  let timedColumns: Int
  /// The first column of `layout.aggregates`.
  let aggregateColumns: Int
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
  @usableFromInline let items: LineColumns
  @usableFromInline let receivers: LineColumns
  @usableFromInline let claims: LineColumns
  @usableFromInline let coupons: LineColumns
  @usableFromInline let heldCoupons: LineColumns
  @usableFromInline let cartLines: LineColumns

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
    timedColumns = Fact.orderNumberCount + layout.claimWindows.count
    aggregateColumns = timedColumns + layout.timedFacts.count
    let numberColumns = aggregateColumns + layout.aggregates.count
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
    let orders = self.capacity
    func lines(_ level: RowLevel, slots: Int = 0) -> LineColumns {
      let needed = layout.usesLines(level) ? orders * (level == .item ? 2 : 1) : 64
      return LineColumns(level: level, orders: orders, capacity: needed, slots: slots)
    }
    items = lines(.item, slots: layout.usesItemLists ? layout.listBytes.count : 0)
    receivers = lines(.receiver)
    claims = lines(.claim)
    coupons = lines(.coupon)
    heldCoupons = lines(.heldCoupon)
    cartLines = lines(.cartLine)
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
    clear(numbersKnown, aggregateColumns + layout.aggregates.count)
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
    for level in RowLevel.ofLines { lines(level).reset(touchedSlots: touchedLists) }
    for slot in touchedLists { isListTouched[slot] = false }
    touchedLists.removeAll(keepingCapacity: true)
    storedCount = 0
    dictionary.trim()
  }
}
