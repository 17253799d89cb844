import Orders
import Topics

/// The measures of earlier orders that are asked for, and their values for the order at hand. Reused from order to
/// order; keeps nothing of any.
struct HistoryAggregates {
  let demanded: [HistoryAggregate]
  /// Per measure: its fields but the value, encoded.
  private let prefixes: [[UInt8]]
  /// Different windows, and which one a measure has.
  private let windows: [HistoryAggregate.Window]
  private let windowOf: [Int]
  /// Positions of the measures that need no lines.
  private let ofOrders: [Int]
  private let ofPieces: [Int]
  private let ofProducts: [Int]
  private let ofSkus: [Int]
  /// The codes that are asked for, and the positions of each one's measures.
  private let codes: CodeHashes
  private let ofCode: [[Int]]
  /// Some measure is read from the lines.
  let readsLines: Bool

  private var values: [Int64]
  /// Beginnings of the windows, and the earliest of those that are read from the lines.
  private var starts: [Int64]
  private var linesFrom = Int64.max
  /// By the code's hash: when it was last bought.
  private var products: [UInt64: Int64] = [:]
  private var skus: [UInt64: Int64] = [:]
  /// What the order that is being read has of the codes that are asked for.
  private var found: [(code: Int, pieces: Int64)] = []

  private static let unknown = Int64.min

  var isEmpty: Bool { demanded.isEmpty }

  init(_ demanded: [HistoryAggregate]) {
    self.demanded = demanded
    prefixes = demanded.map { Self.prefix(of: $0) }
    var windows: [HistoryAggregate.Window] = []
    var codes = CodeHashes()
    var ofCode: [[Int]] = []
    var windowOf: [Int] = []
    for (position, aggregate) in demanded.enumerated() {
      let window = windows.firstIndex(of: aggregate.window) ?? windows.count
      if window == windows.count { windows.append(aggregate.window) }
      windowOf.append(window)
      guard aggregate.measure.isOfCode else { continue }
      let code = aggregate.code.withUnsafeBytes { codes.insert(Purchase.hash(of: $0)) }
      if code == ofCode.count { ofCode.append([]) }
      ofCode[code].append(position)
    }
    (self.windows, self.windowOf, self.codes, self.ofCode) = (windows, windowOf, codes, ofCode)
    ofOrders = demanded.indices.filter { !demanded[$0].measure.readsLines }
    ofPieces = demanded.indices.filter { demanded[$0].measure == .quantity }
    ofProducts = demanded.indices.filter { demanded[$0].measure == .products }
    ofSkus = demanded.indices.filter { demanded[$0].measure == .skus }
    readsLines = demanded.contains { $0.measure.readsLines }
    values = [Int64](repeating: 0, count: demanded.count)
    starts = [Int64](repeating: 0, count: windows.count)
  }

