internal import CRuleKernels
import Orders

/// Numbers from numbers. What overflows or divides by zero becomes unknown for its row alone.
extension Kernels {
  typealias Lanes = UnsafeMutablePointer<Int64>

  static func arithmetic(
    _ op: TypedExpression.Arithmetic, _ left: UnsafePointer<Int64>, _ leftKnown: ConstBits,
    _ right: UnsafePointer<Int64>, _ rightKnown: ConstBits, _ out: Lanes, _ known: Bits, rows: Int
  ) {
    for index in 0..<((rows + 63) / 64) { known[index] = leftKnown[index] & rightKnown[index] }
    @inline(__always) func run(_ body: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)) {
      for row in 0..<rows {
        let (value, overflow) = body(left[row], right[row])
        out[row] = value
        if overflow { known[row &>> 6] &= ~(1 &<< UInt64(truncatingIfNeeded: row & 63)) }
      }
    }
    switch op {
    case .add: rule_add(left, right, 0, out, known, (rows + 63) / 64)
    case .subtract: rule_add(left, right, 1, out, known, (rows + 63) / 64)
    case .multiply: run { $0.multipliedReportingOverflow(by: $1) }
    case .divide: run { $0.dividedReportingOverflow(by: $1) }
    case .multiplyDecimal: run { narrow(Int128($0) * Int128($1) / 10_000) }
    case .divideDecimal: run { $1 == 0 ? (0, true) : narrow(Int128($0) * 10_000 / Int128($1)) }
    }
  }

  @inline(__always)
  private static func narrow(_ value: Int128) -> (partialValue: Int64, overflow: Bool) {
    Int64(exactly: value).map { ($0, false) } ?? (0, true)
  }

  static func toDecimal(
    _ values: UnsafePointer<Int64>, _ valuesKnown: ConstBits, _ out: Lanes, _ known: Bits, rows: Int
  ) {
    for index in 0..<((rows + 63) / 64) { known[index] = valuesKnown[index] }
    for row in 0..<rows {
      let (value, overflow) = values[row].multipliedReportingOverflow(by: 10_000)
      out[row] = value
      if overflow { known[row &>> 6] &= ~(1 &<< UInt64(truncatingIfNeeded: row & 63)) }
    }
  }

  static func civil(
    _ part: TypedExpression.CivilPart, zone: ShopZone, _ values: UnsafePointer<Int64>,
    _ valuesKnown: ConstBits,
    _ out: Lanes, _ known: Bits, rows: Int
  ) {
    let day: Int64 = 86_400_000_000
    let offset = Int64(zone.offsetMinutes) &* 60_000_000
    for index in 0..<((rows + 63) / 64) { known[index] = valuesKnown[index] }
    @inline(__always) func run(_ body: (_ days: Int64, _ time: Int64) -> Int64) {
      for row in 0..<rows {
        let (local, overflow) = values[row].addingReportingOverflow(offset)
        let days = local / day &- (local % day < 0 ? 1 : 0)
        out[row] = body(days, local &- days &* day)
        if overflow { known[row &>> 6] &= ~(1 &<< UInt64(truncatingIfNeeded: row & 63)) }
      }
    }
    switch part {
    case .timeOfDay: run { _, time in time }
    case .date: run { days, _ in days }
    case .hour: run { _, time in time / 3_600_000_000 }
    case .minute: run { _, time in time / 60_000_000 % 60 }
    case .second: run { _, time in time / 1_000_000 % 60 }
    case .year: run { days, _ in Int64(date(days).year) }
    case .month: run { days, _ in Int64(date(days).month &- 1) }
    case .date1: run { days, _ in Int64(date(days).day) }
    case .dayOfMonth: run { days, _ in Int64(date(days).day &- 1) }
    case .dayOfYear: run { days, _ in dayOfYear(days) }
    case .dayOfWeek: run { days, _ in ((days &+ 4) % 7 &+ 7) % 7 }
    }
  }

  @inline(__always)
  private static func date(_ days: Int64) -> (year: Int, month: Int, day: Int) {
    CivilDate(daysSinceEpoch: Int32(clamping: days)).components
  }

  /// From 0.
  private static func dayOfYear(_ days: Int64) -> Int64 {
    let (year, month, day) = date(days)
    var before = 0
    for earlier in 1..<max(month, 1) { before &+= CivilDate.days(inMonth: earlier, year: year) }
    return Int64(before &+ day &- 1)
  }

  static func conditional(
    _ t: ConstBits, _ f: ConstBits, _ left: UnsafePointer<Int64>, _ leftKnown: ConstBits,
    _ right: UnsafePointer<Int64>, _ rightKnown: ConstBits, _ out: Lanes, _ known: Bits, rows: Int
  ) {
    for index in 0..<((rows + 63) / 64) {
      known[index] = (t[index] & leftKnown[index]) | (f[index] & rightKnown[index])
    }
    for row in 0..<rows {
      out[row] = (t[row &>> 6] &>> UInt64(truncatingIfNeeded: row & 63)) & 1 == 1 ? left[row] : right[row]
    }
  }

  static func spread(
    _ values: UnsafePointer<Int64>, _ valuesKnown: ConstBits, orders: UnsafePointer<Int32>, _ out: Lanes,
    _ known: Bits, lines: Int
  ) {
    known.update(repeating: 0, count: (lines + 63) / 64)
    for line in 0..<lines {
      let row = Int(orders[line])
      out[line] = values[row]
      let bit = (valuesKnown[row &>> 6] &>> UInt64(truncatingIfNeeded: row & 63)) & 1
      known[line &>> 6] |= bit &<< UInt64(truncatingIfNeeded: line & 63)
    }
  }
}
