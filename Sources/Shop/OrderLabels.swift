import Orders

/// Labels of one order in a `LocalShop`: for each label its items, and whose they are.
///
/// Stored as text that can be read in a database shell: a line for each label, the label, then a tab and `+code`
/// for each item labelled by us, `@code` for each labelled by a person, `-code` for each from which a person took the
/// label that we had put there. Labels and codes by bytes.
struct OrderLabels: Equatable {
  enum Hand: UInt8, Equatable {
    case us = 43
    case person = 64
    /// Not there: a person took ours off.
    case veto = 45
  }
  struct Item: Equatable {
    var code: String
    var hand: Hand
  }
  struct Line: Equatable {
    var label: String
    var items: [Item]

    /// Byte for byte.
    func isOf(_ other: String) -> Bool { compareBytes(label, other) == 0 }

    /// Where the item stands, or, if it does not, where it belongs.
    func place(_ code: String) -> (index: Int, isThere: Bool) {
      var low = 0
      var high = items.count
      // Codes mostly come in order.
      if let last = items.last, compareBytes(last.code, code) < 0 { return (high, false) }
      while low < high {
        let middle = (low + high) / 2
        let order = compareBytes(items[middle].code, code)
        if order == 0 { return (middle, true) }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
      return (low, false)
    }
  }

  private(set) var lines: [Line] = []

  init() {}

  /// Reads stored text; what does not parse is left out.
  init(stored: UnsafeRawBufferPointer) {
    for line in stored.split(separator: 10) {
      var parts = line.split(separator: 9, omittingEmptySubsequences: false).makeIterator()
      guard let label = parts.next(), !label.isEmpty else { continue }
      var items: [Item] = []
      while let part = parts.next() {
        guard let mark = part.first, let hand = Hand(rawValue: mark), part.count > 1 else { continue }
        items.append(Item(code: String(decoding: part.dropFirst(), as: UTF8.self), hand: hand))
      }
      lines.append(Line(label: String(decoding: label, as: UTF8.self), items: items))
    }
  }

  func store(into bytes: inout [UInt8]) {
    bytes.removeAll(keepingCapacity: true)
    for line in lines {
      if !bytes.isEmpty { bytes.append(10) }
      bytes.append(contentsOf: line.label.utf8)
      for item in line.items {
        bytes.append(9)
        bytes.append(item.hand.rawValue)
        bytes.append(contentsOf: item.code.utf8)
      }
    }
  }

  var itemCount: Int { lines.reduce(0) { $0 + $1.items.count } }

  /// What a single item's change came to.
  enum Change { case done, already, foreign, vetoed }

  /// Puts a label on; whose it is stays as it was. What a person took off only a person puts back.
  mutating func add(_ label: String, _ code: String, by hand: Hand) -> Change {
    guard let place = lines.firstIndex(where: { $0.isOf(label) }) else {
      let place = lines.firstIndex { bytesPrecede(label, $0.label) } ?? lines.count
      lines.insert(Line(label: label, items: [Item(code: code, hand: hand)]), at: place)
      return .done
    }
    let (item, isThere) = lines[place].place(code)
    if isThere {
      switch lines[place].items[item].hand {
      case .us: return .already
      case .person: return .foreign
      case .veto:
        if hand == .us { return .vetoed }
        lines[place].items[item].hand = hand
        return .done
      }
    }
    lines[place].items.insert(Item(code: code, hand: hand), at: item)
    return .done
  }

  /// Takes off a label: we take off ours only, a person anybody's, and ours so that it is remembered.
  mutating func remove(_ label: String, _ code: String, by hand: Hand) -> Change {
    guard let place = lines.firstIndex(where: { $0.isOf(label) }) else { return .already }
    let (item, isThere) = lines[place].place(code)
    guard isThere else { return .already }
    switch (lines[place].items[item].hand, hand) {
    case (.veto, _): return .vetoed
    case (.person, .us): return .foreign
    case (.us, .person):
      lines[place].items[item].hand = .veto
      return .done
    default: break
    }
    lines[place].items.remove(at: item)
    if lines[place].items.isEmpty { lines.remove(at: place) }
    return .done
  }

  mutating func forgetVetoes(of label: String) {
    for place in lines.indices where lines[place].isOf(label) {
      lines[place].items.removeAll { $0.hand == .veto }
    }
    lines.removeAll(where: \.items.isEmpty)
  }

  /// Performs a change of ours, item by item.
  mutating func perform(_ change: LabelChange) -> LabelOutcome {
    var isChanged = false
    var foreign: [String] = []
    var vetoed: [String] = []
    for code in change.itemCodes {
      let result =
        change.kind == .add
        ? add(change.label, code, by: .us) : remove(change.label, code, by: .us)
      switch result {
      case .done: isChanged = true
      case .already: break
      case .foreign: foreign.append(code)
      case .vetoed: vetoed.append(code)
      }
    }
    let result: LabelOutcome.Result =
      if isChanged { .done } else if !foreign.isEmpty, foreign.count == change.itemCodes.count {
        .foreign
      } else if !vetoed.isEmpty, vetoed.count == change.itemCodes.count { .vetoed } else { .already }
    return LabelOutcome(result, foreignItemCodes: foreign, vetoedItemCodes: vetoed)
  }
}
