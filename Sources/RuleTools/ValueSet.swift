internal import Rules

/// A set of values of one fact: what is left of it after some comparisons.
enum ValueSet: Equatable {
  /// Sorted, apart from each other. Whole numbers in the fact's own unit: ten-thousandths, µs, days, 0 and 1.
  case numbers([ClosedRange<Int64>])
  case texts(TextSet)

  static let allNumbers = ValueSet.numbers([.min ... .max])
  static let allTexts = ValueSet.texts(TextSet(values: [], isComplement: true))
  static let truths = ValueSet.numbers([0...1])

  var isEmpty: Bool {
    switch self {
    case .numbers(let ranges): ranges.isEmpty
    case .texts(let set): set.isEmpty
    }
  }

  func intersection(_ other: ValueSet) -> ValueSet {
    switch (self, other) {
    case (.numbers(let a), .numbers(let b)):
      var result: [ClosedRange<Int64>] = []
      for x in a { for y in b where x.overlaps(y) { result.append(x.clamped(to: y)) } }
      return .numbers(result)
    case (.texts(let a), .texts(let b)): return .texts(a.intersection(b))
    // Two kinds under one name: nothing can be said.
    default: return self
    }
  }

  var complement: ValueSet {
    switch self {
    case .numbers(let ranges):
      var result: [ClosedRange<Int64>] = []
      var next: Int64? = .min
      for range in ranges {
        if let start = next, start < range.lowerBound { result.append(start...(range.lowerBound - 1)) }
        next = range.upperBound == .max ? nil : range.upperBound + 1
      }
      if let start = next { result.append(start ... .max) }
      return .numbers(result)
    case .texts(let set): return .texts(set.complement)
    }
  }
}

/// Some texts, or all but some; besides what they begin with, end with or contain.
struct TextSet: Equatable {
  enum Kind: Equatable { case starts, ends, contains, matches }
  struct Test: Equatable {
    var kind: Kind
    var part: [UInt8]
    var holds: Bool
  }

  var values: Set<[UInt8]>
  var isComplement: Bool
  var tests: [Test] = []

  init(values: Set<[UInt8]>, isComplement: Bool, tests: [Test] = []) {
    self.values = values
    self.isComplement = isComplement
    self.tests = tests
  }

  /// The texts for which `startsWith`, `endsWith`, `contains` or `matches` says yes. A pattern of plain words is one of
  /// the others, or one text.
  init(function: String, _ part: [UInt8]) {
    let kinds: [String: Kind] = ["startsWith": .starts, "endsWith": .ends, "contains": .contains]
    guard let kind = kinds[function] else {
      self = TextSet(pattern: part)
      return
    }
    self.init(values: [], isComplement: true, tests: [Test(kind: kind, part: part, holds: true)])
  }

  private init(pattern: [UInt8]) {
    var rest = pattern[...]
    let isStart = rest.first == UInt8(ascii: "^")
    if isStart { rest.removeFirst() }
    let isEnd = rest.last == UInt8(ascii: "$")
    if isEnd { rest.removeLast() }
    let words = Array(rest)
    guard words.allSatisfy(TextSet.isPlain) else {
      self.init(
        values: [], isComplement: true, tests: [Test(kind: .matches, part: pattern, holds: true)])
      return
    }
    if isStart, isEnd {
      self.init(values: [words], isComplement: false)
    } else {
      let kind: Kind = isStart ? .starts : isEnd ? .ends : .contains
      self.init(values: [], isComplement: true, tests: [Test(kind: kind, part: words, holds: true)])
    }
  }

  /// A byte that stands for itself in a pattern.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  /// Of a set without tests, or of one test of everything: what one comparison gives.
  var complement: TextSet {
    guard let test = tests.first else { return TextSet(values: values, isComplement: !isComplement) }
    return TextSet(
      values: [], isComplement: true, tests: [Test(kind: test.kind, part: test.part, holds: !test.holds)])
  }

  func intersection(_ other: TextSet) -> TextSet {
    var result = self
    result.tests += other.tests
    switch (isComplement, other.isComplement) {
    case (true, true): result.values.formUnion(other.values)
    case (false, false): result.values.formIntersection(other.values)
    case (false, true): result.values.subtract(other.values)
    case (true, false):
      result.values = other.values.subtracting(values)
      result.isComplement = false
    }
    if !result.isComplement {
      result.values = result.values.filter { value in result.tests.allSatisfy { $0.passes(value) } }
      result.tests = []
    }
    return result
  }

  var isEmpty: Bool {
    if !isComplement { return values.isEmpty }
    if tests.contains(where: { !$0.holds && $0.kind != .matches && $0.part.isEmpty }) { return true }
    let positive = tests.filter(\.holds)
    for (index, a) in positive.enumerated() {
      if tests.contains(where: { !$0.holds && a.implies($0) }) { return true }
      for b in positive.dropFirst(index + 1) where a.excludes(b) { return true }
    }
    return false
  }
}

extension TextSet.Test {
  func passes(_ text: [UInt8]) -> Bool {
    let found: Bool =
      switch kind {
      case .starts: text.starts(with: part)
      case .ends: text.reversed().starts(with: part.reversed())
      case .contains: TextSet.Test.contains(text, part)
      case .matches: patternMatches(part, text)
      }
    return found == holds
  }

  /// Every text that passes this one has the other's part in the other's place.
  fileprivate func implies(_ other: TextSet.Test) -> Bool {
    switch (kind, other.kind) {
    case (.matches, .matches): part == other.part
    case (.matches, _): false
    case (_, .matches): false
    case (.starts, .starts): part.starts(with: other.part)
    case (.ends, .ends): part.reversed().starts(with: other.part.reversed())
    case (_, .contains): TextSet.Test.contains(part, other.part)
    default: other.part.isEmpty
    }
  }

  fileprivate func excludes(_ other: TextSet.Test) -> Bool {
    guard kind == other.kind, kind == .starts || kind == .ends else { return false }
    return !implies(other) && !other.implies(self)
  }

  static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }
}
