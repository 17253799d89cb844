import Orders
import Topics

/// What the join knows of one order: its beacons, and the customers that its events pointed to. What was taken at
/// most `window` apart belongs together (docs/design.md, "An order and its beacon").
///
/// Asks no clock: equal inputs on equal state give equal pairs.
final class ContextJoin {
  /// A beacon and an order's event belong together no longer: what `order.context` keeps.
  static let windowUs: Int64 = 86_400_000_000
  /// How much older than the newest record of its partition a record may be and still find what it belongs to:
  /// the clocks of several ingests.
  static let disorderUsMax: Int64 = 3_600_000_000
  /// Beacons of one order; of more the earliest by (at, address) stay, as in enrich.
  static let beaconsMax = 32
  /// Customers of one order; of more the ones pointed to last stay.
  static let customersMax = 8

  private(set) var beacons: [BeaconValue] = []
  private(set) var customers: [PointerValue] = []
  /// For its owner: changed since it was last collected.
  var isTouched = false

  init() {}

  /// Estimate of the memory held.
  var bytes: Int { 200 + beacons.count * 96 + customers.count * 96 }

  /// Takes a beacon; the customers to tell of it are returned, sorted by key.
  func take(_ beacon: BeaconValue) -> [PointerValue] {
    var known: Instant?
    var beacon = beacon
    if let index = beacons.firstIndex(where: { $0.at == beacon.at && $0.ip == beacon.ip }) {
      known = beacons[index].takenAt
      beacon.takenAt = max(beacon.takenAt, beacons[index].takenAt)
      beacons[index] = beacon
    } else {
      let index = beacons.firstIndex { Self.precedes(beacon, $0) } ?? beacons.count
      guard index < Self.beaconsMax else { return [] }
      beacons.insert(beacon, at: index)
      if beacons.count > Self.beaconsMax { beacons.removeLast() }
    }
    return customers.filter { Self.isNew(beacon.takenAt, known, with: $0.takenAt) }
  }

  /// Takes a pointer; the beacons to tell this customer are returned, by (at, address).
  func take(_ pointer: PointerValue) -> [BeaconValue] {
    var known: Instant?
    var pointer = pointer
    if let index = customers.firstIndex(where: { $0.customer == pointer.customer }) {
      known = customers[index].takenAt
      pointer.takenAt = max(pointer.takenAt, customers[index].takenAt)
      customers[index] = pointer
    } else {
      let index = customers.firstIndex { Self.precedes(pointer, $0) } ?? customers.count
      customers.insert(pointer, at: index)
    }
    let told = beacons.filter { Self.isNew(pointer.takenAt, known, with: $0.takenAt) }
    if customers.count > Self.customersMax,
      let oldest = customers.indices.min(by: { customers[$0].takenAt < customers[$1].takenAt })
    {
      customers.remove(at: oldest)
    }
    return told
  }

  /// Whether a record taken at `time` belongs to one taken at `other`, and as last known, at `known`, did not.
  private static func isNew(_ time: Instant, _ known: Instant?, with other: Instant) -> Bool {
    isNear(time, other) && !(known.map { isNear($0, other) } ?? false)
  }

  private static func isNear(_ left: Instant, _ right: Instant) -> Bool {
    let (apart, overflow) = left.microseconds.subtractingReportingOverflow(right.microseconds)
    return !overflow && apart.magnitude <= windowUs.magnitude
  }

  private static func precedes(_ left: BeaconValue, _ right: BeaconValue) -> Bool {
    left.at != right.at ? left.at < right.at : left.ip.utf8.lexicographicallyPrecedes(right.ip.utf8)
  }

  private static func precedes(_ left: PointerValue, _ right: PointerValue) -> Bool {
    left.customer.kind != right.customer.kind
      ? left.customer.kind.rawValue < right.customer.kind.rawValue
      : left.customer.digest.lexicographicallyPrecedes(right.customer.digest)
  }

  // MARK: Forgetting

  var isEmpty: Bool { beacons.isEmpty && customers.isEmpty }

  /// Drops what nothing can belong to any more, when the newest record of the partition was taken at `newest`.
  /// Returns whether anything went, and how many beacons went whose order never came.
  func forget(newest: Instant) -> (isChanged: Bool, unjoined: Int) {
    let oldest = newest.microseconds.subtractingReportingOverflow(Self.windowUs + Self.disorderUsMax)
    guard !oldest.overflow else { return (false, 0) }
    let kept = beacons.filter { $0.takenAt.microseconds >= oldest.partialValue }
    let gone = beacons.count - kept.count
    let unjoined = customers.isEmpty ? gone : 0
    beacons = kept
    let before = customers.count
    customers.removeAll { $0.takenAt.microseconds < oldest.partialValue }
    return (gone > 0 || customers.count != before, unjoined)
  }

  // MARK: The changelog record

  /// Writes the fields of a `ContextJoin`, addresses sealed.
  func write(into writer: inout ProtobufWriter, seal: DeadLetterSeal) {
    var value = ContextJoinValue()
    value.beacons = beacons.map { beacon in
      var held = HeldBeaconValue()
      var ip = beacon.ip
      held.sealedIP = ip.withUTF8 { seal.seal(UnsafeRawBufferPointer($0)) }
      held.at = beacon.at
      held.takenAt = beacon.takenAt
      return held
    }
    value.customers = customers
    value.write(into: &writer)
  }

  /// Of a stored record; nil when it is malformed. A beacon sealed with another key is left out.
  init?(_ record: UnsafeRawBufferPointer, seal: DeadLetterSeal) {
    guard let value = ContextJoinValue(protobuf: record) else { return nil }
    customers = Array(value.customers.prefix(Self.customersMax))
    for held in value.beacons.prefix(Self.beaconsMax) {
      guard let ip = held.sealedIP.withUnsafeBytes({ seal.open($0) }) else { continue }
      beacons.append(
        BeaconValue(ip: String(decoding: ip, as: UTF8.self), at: held.at, takenAt: held.takenAt))
    }
  }
}
