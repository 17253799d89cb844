internal import CRuleKernels

/// What each kind of node does to its columns.
extension Evaluator {
  func run(_ program: Program, _ batch: FactBatch) {
    let rowCounts = program.rowCounts
    let planes = program.planeTable
    let columns = program.columnTable
    program.steps.withUnsafeBufferPointer { steps in
      program.operands.withUnsafeBufferPointer { operands in
        for step in steps {
          let out = planes[Int(step.node)]
          let words = (rowCounts[Int(step.level.rawValue)] &+ 63) / 64
          switch step.kind {
          case .atLeast:
            let x = columns[Int(step.a)]
            rule_at_least(x.values, x.known, step.constant, out.t, out.f, words)
          case .equals:
            let x = columns[Int(step.a)]
            rule_equals(x.values, x.known, step.constant, out.t, out.f, words)
          case .atLeastNumber:
            let x = columns[Int(step.a)]
            let y = columns[Int(step.b)]
            rule_at_least_number(x.values, x.known, y.values, y.known, out.t, out.f, words)
          case .equalsNumber:
            let x = columns[Int(step.a)]
            let y = columns[Int(step.b)]
            rule_equals_number(x.values, x.known, y.values, y.known, out.t, out.f, words)
          case .and:
            if let first = operands.baseAddress {
              rule_and(first + Int(step.a), Int(step.b), out.t, out.f, words)
            }
          case .orderList:
            let on = batch.onLists + Int(step.a) &* batch.wordCount
            let known = batch.listsKnown + Int(step.a) &* batch.wordCount
            for word in 0..<words {
              out.t[word] = on[word] & known[word]
              out.f[word] = ~on[word] & known[word]
            }
          case .parameters:
            program.testParameters(plan.parameters, batch, words: words)
          case .rank, .rankAtLeast, .rankEquals: runRank(step, out, program, words: words)
          case .textEquals:
            if case .textEquals(let column, _) = plan.graph.nodes[Int(step.node)] {
              rule_text_equals(
                codes(of: column, batch), UInt32(truncatingIfNeeded: step.constant), out.t, out.f, words)
            }
          case .number: computeNumber(Int(step.node), plan.graph.nodes[Int(step.node)], batch)
          case .truth: computeTruth(Int(step.node), plan.graph.nodes[Int(step.node)], batch)
          }
        }
      }
    }
  }

  private func runRank(_ step: Program.Step, _ out: Planes, _ program: Program, words: Int) {
    let ranks = program.ranks[Int(step.b)].ranks
    let known = program.columnTable[step.kind == .rank ? Int(step.node) : Int(step.a)]
    let rank = UInt16(truncatingIfNeeded: step.constant)
    switch step.kind {
    case .rank:
      program.ranks[Int(step.b)].thresholds.withUnsafeBufferPointer { thresholds in
        guard let first = thresholds.baseAddress else { return }
        rule_rank(known.values, first, thresholds.count, ranks, words &* 64)
      }
    case .rankAtLeast: rule_rank_at_least(ranks, rank, known.known, out.t, out.f, words)
    default: rule_rank_equals(ranks, rank, known.known, out.t, out.f, words)
    }
  }

  private func column(_ node: Int, _ batch: FactBatch) -> NumberColumn {
    program?.columnTable[node] ?? NumberColumn(values: batch.numbers, known: Planes.none.t)
  }

  private func planes(_ node: Int) -> Planes { program?.planeTable[node] ?? Planes.none }

  func codes(of column: TextColumn, _ batch: FactBatch) -> UnsafeMutablePointer<UInt32> {
    guard column.level != .order else { return batch.texts + column.column &* batch.capacity }
    let lines = batch.lines(column.level)
    return lines.texts + column.column &* lines.capacity
  }

  func computeNumber(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let level = plan.graph.levels[index]
    let rows = level == .order ? count : batch.lines(level).count
    let out = column(index, batch)
    switch node {
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
    case .addMonths(let a, let months):
      let x = column(a, batch)
      Kernels.addMonths(months, zone: plan.zone, x.values, x.known, out.values, out.known, rows: rows)
    case .textSize(let text): textSize(text, out, batch, rows: rows)
    case .listSize(let fact): listSize(fact, out, batch, rows: rows)
    case .conditionalNumber(let test, let a, let b):
      let p = planes(test)
      let x = column(a, batch)
      let y = column(b, batch)
      Kernels.conditional(p.t, p.f, x.values, x.known, y.values, y.known, out.values, out.known, rows: rows)
    case .spreadNumber(let a, let level):
      let x = column(a, batch)
      Kernels.spread(
        x.values, x.known, orders: batch.lines(level).orders, out.values, out.known, lines: rows)
    case .fold(let fold, let filter, let number):
      let p = planes(filter)
      let starts = batch.lines(plan.graph.levels[filter.node]).starts
      if let x = number.map({ column($0, batch) }) {
        Kernels.fold(fold, p.t, p.f, x.values, x.known, starts: starts, out.values, out.known, rows: rows)
      } else {
        Kernels.count(p.t, p.f, starts: starts, out.values, out.known, rows: rows)
      }
    default: break
    }
  }