  private static func prefix(of aggregate: HistoryAggregate) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.int32(1, aggregate.measure.rawValue)
    switch aggregate.window {
    case .all: break
    case .span(let span): writer.int64(2, span)
    case .months(let months): writer.int32(3, Int32(months))
    }
    writer.bytes(4, aggregate.code)
    return writer.bytes
  }

  /// Writes them as `Facts.aggregates`, in the order of the demand.
  func write(to facts: inout ProtobufWriter) {
    for position in demanded.indices {
      facts.message(20) { entry in
        prefixes[position].withUnsafeBytes { entry.raw($0) }
        if values[position] != Self.unknown { entry.presentInt64(5, values[position]) }
      }
    }
  }

  // MARK: One order

  /// Computes all of them for order `index` in state `x`, its siblings as at the instant `cut` (`.max`: as last
  /// known): of those placed earlier, in one pass.
  mutating func compute(
    of x: Contribution, _ index: Int, in customer: CustomerHistory, cut: Int64, zone: ShopZone
  ) {
    begin(placedAt: x.placedAt, zone)
    // Taken out once: nothing is then retained per order.
    let standings = customer.standings
    for other in standings.indices where other != index {
      var state: DatedSnapshot?
      var y = standings[other].latest
      if cut != .max, standings[other].latestSince > cut {
        state = customer.orders[other].state(at: cut)
        guard let state else { continue }
        y = state.contribution
      }
      guard customer.isEarlier(other, placedAt: y.placedAt, than: index, placedAt: x.placedAt) else {
        continue
      }
      add(y, isSameCurrency: y.currencyCode == x.currencyCode)
      guard y.placedAt >= linesFrom, y.flags.contains(.notCancelled),
        let state = state ?? customer.orders[other].latest
      else { continue }
      add(state.purchases(of: customer), placedAt: y.placedAt)
    }
    count(products, ofProducts)
    count(skus, ofSkus)
  }

  private mutating func begin(placedAt: Int64, _ zone: ShopZone) {
    for (index, window) in windows.enumerated() {
      starts[index] =
        switch window {
        case .all: .min
        case .span(let span): placedAt - span
        case .months(let months):
          zone.subtracting(months: months, from: Instant(microseconds: placedAt)).microseconds
        }
    }
    linesFrom = .max
    for (position, aggregate) in demanded.enumerated() {
      values[position] = aggregate.measure.isInstant ? Self.unknown : 0
      if aggregate.measure.readsLines { linesFrom = min(linesFrom, starts[windowOf[position]]) }
    }
    products.removeAll(keepingCapacity: true)
    skus.removeAll(keepingCapacity: true)
  }

  private mutating func add(_ y: Contribution, isSameCurrency: Bool) {
    let isKept = y.flags.contains(.notCancelled)
    let amount = isSameCurrency && y.flags.contains(.paid) ? y.netAmount : 0
    for position in ofOrders where y.placedAt >= starts[windowOf[position]] {
      switch demanded[position].measure {
      case .orders: if isKept { values[position] += 1 }
      case .amount: values[position] &+= amount
      case .cancels: if !isKept { values[position] += 1 }
      case .firstOrderAt:
        if isKept, values[position] == Self.unknown || y.placedAt < values[position] {
          values[position] = y.placedAt
        }
      case .lastOrderAt: if isKept { values[position] = max(values[position], y.placedAt) }
      default: break
      }
    }
  }

  // MARK: Lines

  private mutating func add(_ purchases: [Purchase], placedAt: Int64) {
    found.removeAll(keepingCapacity: true)
    var pieces: Int64 = 0
    for line in purchases {
      pieces += line.pieces
      if line.sku != 0, !ofSkus.isEmpty { skus[line.sku] = max(skus[line.sku] ?? .min, placedAt) }
      if line.product != 0, !ofProducts.isEmpty {
        products[line.product] = max(products[line.product] ?? .min, placedAt)
      }
      guard !ofCode.isEmpty else { continue }
      let bySku = line.sku == 0 ? nil : codes.find(line.sku)
      if let bySku { note(bySku, line.pieces) }
      if line.product != 0, let code = codes.find(line.product), code != bySku { note(code, line.pieces) }
    }
    for position in ofPieces where placedAt >= starts[windowOf[position]] { values[position] &+= pieces }
    for (code, pieces) in found {
      for position in ofCode[code] where placedAt >= starts[windowOf[position]] {
        switch demanded[position].measure {
        case .bought: values[position] += 1
        case .boughtQuantity: values[position] &+= pieces
        default: values[position] = max(values[position], placedAt)
        }
      }
    }
  }

  private mutating func note(_ code: Int, _ pieces: Int64) {
    if let index = found.firstIndex(where: { $0.code == code }) {
      found[index].pieces += pieces
    } else {
      found.append((code, pieces))
    }
  }

  /// How many of them were bought within each measure's window.
  private mutating func count(_ last: [UInt64: Int64], _ positions: [Int]) {
    guard !positions.isEmpty else { return }
    for placedAt in last.values {
      for position in positions where placedAt >= starts[windowOf[position]] { values[position] += 1 }
    }
  }
}

// MARK: - Which siblings

extension HistoryAggregates {
  /// Whether two states of one order give different things to the measures of later orders.
  func isDifferent(_ before: DatedSnapshot?, _ after: DatedSnapshot?) -> Bool {
    guard !isEmpty, before !== after else { return false }
    guard let before, let after else { return true }
    let (was, now) = (before.contribution, after.contribution)
    let counted: Contribution.Flags = [.notCancelled, .paid]
    return was.placedAt != now.placedAt || was.netAmount != now.netAmount
      || was.currencyCode != now.currencyCode
      || was.flags.intersection(counted) != now.flags.intersection(counted)
      || (readsLines && Purchase.hash(of: before.scanPurchases()) != Purchase.hash(of: after.scanPurchases()))
  }
}

extension HistoryFolder {
  /// Whether the change of order `index` from one state to another, which `isDifferent`, reaches the measures of
  /// order `other`: it was or is placed earlier.
  func isAggregateAffected(
    _ other: Int, by index: Int, _ before: DatedSnapshot?, _ after: DatedSnapshot?,
    _ customer: CustomerHistory
  ) -> Bool {
    let order = customer.orders[other]
    // A changed order may show late facts, whose instant is that of its last state.
    for x in [order.decided, order.latest] {
      guard let x else { continue }
      for y in [before, after] {
        guard let y else { continue }
        let placedAt = y.summary.placedAt.microseconds
        if customer.isEarlier(
          index, placedAt: placedAt, than: other, placedAt: x.summary.placedAt.microseconds)
        {
          return true
        }
      }
    }
    return false
  }
}
