import Orders

extension Kernels {
  /// The same civil day and time `months` later; beyond the years −9999…9999 unknown.
  static func addMonths(
    _ months: Int, zone: ShopZone, _ values: UnsafePointer<Int64>, _ valuesKnown: ConstBits, _ out: Lanes,
    _ known: Bits, rows: Int
  ) {
    let day: Int64 = 86_400_000_000
    let offset = Int64(zone.offsetMinutes) &* 60_000_000
    for index in 0..<((rows + 63) / 64) { known[index] = valuesKnown[index] }
    for row in 0..<rows {
      let (local, overflow) = values[row].addingReportingOverflow(offset)
      let days = local / day &- (local % day < 0 ? 1 : 0)
      let (year, month, dayOfMonth) = CivilDate(daysSinceEpoch: Int32(clamping: days)).components
      let count = year &* 12 &+ month &- 1 &+ months
      let newYear = count >= 0 ? count / 12 : (count &- 11) / 12
      let newMonth = count &- newYear &* 12 &+ 1
      let clamped = min(dayOfMonth, CivilDate.days(inMonth: newMonth, year: newYear))
      let date = CivilDate(year: newYear, month: newMonth, day: clamped)
      let time = local &- days &* day
      out[row] = Int64(date?.daysSinceEpoch ?? 0) &* day &+ time &- offset
      if overflow || date == nil { known[row &>> 6] &= ~(1 &<< UInt64(truncatingIfNeeded: row & 63)) }
    }
  }
}
