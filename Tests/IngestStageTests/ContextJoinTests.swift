import Orders
import Testing
import Topics

@testable import IngestStage

@Suite struct ContextJoinTests {
  private static let hour: Int64 = 3_600_000_000

  enum Input: Hashable {
    case beacon(ip: String, at: Int64, taken: Int64)
    case pointer(customer: UInt8, taken: Int64)
  }

  private static func customer(_ number: UInt8) -> CustomerKeyValue {
    var key = CustomerKeyValue()
    key.kind = .member
    key.digest = [UInt8](repeating: number, count: 16)
    return key
  }

  /// What the inputs let out, as "customer ip at".
  private static func feed(_ inputs: [Input], _ join: ContextJoin = ContextJoin()) -> [String] {
    inputs.flatMap { input in
      switch input {
      case .beacon(let ip, let at, let taken):
        let beacon = BeaconValue(
          ip: ip, at: Instant(microseconds: at), takenAt: Instant(microseconds: taken * hour))
        return join.take(beacon).map { "\($0.customer.digest[0]) \(ip) \(at)" }
      case .pointer(let number, let taken):
        let pointer = PointerValue(customer: customer(number), takenAt: Instant(microseconds: taken * hour))
        return join.take(pointer).map { "\(number) \($0.ip) \($0.at.microseconds)" }
      }
    }
  }

  private static func permutations<Element>(_ elements: [Element]) -> [[Element]] {
    guard let first = elements.first else { return [[]] }
    return permutations(Array(elements.dropFirst())).flatMap { rest in
      (0...rest.count).map { index in
        var copy = rest
        copy.insert(first, at: index)
        return copy
      }
    }
  }

  @Test func eachCustomerIsToldEachBeaconOnceWhateverComesFirst() {
    let inputs: [Input] = [
      .beacon(ip: "8.8.8.8", at: 5, taken: 1), .beacon(ip: "9.9.9.9", at: 3, taken: 1),
      .pointer(customer: 1, taken: 1), .pointer(customer: 2, taken: 2),
      .pointer(customer: 1, taken: 3), .beacon(ip: "8.8.8.8", at: 5, taken: 1),
    ]
    let expected: Set = ["1 8.8.8.8 5", "1 9.9.9.9 3", "2 8.8.8.8 5", "2 9.9.9.9 3"]
    for order in Self.permutations(inputs) {
      let told = Self.feed(order)
      #expect(Set(told) == expected && told.count == expected.count, "\(order)")
    }
  }

  @Test func aDayApartBelongsTogetherAndMoreDoesNot() {
    let beacon = Input.beacon(ip: "8.8.8.8", at: 5, taken: 1)
    for order in [[beacon, .pointer(customer: 1, taken: 25)], [.pointer(customer: 1, taken: 25), beacon]] {
      #expect(Self.feed(order).count == 1)
    }
    for order in [[beacon, .pointer(customer: 1, taken: 26)], [.pointer(customer: 1, taken: 26), beacon]] {
      #expect(Self.feed(order).isEmpty)
    }
    // The same order has news later: its newest event counts, and what was told is not told again.
    #expect(
      Self.feed([
        .pointer(customer: 1, taken: 0), .beacon(ip: "8.8.8.8", at: 5, taken: 30),
        .pointer(customer: 1, taken: 31), .pointer(customer: 1, taken: 32),
      ]) == ["1 8.8.8.8 5"])
    #expect(
      Self.feed([
        .pointer(customer: 1, taken: 0), beacon, .pointer(customer: 1, taken: 24), beacon,
      ]) == ["1 8.8.8.8 5"])
    // Times at the ends of the number line overflow nothing.
    let join = ContextJoin()
    _ = join.take(PointerValue(customer: Self.customer(1), takenAt: .distantPast))
    #expect(join.take(BeaconValue(ip: "8.8.8.8", at: .distantFuture, takenAt: .distantFuture)).isEmpty)
    #expect(!join.forget(newest: .distantPast).isChanged)
  }

  @Test func theEarliestBeaconsStayAndTheLatestCustomers() {
    let beacons = (0..<40).map { Input.beacon(ip: "8.8.8.8", at: Int64($0), taken: 1) }
    let earliest = Set((0..<ContextJoin.beaconsMax).map { "1 8.8.8.8 \($0)" })
    for order in [beacons, beacons.reversed()] {
      #expect(Set(Self.feed(order + [.pointer(customer: 1, taken: 1)])) == earliest)
    }
    let join = ContextJoin()
    _ = Self.feed((0..<10).map { .pointer(customer: UInt8($0), taken: Int64(10 - $0)) }, join)
    #expect(join.customers.map { $0.customer.digest[0] } == Array(0..<8))
  }

  @Test func whatCanBelongToNothingIsForgotten() throws {
    let join = ContextJoin()
    _ = Self.feed([.beacon(ip: "8.8.8.8", at: 5, taken: 1)], join)
    #expect(join.forget(newest: Instant(microseconds: 26 * Self.hour)) == (false, 0))
    #expect(join.forget(newest: Instant(microseconds: 26 * Self.hour + 1)) == (true, 1))
    #expect(join.isEmpty)
    _ = Self.feed([.beacon(ip: "8.8.8.8", at: 5, taken: 1), .pointer(customer: 1, taken: 9)], join)
    #expect(join.forget(newest: Instant(microseconds: 30 * Self.hour)) == (true, 0))
    #expect(join.beacons.isEmpty && join.customers.count == 1)
    // A beacon that was told counts as joined, also when its customer is forgotten before it and it was stored.
    let seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 7, count: 32)))
    let told = ContextJoin()
    _ = Self.feed([.pointer(customer: 1, taken: 1), .beacon(ip: "8.8.8.8", at: 5, taken: 9)], told)
    #expect(told.forget(newest: Instant(microseconds: 30 * Self.hour)) == (true, 0))
    var writer = ProtobufWriter()
    told.write(into: &writer, seal: seal)
    let back = try #require(writer.withUnsafeBytes { ContextJoin($0, seal: seal) })
    #expect(back.customers.isEmpty && back.beacons.count == 1)
    #expect(back.forget(newest: Instant(microseconds: 40 * Self.hour)) == (true, 0))
  }

  @Test func whatIsStoredHoldsTheAddressSealedAndComesBackAsItWas() throws {
    let seal = try #require(DeadLetterSeal(key: [UInt8](repeating: 7, count: 32)))
    let other = try #require(DeadLetterSeal(key: [UInt8](repeating: 8, count: 32)))
    let join = ContextJoin()
    _ = Self.feed(
      [
        .beacon(ip: "203.0.113.7", at: 5, taken: 1), .beacon(ip: "2001:db8::7", at: 5, taken: 2),
        .pointer(customer: 1, taken: 9), .pointer(customer: 2, taken: 3),
      ], join)
    var writer = ProtobufWriter()
    join.write(into: &writer, seal: seal)
    let stored = writer.bytes
    let text = String(decoding: stored, as: UTF8.self)
    #expect(!text.contains("203.0") && !text.contains("2001:"))
    let back = try #require(stored.withUnsafeBytes { ContextJoin($0, seal: seal) })
    #expect(back.beacons == join.beacons && back.customers == join.customers)
    let foreign = try #require(stored.withUnsafeBytes { ContextJoin($0, seal: other) })
    #expect(foreign.beacons.isEmpty && foreign.customers == join.customers)
    #expect(stored.dropLast().withUnsafeBytes { ContextJoin($0, seal: seal) } == nil)
  }
}