  func computeTruth(_ index: Int, _ node: Graph.Node, _ batch: FactBatch) {
    let level = plan.graph.levels[index]
    let rows = level == .order ? count : batch.lines(level).count
    let words = (rows + 63) / 64
    let out = planes(index)
    switch node {
    case .always:
      for word in 0..<words {
        out.t[word] = Kernels.mask(word, rows: rows)
        out.f[word] = 0
      }
    case .truth(let fact): loadTruth(fact, out, batch, words: words)
    case .never(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = 0
        out.f[word] = x.known[word]
      }
    case .numberMissing(let a):
      let x = column(a, batch)
      for word in 0..<words {
        out.t[word] = ~x.known[word] & Kernels.mask(word, rows: rows)
        out.f[word] = x.known[word]
      }
    case .conditional, .sameTruth, .truthMissing, .definitely, .anyLine, .exactlyOne, .spread:
      computeLogic(node, out, batch, rows: rows)
    default: computeTextOrList(index, node, out, batch, rows: rows)
    }
  }

  private func loadTruth(_ fact: Fact, _ out: Planes, _ batch: FactBatch, words: Int) {
    let values: UnsafeMutablePointer<UInt64>
    let known: UnsafeMutablePointer<UInt64>
    if fact.level != .order {
      let lines = batch.lines(fact.level)
      let offset = (Int(fact.rawValue) &- lines.truthBase) &* (lines.capacity / 64)
      values = lines.truths + offset
      known = lines.truthsKnown + offset
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
    case .anyLine(let line):
      let x = planes(line)
      let lines = batch.lines(plan.graph.levels[line.node])
      Kernels.anyItem(x.t, x.f, orders: lines.orders, lines: lines.count, out.t, out.f, rows: count)
    case .exactlyOne(let line):
      let x = planes(line)
      let starts = batch.lines(plan.graph.levels[line.node]).starts
      Kernels.exactlyOne(x.t, x.f, starts: starts, out.t, out.f, rows: count)
    case .spread(let a, let level):
      let x = planes(a)
      Kernels.spread(x.t, x.f, orders: batch.lines(level).orders, out.t, out.f, lines: rows)
    default: break
    }
  }

  private func computeTextOrList(
    _ index: Int, _ node: Graph.Node, _ out: Planes, _ batch: FactBatch, rows: Int
  ) {
    let words = (rows + 63) / 64
    switch node {
    case .textEqualsText(let a, let b):
      let left = codes(of: a, batch)
      let right = codes(of: b, batch)
      if a.level != .order, b.level == .order {
        Kernels.textEqualsSpread(left, right, orders: batch.lines(a.level).orders, out.t, out.f, rows: rows)
      } else {
        Kernels.textEqualsText(left, right, out.t, out.f, words: words)
      }
    case .textTest(let column, let predicate):
      let column = codes(of: column, batch)
      if let number = program?.substrings?.number(of: index) {
        program?.substrings?.fill(column, rows: rows, dictionary: batch.dictionary)
        program?.substrings?.memos[number].withUnsafeBufferPointer {
          if let memo = $0.baseAddress { Kernels.textMemo(column, memo, out.t, out.f, words: words) }
        }
        return
      }
      program?.memos[index, default: []].fill(predicate, column, rows: rows, dictionary: batch.dictionary)
      program?.memos[index]?.withUnsafeBufferPointer {
        if let memo = $0.baseAddress { Kernels.textMemo(column, memo, out.t, out.f, words: words) }
      }
    case .textMissing(let column):
      Kernels.textMissing(codes(of: column, batch), out.t, out.f, rows: rows)
    case .itemList(let slot):
      Kernels.itemList(
        batch.items.onLists + slot &* (batch.items.capacity / 64),
        batch.listsKnown + slot &* batch.wordCount, orders: batch.items.orders, out.t, out.f, lines: rows)
    case .listContains(let fact, _):
      listContains(fact, program?.codes[index] ?? 0, out, batch, rows: rows)
    case .listMissing(let fact) where fact.level != .order:
      for word in 0..<words {
        out.t[word] = 0
        out.f[word] = Kernels.mask(word, rows: rows)
      }
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
    if fact.level != .order { return lineListContains(batch.lines(fact.level), list, code, out, rows: rows) }
    rule_text_equals(batch.firstElements + list &* batch.capacity, code, out.t, out.f, words)
    for element in batch.moreElements where element.list == list && element.code == code {
      out.t[element.row &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: element.row & 63)
    }
    let incomplete = batch.listsIncomplete + list &* batch.wordCount
    for word in 0..<words { out.f[word] = ~out.t[word] & ~incomplete[word] & Kernels.mask(word, rows: rows) }
  }

  /// Lists of lines are always known as a whole.
  private func lineListContains(
    _ lines: LineColumns, _ list: Int, _ code: UInt32, _ out: Planes, rows: Int
  ) {
    let words = (rows + 63) / 64
    rule_text_equals(lines.firstElements + list &* lines.capacity, code, out.t, out.f, words)
    for element in lines.moreElements where element.list == list && element.code == code {
      out.t[element.line &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: element.line & 63)
    }
    for word in 0..<words { out.f[word] = ~out.t[word] & Kernels.mask(word, rows: rows) }
  }
}
