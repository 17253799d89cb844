import Glibc
import Topics

/// What a decision asks to be changed on an order, read off the bytes of both without making values of them: for
/// labels that are on all items and stay on the same items, and effects that are only added. The answer is the one
/// that `Reconciler` gives. One is kept and used again and again.
struct DirectChange {
  private(set) var wanted = UniformDesire()
  private(set) var standing = UniformDesire()
  /// Places in `wanted.labels`.
  private(set) var added: [Int] = []
  /// Places in `standing.labels`.
  private(set) var removed: [Int] = []
  /// Effects not done yet.
  private(set) var effects: [OrderEffect] = []
  /// Keys of the effects that are done, sorted.
  private var done: [UnsafeRawBufferPointer] = []
  private var wantedActions: [DesiredActionValue] = []
  private var labels = UnsafeRawBufferPointer(start: nil, count: 0)
  private var key: [UInt8] = []

  /// The ledger's fields differ from what they were.
  var isChanged: Bool { !isSameLabels || !effects.isEmpty }
  private var isSameLabels = false

  /// False when the change has another form: it is then for `Reconciler`. Everything that is read stays borrowed.
  mutating func read(_ desired: UnsafeRawBufferPointer, ledger fields: UnsafeRawBufferPointer) -> Bool {
    guard wanted.read(desired), readLedger(fields) else { return false }
    added.removeAll(keepingCapacity: true)
    removed.removeAll(keepingCapacity: true)
    isSameLabels = DirectChange.same(wanted.labels.isEmpty ? nothing : wanted.fields, labels)
    if !isSameLabels {
      guard standing.read(ledger: fields), wanted.isOnItems(of: standing) else { return false }
      wanted.places(notIn: standing, into: &added)
      standing.places(notIn: wanted, into: &removed)
    }
    return readEffects()
  }

  private static func same(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let one = left.baseAddress, let other = right.baseAddress else { return true }
    return memcmp(one, other, left.count) == 0
  }

  private var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  private mutating func readLedger(_ fields: UnsafeRawBufferPointer) -> Bool {
    done.removeAll(keepingCapacity: true)
    labels = nothing
    var reader = ProtobufReader(fields)
    while reader.next() {
      switch reader.field {
      case 3: labels = reader.slice()
      case 4: done.append(reader.slice())
      case 5: reader.skip()
      // Something that only the reconciler understands.
      default: return false
      }
    }
    return !reader.failed
  }

  private mutating func readEffects() -> Bool {
    effects.removeAll(keepingCapacity: true)
    if wanted.actions.isEmpty, done.isEmpty { return true }
    wantedActions.removeAll(keepingCapacity: true)
    for bytes in wanted.actions {
      guard let action = DesiredActionValue(protobuf: bytes) else { return false }
      wantedActions.append(action)
    }
    for action in wantedActions where !isDone(action) {
      guard let effect = OrderEffect(action) else { return false }
      guard !effects.contains(where: { $0.key == effect.key }) else { return false }
      effects.append(effect)
    }
    guard done.count + effects.count <= Reconciler.effectsMax else { return false }
    return done.allSatisfy(isKept)
  }

  private mutating func isDone(_ action: DesiredActionValue) -> Bool {
    DirectChange.write(action, into: &key)
    let key = self.key
    return done.contains { sameBytes(key, $0) }
  }

  /// Effects are taken back by the reconciler.
  private func isKept(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var key = [UInt8]()
    for action in wantedActions {
      DirectChange.write(action, into: &key)
      if sameBytes(key, bytes) { return true }
    }
    guard let effect = OrderEffect(key: String(decoding: bytes, as: UTF8.self)) else { return true }
    return !effect.kind.isReversible
  }

  private static func write(_ action: DesiredActionValue, into key: inout [UInt8]) {
    key.removeAll(keepingCapacity: true)
    key.append(contentsOf: action.rule.utf8)
    key.append(0x1F)
    key.append(contentsOf: action.kind.utf8)
    key.append(0x1F)
    key.append(contentsOf: action.cause.utf8)
  }

  /// The ledger's fields afterwards, without the rule set; `refused`: effects that were not done after all.
  func write(into writer: inout ProtobufWriter, without refused: [OrderEffect]) {
    writer.removeAll()
    if !wanted.labels.isEmpty { writer.presentBytes(3, wanted.fields) }
    var new = effects.filter { !refused.contains($0) }.map { Array($0.key.utf8) }
    if new.isEmpty {
      for key in done { writer.presentBytes(4, key) }
      return
    }
    new += done.map { [UInt8]($0) }
    for key in new.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      key.withUnsafeBytes { writer.presentBytes(4, $0) }
    }
  }
}
