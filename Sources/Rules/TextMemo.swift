extension [UInt8] {
  /// Answers a text test once per code: 1 false, 2 true, 0 not asked yet.
  mutating func fill(
    _ predicate: Graph.TextPredicate, _ codes: UnsafePointer<UInt32>, rows: Int, dictionary: StringDictionary
  ) {
    if count <= dictionary.count {
      append(contentsOf: repeatElement(0, count: Swift.max(dictionary.count + 1, 64) * 2 - count))
    }
    withUnsafeMutableBufferPointer { memo in
      for row in 0..<rows {
        let code = Int(codes[row])
        guard code != 0, code < memo.count, memo[code] == 0 else { continue }
        memo[code] = dictionary.withBytes(of: codes[row]) { predicate.holds(for: $0) } ? 2 : 1
      }
    }
  }
}

extension Graph.TextPredicate {
  func holds(for text: UnsafeBufferPointer<UInt8>) -> Bool {
    switch self {
    case .startsWith(let part): text.starts(with: part)
    case .endsWith(let part): text.count >= part.count && text.suffix(part.count).elementsEqual(part)
    case .contains(let part): contains(text, part)
    case .matches(let pattern): pattern.matches(text)
    case .less(let other): text.lexicographicallyPrecedes(other)
    case .lessOrEqual(let other): !other.lexicographicallyPrecedes(text)
    case .oneOf(let texts): texts.contains(Array(text))
    }
  }

  /// Knuth, Morris, Pratt: linear whatever the texts are.
  private func contains(_ text: UnsafeBufferPointer<UInt8>, _ part: [UInt8]) -> Bool {
    guard !part.isEmpty else { return true }
    var fallback = [Int](repeating: 0, count: part.count)
    var length = 0
    for index in 1..<part.count {
      while length > 0, part[index] != part[length] { length = fallback[length - 1] }
      if part[index] == part[length] { length += 1 }
      fallback[index] = length
    }
    var matched = 0
    for byte in text {
      while matched > 0, byte != part[matched] { matched = fallback[matched - 1] }
      if byte == part[matched] { matched += 1 }
      if matched == part.count { return true }
    }
    return false
  }
}
