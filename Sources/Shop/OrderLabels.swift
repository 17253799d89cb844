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
    func isOf(_ other: String) -> Bool { label.utf8.elementsEqual(other.utf8) }
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
      let place = lines.firstIndex { label.utf8.lexicographicallyPrecedes($0.label.utf8) } ?? lines.count
      lines.insert(Line(label: label, items: [Item(code: code, hand: hand)]), at: place)
      return .done
    }
    if let item = lines[place].items.firstIndex(where: { $0.code == code }) {
      switch lines[place].items[item].hand {
      case .us: return .already
      case .person: return .foreign
      case .veto:
        if hand == .us { return .vetoed }
        lines[place].items[item].hand = hand
        return .done
      }
    }
    let items = lines[place].items
    let next = items.firstIndex { code.utf8.lexicographicallyPrecedes($0.code.utf8) } ?? items.count
    lines[place].items.insert(Item(code: code, hand: hand), at: next)
    return .done
  }

  /// Takes off a label: we take off ours only, a person anybody's, and ours so that it is remembered.
  mutating func remove(_ label: String, _ code: String, by hand: Hand) -> Change {
    guard let place = lines.firstIndex(where: { $0.isOf(label) }),
      let item = lines[place].items.firstIndex(where: { $0.code == code })
    else { return .already }
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
