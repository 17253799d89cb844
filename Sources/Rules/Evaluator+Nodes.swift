/// What each kind of node does to its columns.
extension Evaluator {
  func computeNumber(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let rows = plan.graph.isItemLevel[index] ? batch.itemCount : count
    let out = column(index, batch)
    switch node {
    case .constantNumber:  // its values stand since `init`
      for word in 0..<((rows + 63) / 64) { out.known[word] = Kernels.mask(word, rows: rows) }
    case .arithmetic(let op, let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.arithmetic(op, x.values, x.known, y.values, y.known, out.values, out.known, rows: rows)
    case .toDecimal(let a):
      let x = column(a, batch)
      Kernels.toDecimal(x.values, x.known, out.values, out.known, rows: rows)
    case .civil(let part, let a):
      let x = column(a, batch)
      Kernels.civil(part, zone: plan.zone, x.values, x.known, out.values, out.known, rows: rows)
    case .conditionalNumber(let test, let a, let b):
      let p = planes(test)
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.conditional(p.t, p.f, x.values, x.known, y.values, y.known, out.values, out.known, rows: rows)
    case .spreadNumber(let a):
      let x = column(a, batch)
      Kernels.spread(
        x.values, x.known, orders: batch.itemOrders, out.values, out.known, lines: batch.itemCount)
    default: break
    }
  }

  func computeTruth(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let rows = plan.graph.isItemLevel[index] ? batch.itemCount : count
    let words = (rows + 63) / 64
    let out = planes(index)
    switch node {
    case .always:
      for word in 0..<words {
        out.t[word] = Kernels.mask(word, rows: rows)
        out.f[word] = 0
      }
    case .truth(let fact): loadTruth(fact, out, batch, words: words)
    case .atLeast(let a, let constant):
      let x = column(a, batch)
      Kernels.atLeast(x.values, x.known, constant, out.t, out.f, words: words)
    case .equals(let a, let constant):
      let x = column(a, batch)
      Kernels.equals(x.values, x.known, constant, out.t, out.f, words: words)
    case .never(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = 0
        out.f[word] = x.known[word]
      }
    case .atLeastNumber(let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.atLeastNumber(x.values, x.known, y.values, y.known, out.t, out.f, words: words)
    case .equalsNumber(let a, let b):
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.equalsNumber(x.values, x.known, y.values, y.known, out.t, out.f, words: words)
    case .numberMissing(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = ~x.known[word] & Kernels.mask(word, rows: rows)
        out.f[word] = x.known[word]
      }
    case .and, .conditional, .sameTruth, .truthMissing, .definitely, .anyItem, .spread:
      computeLogic(node, out, batch, rows: rows)
    default: computeTextOrList(index, node, out, batch, rows: rows)
    }
  }

  private func loadTruth(_ fact: Fact, _ out: Planes, _ batch: FactBatch, words: Int) {
    let values: UnsafeMutablePointer<UInt64>
    let known: UnsafeMutablePointer<UInt64>
    if fact.isItemLevel {
      let offset = (Int(fact.rawValue) &- Int(Fact.itemLive.rawValue)) &* (batch.itemCapacity / 64)
      values = batch.itemTruths + offset
      known = batch.itemTruthsKnown + offset
    } else {
      let offset = (Int(fact.rawValue) &- Int(Fact.isGift.rawValue)) &* batch.wordCount
      values = batch.truths + offset
      known = batch.truthsKnown + offset
    }
    for word in 0..<words {
      out.t[word] = values[word] & known[word]
      out.f[word] = ~values[word] & known[word]
    }
  }

  private func computeLogic(_ node: Graph.Node, _ out: Planes, _ batch: FactBatch, rows: Int) {
    let words = (rows + 63) / 64
    switch node {
    case .and(let terms):
      operands.removeAll(keepingCapacity: true)
      for term in terms {
        let p = planes(term)
        operands.append((UnsafePointer(p.t), UnsafePointer(p.f)))
      }
      operands.withUnsafeBufferPointer { Kernels.and($0, out.t, out.f, words: words) }
    case .conditional(let test, let a, let b):
      let p = planes(test)
      let x = planes(a)
      let y = planes(b)
      for word in 0..<words {
        out.t[word] = (p.t[word] & x.t[word]) | (p.f[word] & y.t[word])
        out.f[word] = (p.t[word] & x.f[word]) | (p.f[word] & y.f[word])
      }
    case .sameTruth(let a, let b):
      let x = planes(a)
      let y = planes(b)
      for word in 0..<words {
        out.t[word] = (x.t[word] & y.t[word]) | (x.f[word] & y.f[word])
        out.f[word] = (x.t[word] & y.f[word]) | (x.f[word] & y.t[word])
      }
    case .truthMissing(let a):
      let x = planes(a)
      for word in 0..<words {
        out.f[word] = x.t[word] | x.f[word]
        out.t[word] = ~out.f[word] & Kernels.mask(word, rows: rows)
      }
    case .definitely(let a):
      let x = planes(a)
      for word in 0..<words {
        out.t[word] = x.t[word]
        out.f[word] = ~x.t[word] & Kernels.mask(word, rows: rows)
      }
    case .anyItem(let line):
      let x = planes(line)
      Kernels.anyItem(
        x.t, x.f, orders: batch.itemOrders, lines: batch.itemCount, out.t, out.f, rows: count)
    case .spread(let a):
      let x = planes(a)
      Kernels.spread(x.t, x.f, orders: batch.itemOrders, out.t, out.f, lines: batch.itemCount)
    default: break
    }
  }

  private func computeTextOrList(
    _ index: Int, _ node: Graph.Node, _ out: Planes, _ batch: FactBatch, rows: Int
  ) {
    let words = (rows + 63) / 64
    switch node {
    case .textEquals(let column, _):
      Kernels.textEquals(codes(of: column, batch), codes[index], out.t, out.f, words: words)
    case .textEqualsText(let a, let b):
      let left = codes(of: a, batch)
      let right = codes(of: b, batch)
      if a.isItemLevel, !b.isItemLevel {
        Kernels.textEqualsSpread(left, right, orders: batch.itemOrders, out.t, out.f, rows: rows)
      } else {
        Kernels.textEqualsText(left, right, out.t, out.f, words: words)
      }
    case .textTest(let column, let predicate):
      let column = codes(of: column, batch)
      memos[index].fill(predicate, column, rows: rows, dictionary: batch.dictionary)
      memos[index].withUnsafeBufferPointer {
        if let memo = $0.baseAddress { Kernels.textMemo(column, memo, out.t, out.f, words: words) }
      }
    case .textMissing(let column):
      Kernels.textMissing(codes(of: column, batch), out.t, out.f, rows: rows)
    case .orderList(let slot):
      Kernels.maskBit(batch.onLists, batch.listsKnown, slot: slot, out.t, out.f, words: words)
    case .itemList(let slot):
      Kernels.itemMaskBit(
        batch.itemOnLists, batch.listsKnown, orders: batch.itemOrders, slot: slot, out.t, out.f, rows: rows)
    case .listContains(let fact, _):
      listContains(fact, codes[index], out, batch, rows: rows)
    case .listMissing(let fact):
      let incomplete = batch.listsIncomplete + batch.list(fact) &* batch.wordCount
      for word in 0..<words {
        out.t[word] = incomplete[word]
        out.f[word] = ~incomplete[word] & Kernels.mask(word, rows: rows)
      }
    default: break
    }
  }

  /// True when some element is the text; else unknown when the list is incomplete; else false.
  private func listContains(_ fact: Fact, _ code: UInt32, _ out: Planes, _ batch: FactBatch, rows: Int) {
    let list = batch.list(fact)
    let words = (rows + 63) / 64
    Kernels.textEquals(batch.firstElements + list &* batch.capacity, code, out.t, out.f, words: words)
    for element in batch.moreElements where element.list == list && element.code == code {
      out.t[element.row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: element.row & 63)
    }
    let incomplete = batch.listsIncomplete + list &* batch.wordCount
    for word in 0..<words { out.f[word] = ~out.t[word] & ~incomplete[word] & Kernels.mask(word, rows: rows) }
  }
}
