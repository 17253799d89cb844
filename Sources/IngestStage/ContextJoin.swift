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

  private struct Held {
    var beacon: BeaconValue
    /// Some customer was told.
    var isJoined = false
  }

  private var held: [Held] = []
  /// By (at, address).
  var beacons: [BeaconValue] { held.map(\.beacon) }
  /// By key.
  private(set) var customers: [PointerValue] = []
  /// For its owner: changed since it was last collected.
  var isTouched = false

  init() {}

  /// Estimate of the memory held.
  var bytes: Int { 200 + held.count * 104 + customers.count * 96 }

  /// Takes a beacon; the customers to tell of it are returned, sorted by key.
  func take(_ beacon: BeaconValue) -> [PointerValue] {
    var known: Instant?
    var beacon = beacon
    let place: Int
    if let index = held.firstIndex(where: { $0.beacon.at == beacon.at && $0.beacon.ip == beacon.ip }) {
      place = index
      known = held[index].beacon.takenAt
      beacon.takenAt = max(beacon.takenAt, held[index].beacon.takenAt)
      held[index].beacon = beacon
    } else {
      place = held.firstIndex { Self.precedes(beacon, $0.beacon) } ?? held.count
      guard place < Self.beaconsMax else { return [] }
      held.insert(Held(beacon: beacon), at: place)
      if held.count > Self.beaconsMax { held.removeLast() }
    }
    let told = customers.filter { Self.isNew(beacon.takenAt, known, with: $0.takenAt) }
    if !told.isEmpty { held[place].isJoined = true }
    return told
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
    var told: [BeaconValue] = []
    for index in held.indices where Self.isNew(pointer.takenAt, known, with: held[index].beacon.takenAt) {
      held[index].isJoined = true
      told.append(held[index].beacon)
    }
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

  var isEmpty: Bool { held.isEmpty && customers.isEmpty }

  /// Drops what nothing can belong to any more, when the newest record of the partition was taken at `newest`.
  /// Returns whether anything went, and how many beacons went whose order never came.
  func forget(newest: Instant) -> (isChanged: Bool, unjoined: Int) {
    let oldest = newest.microseconds.subtractingReportingOverflow(Self.windowUs + Self.disorderUsMax)
    guard !oldest.overflow else { return (false, 0) }
    let gone = held.filter { $0.beacon.takenAt.microseconds < oldest.partialValue }
    if !gone.isEmpty { held.removeAll { $0.beacon.takenAt.microseconds < oldest.partialValue } }
    let before = customers.count
    customers.removeAll { $0.takenAt.microseconds < oldest.partialValue }
    return (!gone.isEmpty || customers.count != before, gone.count { !$0.isJoined })
  }

  // MARK: The changelog record

  /// Writes the fields of a `ContextJoin`, addresses sealed.
  func write(into writer: inout ProtobufWriter, seal: DeadLetterSeal) {
    var value = ContextJoinValue()
    value.beacons = held.map { held in
      var stored = HeldBeaconValue()
      var ip = held.beacon.ip
      stored.sealedIP = ip.withUTF8 { seal.seal(UnsafeRawBufferPointer($0)) }
      stored.at = held.beacon.at
      stored.takenAt = held.beacon.takenAt
      stored.isJoined = held.isJoined
      return stored
    }
    value.customers = customers
    value.write(into: &writer)
  }

  /// Of a stored record; nil when it is malformed. A beacon sealed with another key is left out.
  init?(_ record: UnsafeRawBufferPointer, seal: DeadLetterSeal) {
    guard let value = ContextJoinValue(protobuf: record) else { return nil }
    customers = Array(value.customers.prefix(Self.customersMax))
    for stored in value.beacons.prefix(Self.beaconsMax) {
      guard let ip = stored.sealedIP.withUnsafeBytes({ seal.open($0) }) else { continue }
      let beacon = BeaconValue(
        ip: String(decoding: ip, as: UTF8.self), at: stored.at, takenAt: stored.takenAt)
      held.append(Held(beacon: beacon, isJoined: stored.isJoined))
    }
  }
}
