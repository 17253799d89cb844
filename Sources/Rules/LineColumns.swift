/// The lines of one level (items, receivers, claims or coupons) of a batch's orders as columns. Lines of an order stand
/// together, in the order in which they were added.
public final class LineColumns {
  let level: RowLevel
  @usableFromInline let numberBase: Int
  @usableFromInline let numberCount: Int
  @usableFromInline let truthBase: Int
  @usableFromInline let truthCount: Int
  @usableFromInline let textBase: Int
  @usableFromInline let textCount: Int
  @usableFromInline let listBase: Int
  @usableFromInline let listCount: Int
  /// Slots in `onLists`: all product lists or none.
  @usableFromInline let slots: Int

  @exclusivity(unchecked) @usableFromInline var count = 0
  @exclusivity(unchecked) @usableFromInline var capacity: Int
  /// Row of each line's order.
  @exclusivity(unchecked) @usableFromInline var orders: UnsafeMutablePointer<Int32>
  /// First line of each order; one more entry than orders.
  @usableFromInline let starts: UnsafeMutablePointer<Int32>

  // Columns with strides of `capacity` and `capacity / 64`.
  @exclusivity(unchecked) @usableFromInline var numbers: UnsafeMutablePointer<Int64>
  @exclusivity(unchecked) @usableFromInline var numbersKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var truths: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var truthsKnown: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) @usableFromInline var texts: UnsafeMutablePointer<UInt32>
  /// Lists of texts: the first element in a column, the others in `moreElements`.
  @exclusivity(unchecked) @usableFromInline var firstElements: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) @usableFromInline var moreElements: [(list: Int, line: Int, code: UInt32)] = []
  @exclusivity(unchecked) @usableFromInline var onLists: UnsafeMutablePointer<UInt64>

  /// `orders`: of the batch at most. `capacity`: lines to begin with, whole words.
  init(level: RowLevel, orders: Int, capacity: Int, slots: Int) {
    self.level = level
    let facts = level.facts
    numberBase = Int(facts.number)
    numberCount = Int(facts.truth - facts.number)
    truthBase = Int(facts.truth)
    truthCount = Int(facts.text - facts.truth)
    textBase = Int(facts.text)
    textCount = Int(facts.list - facts.text)
    listBase = Int(facts.list)
    listCount = Int(facts.end - facts.list)
    self.slots = slots
    self.capacity = capacity
    starts = FactBatch.zeroed(orders + 1)
    self.orders = FactBatch.zeroed(capacity)
    numbers = FactBatch.zeroed(numberCount * capacity)
    numbersKnown = FactBatch.zeroed(numberCount * capacity / 64)
    truths = FactBatch.zeroed(truthCount * capacity / 64)
    truthsKnown = FactBatch.zeroed(truthCount * capacity / 64)
    texts = FactBatch.zeroed(textCount * capacity)
    firstElements = FactBatch.zeroed(listCount * capacity)
    onLists = FactBatch.zeroed(slots * capacity / 64)
  }

  deinit {
    starts.deallocate()
    orders.deallocate()
    numbers.deallocate()
    numbersKnown.deallocate()
    truths.deallocate()
    truthsKnown.deallocate()
    texts.deallocate()
    firstElements.deallocate()
    onLists.deallocate()
  }

  /// `touchedSlots`: product lists of which some bit may be set.
  func reset(touchedSlots: [Int]) {
    let words = (count + 63) / 64
    let stride = capacity / 64
    for column in 0..<numberCount { (numbersKnown + column * stride).update(repeating: 0, count: words) }
    for column in 0..<truthCount {
      (truths + column * stride).update(repeating: 0, count: words)
      (truthsKnown + column * stride).update(repeating: 0, count: words)
    }
    for column in 0..<textCount { (texts + column * capacity).update(repeating: 0, count: count) }
    for column in 0..<listCount { (firstElements + column * capacity).update(repeating: 0, count: count) }
    for slot in touchedSlots where slot < slots {
      (onLists + slot * stride).update(repeating: 0, count: words)
    }
    moreElements.removeAll(keepingCapacity: true)
    count = 0
  }

  // MARK: Filling

  /// One more line of the order `row`; false at the limit.
  @inlinable func add(row: Int) -> Bool {
    if count == capacity, !grow() { return false }
    orders[count] = Int32(truncatingIfNeeded: row)
    count &+= 1
    starts[row &+ 1] = Int32(truncatingIfNeeded: count)
    return true
  }

  @inlinable func setNumber(column: Int, line: Int, _ value: Int64) {
    numbers[column &* capacity &+ line] = value
    numbersKnown[column &* (capacity &>> 6) &+ line &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: line & 63)
  }

  @inlinable func setNumber(_ fact: Fact, _ value: Int64) {
    let column = Int(fact.rawValue) &- numberBase
    guard count > 0, column >= 0, column < numberCount else { return }
    setNumber(column: column, line: count &- 1, value)
  }

  @inlinable func setTruth(_ fact: Fact, _ value: Bool) {
    let column = Int(fact.rawValue) &- truthBase
    guard count > 0, column >= 0, column < truthCount else { return }
    let line = count &- 1
    let word = column &* (capacity &>> 6) &+ line &>> 6
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: line & 63)
    truthsKnown[word] |= bit
    truths[word] = value ? truths[word] | bit : truths[word] & ~bit
  }

  @inlinable func setCode(_ fact: Fact, _ code: UInt32) {
    let column = Int(fact.rawValue) &- textBase
    guard count > 0, column >= 0, column < textCount else { return }
    texts[column &* capacity &+ count &- 1] = code
  }

  func setCode(_ fact: Fact, line: Int, _ code: UInt32) {
    let column = Int(fact.rawValue) &- textBase
    guard line >= 0, line < count, column >= 0, column < textCount else { return }
    texts[column &* capacity &+ line] = code
  }

  /// Once each; what is beyond `FactBatch.listElementsMax` different texts is left out.
  func addElement(_ fact: Fact, _ code: UInt32) {
    let list = Int(fact.rawValue) &- listBase
    guard count > 0, list >= 0, list < listCount else { return }
    let line = count &- 1
    let position = list &* capacity &+ line
    if firstElements[position] == 0 { firstElements[position] = code }
    guard firstElements[position] != code else { return }
    var index = moreElements.count
    while index > 0, moreElements[index &- 1].line == line {
      index &-= 1
      if moreElements[index].list == list, moreElements[index].code == code { return }
    }
    guard moreElements.count &- index < FactBatch.listElementsMax else { return }
    moreElements.append((list, line, code))
  }

  /// Doubles the columns; false at the limit.
  @usableFromInline func grow() -> Bool {
    guard capacity < FactBatch.itemsMax else { return false }
    let old = capacity
    let new = min(old * 2, FactBatch.itemsMax)
    orders = moved(orders, columns: 1, old, new)
    numbers = moved(numbers, columns: numberCount, old, new)
    numbersKnown = moved(numbersKnown, columns: numberCount, old / 64, new / 64)
    truths = moved(truths, columns: truthCount, old / 64, new / 64)
    truthsKnown = moved(truthsKnown, columns: truthCount, old / 64, new / 64)
    texts = moved(texts, columns: textCount, old, new)
    firstElements = moved(firstElements, columns: listCount, old, new)
    onLists = moved(onLists, columns: slots, old / 64, new / 64)
    capacity = new
    return true
  }

  private func moved<Value: FixedWidthInteger>(
    _ pointer: UnsafeMutablePointer<Value>, columns: Int, _ oldStride: Int, _ newStride: Int
  ) -> UnsafeMutablePointer<Value> {
    let target: UnsafeMutablePointer<Value> = FactBatch.zeroed(columns * newStride)
    for column in 0..<columns {
      (target + column * newStride).update(from: pointer + column * oldStride, count: oldStride)
    }
    pointer.deallocate()
    return target
  }
}
