/// Labels of one order in a `LocalShop`: for each label its items, and whose they are.
///
/// Stored as text that can be read in a database shell: a line for each label, the label, then a tab and `+code`
/// for each item labelled by us, `@code` for each labelled by a person. Labels and codes by bytes.
struct OrderLabels: Equatable {
  struct Item: Equatable {
    var code: String
    var byUs: Bool
  }
  struct Line: Equatable {
    var label: String
    var items: [Item]
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
        guard let mark = part.first, part.count > 1 else { continue }
        items.append(Item(code: String(decoding: part.dropFirst(), as: UTF8.self), byUs: mark == 43))
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
        bytes.append(item.byUs ? 43 : 64)
        bytes.append(contentsOf: item.code.utf8)
      }
    }
  }

  var itemCount: Int { lines.reduce(0) { $0 + $1.items.count } }

  /// True if the label was not there; otherwise whose it is stays as it was.
  mutating func add(_ label: String, _ code: String, byUs: Bool) -> (added: Bool, foreign: Bool) {
    guard let place = lines.firstIndex(where: { $0.label == label }) else {
      let place = lines.firstIndex { label.utf8.lexicographicallyPrecedes($0.label.utf8) } ?? lines.count
      lines.insert(Line(label: label, items: [Item(code: code, byUs: byUs)]), at: place)
      return (true, false)
    }
    if let item = lines[place].items.first(where: { $0.code == code }) { return (false, !item.byUs) }
    let items = lines[place].items
    let next = items.firstIndex { code.utf8.lexicographicallyPrecedes($0.code.utf8) } ?? items.count
    lines[place].items.insert(Item(code: code, byUs: byUs), at: next)
    return (true, false)
  }

  /// Takes off a label; ours only, unless `evenIfForeign`.
  mutating func remove(_ label: String, _ code: String, evenIfForeign: Bool) -> (removed: Bool, foreign: Bool)
  {
    guard let place = lines.firstIndex(where: { $0.label == label }),
      let item = lines[place].items.firstIndex(where: { $0.code == code })
    else { return (false, false) }
    if !lines[place].items[item].byUs, !evenIfForeign { return (false, true) }
    lines[place].items.remove(at: item)
    if lines[place].items.isEmpty { lines.remove(at: place) }
    return (true, false)
  }

  /// Performs a change of ours, item by item.
  mutating func perform(_ change: LabelChange) -> LabelOutcome {
    var changed = false
    var foreign: [String] = []
    for code in change.itemCodes {
      switch change.kind {
      case .add:
        let (added, isForeign) = add(change.label, code, byUs: true)
        changed = changed || added
        if isForeign { foreign.append(code) }
      case .remove:
        let (removed, isForeign) = remove(change.label, code, evenIfForeign: false)
        changed = changed || removed
        if isForeign { foreign.append(code) }
      }
    }
    if changed { return LabelOutcome(.done, foreignItemCodes: foreign) }
    let all = !foreign.isEmpty && foreign.count == change.itemCodes.count
    return LabelOutcome(all ? .foreign : .already, foreignItemCodes: foreign)
  }
}
