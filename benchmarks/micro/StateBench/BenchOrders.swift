import Glibc
import Topics

/// An endless stream of encoded `OrderSnapshot`s of many customers, the same for the same seed.
///
/// An order is placed (three in ten unpaid), paid, shipped and delivered, or one in sixteen cancelled; it has two or
/// three lines. Who places it follows Zipf's law with exponent 1, or goes round all customers. Event times grow.
struct BenchOrders: ~Copyable {
  private struct Pending {
    var number: UInt64
    var customer: UInt32
    var version: Int32
    var placedAt: Int64
    var paidAt: Int64
  }

  private struct Queue {
    var entries: [Pending] = []
    var first = 0
    var count: Int { entries.count - first }

    mutating func take() -> Pending {
      let entry = entries[first]
      first += 1
      if first > 65_536, first * 2 > entries.count {
        entries.removeFirst(first)
        first = 0
      }
      return entry
    }
  }

  let customers: Int
  /// Nil: round all customers, in a scattered order.
  let isZipf: Bool
  private let waiting: Int
  private var random: UInt64
  private var unpaid = Queue()
  private var paid = Queue()
  private var shipped = Queue()
  private var clock: Int64 = 1_750_000_000_000_000
  private(set) var placed: UInt64
  /// No more orders are placed; what is under way goes on.
  var isClosing = false
  var writer = ProtobufWriter(capacity: 2048)
  private(set) var customer = 0

  private let stepUs: Int64

  /// `snapshots`: so many, about, are a year's. `firstOrder`: above 0 the year after.
  init(customers: Int, isZipf: Bool, snapshots: Int, seed: UInt64, firstOrder: UInt64 = 0) {
    self.customers = customers
    self.isZipf = isZipf
    // A week between placed and shipped, and as much until delivered.
    waiting = max(snapshots / 52 / 3, 4)
    stepUs = Self.yearUs / Int64(snapshots)
    random = seed
    placed = firstOrder
    if firstOrder > 0 { clock += Self.yearUs }
  }

  private static let yearUs: Int64 = 365 * 86_400_000_000

  private mutating func next() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(random)
  }

  private static func mixed(_ number: UInt64) -> UInt64 {
    var value = number
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  private mutating func nextCustomer() -> UInt32 {
    let size = UInt64(customers)
    // Scattered over the keys: 1,000,003 and the number of customers have no common divisor.
    guard isZipf else { return UInt32((placed &* 1_000_003) % size) }
    let share = Double(next() >> 11) / Double(1 << 53)
    let rank = UInt64(exp(share * log(Double(customers) + 1))) - 1
    return UInt32((min(rank, size - 1) &* 1_000_003) % size)
  }

  /// Writes the next snapshot into `writer`; false when all is delivered after `isClosing`.
  mutating func advance() -> Bool {
    clock += stepUs
    let limit = isClosing ? 0 : waiting
    if shipped.count > limit {
      let order = shipped.take()
      write(order, event: "shipping.delivered", status: "N40", isPaid: true, hasTracking: true)
    } else if paid.count > limit {
      var order = paid.take()
      order.version += 1
      if order.number % 16 == 5 {
        write(order, event: "order.cancelled", status: "C40", isPaid: true, hasTracking: false)
      } else {
        write(order, event: "shipping.started", status: "N30", isPaid: true, hasTracking: true)
        order.version += 1
        shipped.entries.append(order)
      }
    } else if unpaid.count > limit / 4 {
      var order = unpaid.take()
      order.version += 1
      order.paidAt = clock
      write(order, event: "order.paid", status: "N10", isPaid: true, hasTracking: false)
      paid.entries.append(order)
    } else {
      if isClosing { return false }
      place()
    }
    return true
  }

  private mutating func place() {
    let customer = nextCustomer()
    placed += 1
    // Shops place orders at whole seconds.
    let now = clock / 1_000_000 * 1_000_000
    var order = Pending(number: placed, customer: customer, version: 1, placedAt: now, paidAt: 0)
    if Self.mixed(placed) % 10 < 3 {
      write(order, event: "order.placed", status: "N00", isPaid: false, hasTracking: false)
      unpaid.entries.append(order)
    } else {
      order.paidAt = now
      write(order, event: "order.placed", status: "N10", isPaid: true, hasTracking: false)
      paid.entries.append(order)
    }
  }

  private mutating func write(
    _ order: Pending, event: String, status: String, isPaid: Bool, hasTracking: Bool
  ) {
    customer = Int(order.customer)
    let person = Self.mixed(UInt64(order.customer) ^ 0xABCD_EF01)
    let days = order.placedAt / 86_400_000_000
    let orderId = "2026\(1_000 + days % 1_000)-\(1_000_000 + order.number % 9_000_000)"
    let lineCount = 2 + Int(order.number & 1)
    var lines: [(product: String, quantity: Int64, price: Int64)] = []
    for line in 0..<lineCount {
      let draw = Self.mixed(order.number &* 4 &+ UInt64(line))
      lines.append(
        ("P\(2_000_000 + draw % 5_000)", Int64(1 + (draw >> 20) % 3), Int64(30 + draw % 5_000 % 870) * 100))
    }
    let total = lines.reduce(0) { $0 + $1.quantity * $1.price }
    writer.removeAll()
    writer.string(1, "demomall")
    writer.int32(2, 1)
    writer.string(3, orderId)
    writer.message(4) { key in
      key.uint64(1, 1)
      Self.digest(person).withUnsafeBytes { key.presentBytes(2, $0) }
    }
    writer.string(5, event)
    writer.int64(6, clock)
    writer.int64(7, Int64(order.version))
    writer.int64(8, order.placedAt)
    writer.optionalInt64(9, isPaid ? order.paidAt : nil)
    writer.string(10, "self")
    writer.string(12, "KRW")
    writer.message(13) { amounts in
      amounts.optionalInt64(1, total)
      amounts.optionalInt64(2, 3_000)
      amounts.optionalInt64(4, total)
      amounts.optionalInt64(5, total)
      amounts.optionalInt64(6, isPaid ? total + 3_000 : 0)
    }
    writer.uint64(14, isPaid ? 3 : 1)
    writer.string(15, order.placedAt == order.paidAt ? "card" : "cash")
    writer.string(20, "1")
    writer.message(21) { receiver in
      receiver.int32(1, 1)
      receiver.string(2, String(10_000 + person % 53_000))
      receiver.string(3, "경기도")
      receiver.string(4, "성남시")
      receiver.bool(5, true)
      receiver.string(6, "KR")
      Self.digest(person ^ 77).withUnsafeBytes { receiver.presentBytes(7, $0) }
    }
    for (number, line) in lines.enumerated() {
      writer.message(22) { item in
        item.string(1, "\(orderId)-0\(number + 1)")
        item.string(2, line.product)
        item.string(3, line.product + "000")
        item.int64(4, line.quantity)
        item.int64(5, line.price)
        item.string(7, status)
        item.int32(10, 1)
        item.bool(11, hasTracking)
      }
    }
    let address = Self.mixed(person)
    writer.string(30, "\(1 + address % 220).\((address >> 8) % 256).\((address >> 16) % 256).\((address >> 24) % 256)")
  }

  private static func digest(_ number: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    for half in [mixed(number), mixed(number &+ 1)] {
      withUnsafeBytes(of: half) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}
