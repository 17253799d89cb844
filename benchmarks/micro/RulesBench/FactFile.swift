import Glibc
import Orders
import Rules

/// Facts of orders from a CSV file: a line of fact names, then a line per order.
///
/// Empty: missing. Amounts and counts as numbers, truths as true/false or 1/0, times as RFC 3339 or µs since 1970,
/// lists of texts with `|` between them. `history.returns(3)`, `history.orders(3)` and `inList("best")` are names as well.
struct FactFile {
  private enum Column {
    case skip
    case fact(Fact, RuleType)
    case claims(slot: Int)
    case aggregate(slot: Int, RuleType)
    case list(name: String)
  }

  private let bytes: [UInt8]
  private let columns: [Column]
  private let start: Int
  /// Names that no fact has, or that no rule reads.
  private(set) var ignored: [String] = []

  init(path: String, plan: Plan) throws {
    guard let file = fopen(path, "r") else {
      throw BenchmarkRules.Failure(description: "cannot read \(path)")
    }
    defer { fclose(file) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { all += chunk[..<count] }
    bytes = all
    var fields: [[UInt8]] = []
    var position = 0
    FactFile.line(all, &position) { fields.append(Array($0)) }
    start = position
    var found: [Column] = []
    for field in fields {
      let name = String(decoding: field, as: UTF8.self)
      let column = FactFile.column(name, plan)
      if case .skip = column { ignored.append(name) }
      found.append(column)
    }
    columns = found
  }

  private static func column(_ name: String, _ plan: Plan) -> Column {
    for (prefix, scope) in [
      ("history.returns(", ClaimScope.returns), ("history.claims(", .returnsOrExchanges),
    ]
    where name.hasPrefix(prefix) {
      let months = Int(name.dropFirst(prefix.count).dropLast()) ?? 0
      return plan.layout.claimSlot(scope, months: months).map { .claims(slot: $0) } ?? .skip
    }
    if let aggregate = HistoryAggregate(named: name) {
      return plan.layout.aggregates.firstIndex(of: aggregate)
        .map { .aggregate(slot: $0, aggregate.measure.type) } ?? .skip
    }
    if name.hasPrefix("inList(\"") { return .list(name: String(name.dropFirst(8).dropLast(2))) }
    guard let entry = FactCatalog.entries.first(where: { $0.name == name }), let fact = entry.fact,
      fact.level == .order
    else { return .skip }
    return .fact(fact, entry.type)
  }

  /// Reads one line; fields may stand in quotes, with quotes doubled.
  private static func line(_ bytes: [UInt8], _ position: inout Int, _ body: (ArraySlice<UInt8>) -> Void) {
    while true {
      if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
        var text: [UInt8] = []
        position += 1
        while position < bytes.count {
          if bytes[position] == UInt8(ascii: "\"") {
            if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") {
              position += 1
            } else {
              break
            }
          }
          text.append(bytes[position])
          position += 1
        }
        position += 1
        body(text[...])
      } else {
        let first = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != 10 {
          position += 1
        }
        let isReturn = position > first && bytes[position - 1] == 13
        body(bytes[first..<(isReturn ? position - 1 : position)])
      }
      guard position < bytes.count else { return }
      let separator = bytes[position]
      position += 1
      if separator != UInt8(ascii: ",") { return }
    }
  }

  /// All orders, in batches.
  func batches(_ plan: Plan) -> [FactBatch] {
    let dictionary = StringDictionary()
    var batches: [FactBatch] = []
    var position = start
    while position < bytes.count {
      if batches.last?.isFull ?? true {
        batches.append(FactBatch(layout: plan.layout, dictionary: dictionary))
      }
      guard let batch = batches.last else { break }
      batch.beginOrder(currencyDecimals: 4)
      var index = 0
      var placed: Int64?
      var paid: Int64?
      FactFile.line(bytes, &position) { field in
        defer { index += 1 }
        guard index < columns.count, !field.isEmpty else { return }
        let text = String(decoding: field, as: UTF8.self)
        switch columns[index] {
        case .skip: break
        case .claims(let slot): if let value = Int64(text) { batch.setClaimCount(slot: slot, value) }
        case .aggregate(let slot, let type):
          let value =
            type == .decimal
            ? FactFile.ruleUnits(text) : type == .timestamp ? FactFile.time(text) : Int64(text)
          if let value { batch.setAggregate(slot: slot, value) }
        case .list(let name):
          batch.addList(name)
          let bit = batch.namedLists - 1
          if FactFile.isTrue(text), bit < 64 { batch.addOrderLists(mask: 1 << UInt64(bit)) }
        case .fact(.placedAt, _): placed = FactFile.time(text)
        case .fact(.paidAt, _): paid = FactFile.time(text)
        case .fact(let fact, let type): FactFile.set(fact, type, text, batch)
        }
      }
      if let placed { batch.setTimes(placedAt: placed, paidAt: paid) }
    }
    return batches
  }

  private static func set(_ fact: Fact, _ type: RuleType, _ text: String, _ batch: FactBatch) {
    switch type {
    case .bool: batch.setBool(fact, isTrue(text))
    case .decimal: if let value = ruleUnits(text) { batch.setInt(fact, value) }
    case .timestamp: if let value = time(text) { batch.setInt(fact, value) }
    case .string: batch.setString(fact, text)
    case .stringList:
      for element in text.split(separator: "|") {
        if fact == .zones { batch.addZone(String(element)) } else { batch.addMethod(String(element)) }
      }
    default: if let value = Int64(text) { batch.setInt(fact, value) }
    }
  }

  private static func isTrue(_ text: String) -> Bool { text == "true" || text == "1" }

  private static func time(_ text: String) -> Int64? { Int64(text) ?? Instant(rfc3339: text)?.microseconds }

  /// Ten-thousandths of a unit, from a number with at most four decimals.
  private static func ruleUnits(_ text: String) -> Int64? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first.flatMap({ Int64($0) }) else { return nil }
    let digits = parts.count > 1 ? parts[1].prefix(4) : ""
    guard let fraction = Int64(String(digits) + String(repeating: "0", count: 4 - digits.count)) else {
      return nil
    }
    return whole * 10_000 + (text.hasPrefix("-") ? -fraction : fraction)
  }
}
