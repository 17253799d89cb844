import Glibc
import Orders

/// A decision's wishes in their commonest form, borrowed from the bytes of its `desired`: labels that go onto every
/// item, and effects beside them. One is kept and read into again and again, so that nothing is allocated per decision.
public struct UniformDesire {
  /// Sorted by bytes, without repeats.
  public private(set) var codes: [UnsafeRawBufferPointer] = []
  /// Sorted by bytes, without repeats.
  public private(set) var labels: [UnsafeRawBufferPointer] = []
  /// Table and labels as they stand in the message: a ledger keeps them in the same form.
  public private(set) var fields = UnsafeRawBufferPointer(start: nil, count: 0)
  /// The effects that are asked for, each a `DesiredActionValue`.
  public private(set) var actions: [UnsafeRawBufferPointer] = []
  private var rules: [UnsafeRawBufferPointer] = []
  /// Per label, where its rules end in `rules`.
  private var ruleEnds: [Int] = []

  public init() {}

  /// Rules that want the label, sorted by bytes; `label` is its place in `labels`.
  public func rules(of label: Int) -> ArraySlice<UnsafeRawBufferPointer> {
    rules[(label == 0 ? 0 : ruleEnds[label - 1])..<ruleEnds[label]]
  }

  /// False when the wishes are of another form (a cancelled order's, labels of single items, a late change, an order
  /// first seen closed) or malformed: then they are to be decoded as a `DecisionValue`.
  public mutating func read(_ desired: UnsafeRawBufferPointer) -> Bool {
    codes.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
    rules.removeAll(keepingCapacity: true)
    ruleEnds.removeAll(keepingCapacity: true)
    actions.removeAll(keepingCapacity: true)
    var reader = ProtobufReader(desired)
    var end = 0
    var isClosed = false
    while reader.next() {
      switch reader.field {
      case 1:
        let code = reader.slice()
        guard !isClosed, labels.isEmpty, actions.isEmpty, UniformDesire.follows(code, codes.last) else {
          return false
        }
        codes.append(code)
        end = reader.offset
      case 2:
        guard !isClosed, actions.isEmpty, read(label: reader.slice()) else { return false }
        end = reader.offset
      case 3:
        guard !isClosed else { return false }
        actions.append(reader.slice())
      case 4:
        guard OrderState(wire: reader.uint64()) != .cancelled else { return false }
        isClosed = true
      default: return false
      }
    }
    fields = UnsafeRawBufferPointer(rebasing: desired[0..<end])
    return !reader.failed && (labels.isEmpty || !codes.isEmpty)
  }

  /// The same for the labels of a ledger record (topics/ledger.proto); also false where people's items are noted.
  public mutating func read(ledger: UnsafeRawBufferPointer) -> Bool {
    var reader = ProtobufReader(ledger)
    var found: UnsafeRawBufferPointer?
    while reader.next() {
      guard reader.field == 3 else {
        reader.skip()
        continue
      }
      if found != nil { return false }
      found = reader.slice()
    }
    return !reader.failed && read(found ?? UnsafeRawBufferPointer(rebasing: ledger[0..<0])) && actions.isEmpty
  }

  /// True when both speak of the same items, or one of them of none.
  public func isOnItems(of other: UniformDesire) -> Bool {
    if codes.isEmpty || other.codes.isEmpty { return true }
    return codes.count == other.codes.count && zip(codes, other.codes).allSatisfy { equal($0, $1) }
  }

  /// Places of the labels that `other` has not.
  public func places(notIn other: UniformDesire, into places: inout [Int]) {
    places.removeAll(keepingCapacity: true)
    var next = 0
    for (place, label) in labels.enumerated() {
      while next < other.labels.count, precede(other.labels[next], label) { next += 1 }
      if next == other.labels.count || !equal(other.labels[next], label) { places.append(place) }
    }
  }

  private mutating func read(label: UnsafeRawBufferPointer) -> Bool {
    var reader = ProtobufReader(label)
    var name = UnsafeRawBufferPointer(start: nil, count: 0)
    let first = rules.count
    while reader.next() {
      switch reader.field {
      case 1: name = reader.slice()
      case 2:
        let rule = reader.slice()
        guard UniformDesire.follows(rule, rules.count > first ? rules.last : nil) else { return false }
        rules.append(rule)
      case 4: _ = reader.bool()
      default: return false
      }
    }
    guard !reader.failed, UniformDesire.follows(name, labels.last) else { return false }
    labels.append(name)
    ruleEnds.append(rules.count)
    return true
  }

  private static func follows(_ new: UnsafeRawBufferPointer, _ last: UnsafeRawBufferPointer?) -> Bool {
    guard let last else { return true }
    return precede(last, new)
  }
}

/// Byte for byte.
func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let one = left.baseAddress, let other = right.baseAddress else { return true }
  return memcmp(one, other, left.count) == 0
}

/// True when the bytes of `left` sort before those of `right`.
func precede(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  let length = min(left.count, right.count)
  if length > 0, let one = left.baseAddress, let other = right.baseAddress {
    let order = memcmp(one, other, length)
    if order != 0 { return order < 0 }
  }
  return left.count < right.count
}
