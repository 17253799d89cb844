import Orders
import Topics

/// A live item whose stock level is known.
struct StockLine {
  var itemIndex: Int32
  var sku: Int
  var quantity: Int64
  var level: StockTable.Level
}

extension HistoryFolder {
  /// Writes an order's `EnrichedOrder` into `writer` and returns the hash of what may not change unseen: all but
  /// position, deciding instant, own, the input's time and the edition. Nil for an order without a state.
  func encode(_ index: Int, in customer: CustomerHistory, _ cause: Cause) -> UInt64? {
    let order = customer.orders[index]
    guard let decided = order.decided, let latest = order.latest else { return nil }
    let cut = order.cut
    let isFirstSeenClosed = order.isFirstSeenClosed
    var hash = ContentHash()
    writer.removeAll()
    writer.message(1) { position in
      position.int64(1, Int64(order.epoch))
      position.int32(2, cause.position.partition)
      position.int64(3, cause.position.offset)
      position.int64(4, Int64(cause.n))
    }
    var hashed = writer.count
    decided.bytes.withUnsafeBytes { writer.presentBytes(2, $0) }
    writeFacts(3, of: decided, index, in: customer, cut: cut, bundles: !isFirstSeenClosed)
    writer.int64(4, latest.version)
    writer.int32(5, latest.summary.isAllCancelled ? 2 : latest.summary.isShipped ? 1 : 0)
    writer.bool(6, isFirstSeenClosed)
    addToHash(&hash, from: hashed)
    let own = customer.customer.kind == .none
    let latestInstant = own ? order.lastEventTime ?? 0 : customer.latestEventTime
    let told = profileInstant(of: order, in: customer)
    writer.int64(7, cut == .max ? max(latestInstant, told, lastDue(of: order)) : cut)
    writer.bool(8, cause.n == 0)
    hashed = writer.count
    if let late = lateState(of: order, decided) {
      late.bytes.withUnsafeBytes { writer.presentBytes(9, $0) }
      writeFacts(10, of: late, index, in: customer, cut: cut, bundles: !isFirstSeenClosed)
    }
    addToHash(&hash, from: hashed)
    writer.int64(11, cause.eventTime)
    writer.string(12, reference.edition)
    return hash.value
  }

  private func addToHash(_ hash: inout ContentHash, from start: Int) {
    writer.withUnsafeBytes { hash.add(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }

  /// Writes a `Facts` message for order `index` in the given state.
  private func writeFacts(
    _ field: Int, of state: DatedSnapshot, _ index: Int, in customer: CustomerHistory, cut: Int64,
    bundles: Bool
  ) {
    let isHistoryKnown = customer.customer.kind != .none
    if isHistoryKnown {
      computeHistory(of: state.contribution, index, in: customer, cut: cut, bundles: bundles)
      if !aggregates.isEmpty {
        aggregates.compute(of: state.contribution, index, in: customer, cut: cut, zone: zone)
      }
    }
    let stockMissing = readItems(of: state)
    writer.message(field) { facts in
      facts.int64(1, state.summary.amountItems)
      if isHistoryKnown { writeHistory(customer, &facts) }
      facts.strings(8, state.zones.names)
      facts.bool(9, state.zones.isMissing)
      facts.string(10, countryText(customer.orders[index].country(of: state, at: cut)))
      facts.strings(11, importedLists)
      facts.packed(12, itemBits)
      facts.strings(13, missingLists)
      writeStock(&facts)
      facts.bool(15, stockMissing)
      let placed = state.summary.placedAt
      facts.bool(16, isHoliday(placed))
      facts.bool(17, isHoliday(state.summary.paidAt ?? placed))
      if !demand.timed.isEmpty {
        writeTimed(of: state, index, in: customer, cut: cut, bundles: bundles, to: &facts)
      }
      if isHistoryKnown { aggregates.write(to: &facts) }
      for zone in state.zones.ofReceivers {
        facts.presentString(30, zone == 0 ? "" : state.zones.names[Int(zone) - 1])
      }
      if !demand.profile.isEmpty, !customer.profiles.isEmpty {
        writeProfile(of: customer.orders[index], in: customer, to: &facts)
      }
    }
  }

  private func isHoliday(_ instant: Instant) -> Bool {
    !reference.holidays.isEmpty && reference.holidays.contains(zone.civil(instant).date)
  }

  private func writeHistory(_ customer: CustomerHistory, _ facts: inout ProtobufWriter) {
    facts.bool(2, true)
    facts.int64(3, history.orders)
    facts.int64(4, history.amount)
    for (window, count) in zip(demand.claimWindows, history.claimCounts) {
      facts.message(5) { entry in
        entry.int32(1, window.scope.rawValue)
        entry.int64(2, Int64(window.months))
        entry.int64(3, count)
      }
    }
    facts.int64(6, Int64(history.partners.count))
    for partner in history.partners.prefix(Self.bundleIdsMax) {
      customer.orders[partner.order].orderId.withUnsafeBytes { facts.presentBytes(7, $0) }
    }
  }

  /// Fills `itemBits` and `stockLines`. True when stock is asked for and some live item has no known, fresh level.
  private func readItems(of state: DatedSnapshot) -> Bool {
    itemBits.removeAll(keepingCapacity: true)
    stockLines.removeAll(keepingCapacity: true)
    guard !importedLists.isEmpty || demand.needsStock else { return false }
    let placedAt = state.summary.placedAt.microseconds
    var stockMissing = false
    var itemIndex: Int32 = 0
    // Taken out once: their arrays are then not retained per item.
    let lists = reference.lists
    let stock = reference.stock
    let wantsLists = !importedLists.isEmpty
    let wantsStock = demand.needsStock
    state.bytes.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes)
      while reader.next() {
        guard reader.field == 22 else {
          reader.skip()
          continue
        }
        guard let item = ScannedItem(reader.slice()) else { return }
        let hash = item.isLive ? ContentHash.of(item.sku) : 0
        if wantsLists { itemBits.append(item.isPriced ? listBits(item, hash, placedAt, lists) : 0) }
        if wantsStock, item.isLive {
          let known = stock.level(of: item.sku, hash: hash, at: placedAt, maxAgeUs: stockMaxAgeUs)
          if let (sku, level) = known {
            let quantity = Int64(max(item.quantity, 0))
            stockLines.append(StockLine(itemIndex: itemIndex, sku: sku, quantity: quantity, level: level))
          } else {
            stockMissing = true
          }
        }
        itemIndex &+= 1
      }
    }
    return stockMissing
  }

  /// `hash`: of the SKU.
  private func listBits(
    _ item: ScannedItem, _ hash: UInt64, _ placedAt: Int64, _ lists: ListTable
  ) -> UInt64 {
    bitOfList.withUnsafeBufferPointer { bits in
      let found = lists.bits(of: item.sku, hash: hash, at: placedAt, bits)
      if sameBytes(item.sku, item.productCode) { return found }
      return found
        | lists.bits(
          of: item.productCode, hash: ContentHash.of(item.productCode), at: placedAt, bits)
    }
  }

  /// Level less what this order takes of the SKU, over all its live lines (D21).
  private func writeStock(_ facts: inout ProtobufWriter) {
    for line in stockLines {
      var after = line.level.quantity
      for other in stockLines where other.sku == line.sku { after &-= other.quantity }
      facts.message(14) { entry in
        entry.int32(1, line.itemIndex)
        entry.int64(2, after)
        entry.int64(3, line.level.safety)
        entry.int64(4, line.level.armedAt)
      }
    }
  }
}
