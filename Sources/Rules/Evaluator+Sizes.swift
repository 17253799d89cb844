/// Lengths of texts and lists.
extension Evaluator {
  /// Code points; each different text is counted once.
  func textSize(_ text: TextColumn, _ out: NumberColumn, _ batch: FactBatch, rows: Int) {
    guard let program else { return }
    let dictionary = batch.dictionary
    while program.textSizes.count <= dictionary.count {
      let code = UInt32(truncatingIfNeeded: program.textSizes.count)
      program.textSizes.append(dictionary.withBytes(of: code) { Kernels.codePoints($0) })
    }
    let codes = codes(of: text, batch)
    program.textSizes.withUnsafeBufferPointer { sizes in
      for row in 0..<rows { out.values[row] = sizes[Int(codes[row])] }
    }
    for word in 0..<((rows + 63) / 64) {
      out.known[word] = Kernels.word { codes[word &* 64 &+ $0] != 0 } & Kernels.mask(word, rows: rows)
    }
  }

  /// Different texts; unknown when the list is known in part.
  func listSize(_ fact: Fact, _ out: NumberColumn, _ batch: FactBatch, rows: Int) {
    let list = batch.list(fact)
    if fact.level != .order { return lineListSize(batch.lines(fact.level), list, out, rows: rows) }
    let first = batch.firstElements + list &* batch.capacity
    let incomplete = batch.listsIncomplete + list &* batch.wordCount
    for row in 0..<rows { out.values[row] = first[row] == 0 ? 0 : 1 }
    for element in batch.moreElements where element.list == list { out.values[element.row] &+= 1 }
    for word in 0..<((rows + 63) / 64) {
      out.known[word] = ~incomplete[word] & Kernels.mask(word, rows: rows)
    }
  }

  private func lineListSize(_ lines: LineColumns, _ list: Int, _ out: NumberColumn, rows: Int) {
    let first = lines.firstElements + list &* lines.capacity
    for row in 0..<rows { out.values[row] = first[row] == 0 ? 0 : 1 }
    for element in lines.moreElements where element.list == list { out.values[element.line] &+= 1 }
    for word in 0..<((rows + 63) / 64) { out.known[word] = Kernels.mask(word, rows: rows) }
  }
}

extension Kernels {
  static func codePoints(_ text: UnsafeBufferPointer<UInt8>) -> Int64 {
    var count: Int64 = 0
    for byte in text where byte & 0xC0 != 0x80 { count &+= 1 }
    return count
  }
}
