/// Turns answers from one bit plane per rule into one byte per rule and row, 64 rows at a time.
///
/// Eight rules share a word: byte r of plane word j holds bits of rows 8j…8j+7 of rule r. Shifting such a word by i
/// and keeping the lowest bit of each byte gives row 8j+i of all eight rules at once.
final class RowAnswers {
  /// Bytes from one row to the next: rules rounded up to eight.
  let stride: Int
  private let groups: Int
  /// True, unknown, then the bits of the decisive term's number.
  private let planeCount: Int
  private let scratch: UnsafeMutablePointer<UInt8>
  private let outcomeWords: UnsafeMutablePointer<UInt64>
  private let termWords: UnsafeMutablePointer<UInt64>

  convenience init(plan: Plan, rows: Int) {
    self.init(rules: plan.rulesMax, termsMax: plan.termsMax, rows: rows)
  }

  /// There is room for a plan's answers.
  func fits(_ plan: Plan) -> Bool {
    plan.rulesMax <= stride
      && 2 + (UInt8.bitWidth - UInt8(clamping: plan.termsMax).leadingZeroBitCount) <= planeCount
  }

  /// `rows`: a multiple of 64. `termsMax`: terms of the longest rule.
  init(rules: Int, termsMax: Int, rows: Int) {
    groups = (rules + 7) / 8
    stride = groups * 8
    planeCount = 2 + (UInt8.bitWidth - UInt8(clamping: termsMax).leadingZeroBitCount)
    scratch = FactBatch.zeroed(groups * planeCount * 64)
    outcomeWords = FactBatch.zeroed(groups * rows)
    termWords = FactBatch.zeroed(groups * rows)
  }

  deinit {
    scratch.deallocate()
    outcomeWords.deallocate()
    termWords.deallocate()
  }

  func outcomes(row: Int, count: Int) -> UnsafeBufferPointer<UInt8> {
    bytes(outcomeWords, row, count)
  }

  func terms(row: Int, count: Int) -> UnsafeBufferPointer<UInt8> { bytes(termWords, row, count) }

  private func bytes(_ words: UnsafeMutablePointer<UInt64>, _ row: Int, _ count: Int) -> UnsafeBufferPointer<
    UInt8
  > {
    let start = UnsafeRawPointer(words + row &* groups).assumingMemoryBound(to: UInt8.self)
    return UnsafeBufferPointer(start: start, count: min(count, stride))
  }

  /// Before the first rule of a word.
  func clear() { scratch.update(repeating: 0, count: groups &* planeCount &* 64) }

  func put(isTrue: UInt64, isUnknown: UInt64, rule: Int) {
    add(isTrue, plane: 0, rule)
    add(isUnknown, plane: 1, rule)
  }

  /// The rows whose decisive term has this number, from 1.
  func put(rows: UInt64, term: Int, rule: Int) {
    guard rows != 0 else { return }
    for plane in 2..<planeCount where (term &>> (plane &- 2)) & 1 == 1 { add(rows, plane: plane, rule) }
  }

  private func add(_ rows: UInt64, plane: Int, _ rule: Int) {
    guard rows != 0 else { return }
    let group = rule &>> 3
    let base = scratch + ((group &* planeCount &+ plane) &* 64 &+ (rule & 7))
    var rest = rows
    for block in 0..<8 {
      base[block &* 8] |= UInt8(truncatingIfNeeded: rest)
      rest &>>= 8
    }
  }

  /// Writes 64 rows out.
  func write(word: Int) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    for group in 0..<groups {
      let planes = UnsafeMutableRawPointer(scratch + group &* planeCount &* 64)
        .assumingMemoryBound(to: UInt64.self)
      for block in 0..<8 {
        let first = (word &* 64 &+ block &* 8) &* groups &+ group
        let isTrue = planes[block]
        let isUnknown = planes[8 &+ block]
        for row in 0..<8 {
          let shift = UInt64(truncatingIfNeeded: row)
          let truths = (isTrue &>> shift) & ones
          let unknowns = (isUnknown &>> shift) & ones
          outcomeWords[first &+ row &* groups] = truths | (unknowns &<< 1)
        }
        for row in 0..<8 {
          let shift = UInt64(truncatingIfNeeded: row)
          var numbers: UInt64 = 0
          for plane in 2..<planeCount {
            let bits = (planes[plane &* 8 &+ block] &>> shift) & ones
            numbers |= bits &<< UInt64(truncatingIfNeeded: plane &- 2)
          }
          termWords[first &+ row &* groups] = numbers
        }
      }
    }
  }
}
