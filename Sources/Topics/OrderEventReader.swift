public import Orders

/// Limits on one order event (order-event.md).
public enum OrderEventLimits {
  public static let bytesMax = 1 << 20
  public static let itemsMax = 256
  public static let receiversMax = 5
  public static let claimsMax = 256
  public static let claimItemsMax = 256
  public static let couponsMax = 64
  public static let memosMax = 256
  public static let methodsMax = 16
  public static let categoriesMax = 64
  public static let bundleCodesMax = 64
  /// Of a profile.
  public static let heldCouponsMax = 100
  public static let cartLinesMax = 100
  public static let installmentsMax: Int64 = 120
  /// Digits in the name of a gateway or card issuer: so many are no name.
  public static let nameDigitsMax = 3
  /// Digits in a payment method.
  public static let methodDigitsMax = 7
  /// Arrays and objects within each other, the outermost included, an empty innermost one not.
  public static let nestingMax = 32
  /// Bytes of an id that is kept.
  public static let idBytesMax = 128
  /// Bytes of another text that is kept. Texts that are dropped may fill the event.
  public static let textBytesMax = 4096
  public static let regionBytesMax = 64
  public static let quantityMax: Int64 = 1_000_000
  /// Minor units of Σ (unit + option) × quantity of one order.
  public static let orderAmountMax: Int64 = 1_000_000_000_000_000
  /// Problems reported of one event.
  public static let problemsMax = 20
}

/// What a reader says of an event: where its record goes, and what was odd but kept.
///
/// The byte slices are lent by the reader: valid until its next `read`.
public struct OrderRouting {
  /// Kafka key: mall ‖ 0x00 ‖ customer kind ‖ 16-byte digest.
  public var key: UnsafeRawBufferPointer
  public var mallId: UnsafeRawBufferPointer
  public var orderId: UnsafeRawBufferPointer
  public var shopNo: Int32
  public var customerKind: CustomerKey.Kind
  /// 16 bytes.
  public var customerDigest: UnsafeRawBufferPointer
  public var eventTime: Instant
  public var version: Int64
  /// As in the message; bit 0: `amount.items` given and different from the computed one.
  public var flags: UInt32
  /// The event told from which address the order was placed.
  public var hasAddress: Bool
  /// Fields that the contract does not know; they were left out.
  public var unknownFields: Int
  /// A customer's profile, of no order: the order id is empty, the version 0.
  public var isProfile = false
  /// A merge of customers, likewise; the customer is the one whose orders go over.
  public var isMerge = false
  /// Status codes, payment methods, event names and kinds that the contract does not know.
  public var unknownCodes: Int
}

public enum OrderReading {
  case accepted(OrderRouting)
  /// All problems found, at most `OrderEventLimits.problemsMax`; nothing was written.
  case refused([Problem])
}

/// Whose profiles a sender tells, as far as it is known without the event.
public struct ProfileOwner: Sendable, Equatable {
  public var mallId: String
  public var shopNo: Int32

  public init(mallId: String, shopNo: Int32) {
    self.mallId = mallId
    self.shopNo = shopNo
  }
}

/// Reads JSON order events (`passflow.order/1`) into canonical snapshots, profiles of customers
/// (`passflow.profile/1`) into profile events and merges of customers (`passflow.merge/1`) into merge events (all
/// topics/order.proto).
///
/// One per thread: it owns the parser and its buffers. One pass over simdjson's tape; texts are borrowed, nothing
/// is allocated per item. No byte sequence can stop the process. Fields come out by number, so two texts of one
/// meaning give equal bytes.
public final class OrderEventReader {
  private let secret: IdentitySecret
  private let parser: JSONParser
  private let fields = OrderFields()
  private let memory: OrderEventMemory
  private var scratch: [UInt8] = []

  public init(secret: IdentitySecret) {
    self.secret = secret
    parser = JSONParser(lengthMax: OrderEventLimits.bytesMax, depthMax: OrderEventLimits.nestingMax)
    memory = OrderEventMemory()
  }

  deinit {
    fields.deallocate()
    memory.deallocate()
  }

  /// Reads one event and appends its snapshot to the writer; a refused event leaves the writer as it was.
  ///
  /// `readableAfter`: bytes of memory behind the event that may be read, whatever they hold; from 32 on, the parser
  /// need not copy the event.
  ///
  /// `owner`: the event is a profile, and of a customer of this mall and shop, whether it says so or not.
  /// `mergeMall`: it is a merge of customers of this mall, whether it says so or not.
  public func read(
    _ bytes: UnsafeRawBufferPointer, readableAfter: Int = 0, profileOf owner: ProfileOwner? = nil,
    mergeIn mergeMall: String? = nil, into writer: inout ProtobufWriter
  ) -> OrderReading {
    switch parser.parse(bytes, readable: bytes.count + readableAfter) {
    case .failure(let failure):
      return .refused([JSONDiagnosis.problem(bytes, failure)])
    case .success(let tape):
      var pass = OrderEventPass(tape: tape, fields: fields, memory: memory, secret: secret)
      let start = writer.count
      memory.beginEvent()
      swap(&scratch, &pass.scratch)
      defer { swap(&scratch, &pass.scratch) }
      let routing: OrderRouting?
      if let owner {
        routing = pass.runProfile(of: owner, into: &writer)
      } else if let mergeMall {
        routing = pass.runMerge(in: mergeMall, into: &writer)
      } else {
        routing = pass.run(into: &writer)
      }
      guard pass.problems.isEmpty, let routing else {
        writer.truncate(to: start)
        return .refused(pass.problems)
      }
      return .accepted(routing)
    }
  }
}

/// Memory that a reader reuses from event to event.
struct OrderEventMemory {
  /// Mall ‖ 0 ‖ kind ‖ digest.
  let key: UnsafeMutableRawPointer
  /// A receiver's fingerprint.
  let fingerprint: UnsafeMutableRawPointer
  /// Item codes of the event so far, to find one that comes twice.
  let codes: UnsafeMutablePointer<UnsafeRawBufferPointer>
  /// Open addressing over `codes`: number of the event ‖ number of the code (8 bits).
  let slots: UnsafeMutablePointer<UInt64>
  /// Number of the event, 1-based: slots of earlier ones are free.
  let event: UnsafeMutablePointer<UInt64>

  /// A power of two, so that at most half of the slots are taken.
  private static let slotCount = 2 * OrderEventLimits.itemsMax

  init() {
    key = .allocate(byteCount: OrderEventLimits.idBytesMax + 18, alignment: 16)
    fingerprint = .allocate(byteCount: IdentitySecret.digestByteCount, alignment: 16)
    codes = .allocate(capacity: OrderEventLimits.itemsMax)
    slots = .allocate(capacity: Self.slotCount)
    slots.initialize(repeating: 0, count: Self.slotCount)
    event = .allocate(capacity: 1)
    event.initialize(to: 0)
  }

  func deallocate() {
    key.deallocate()
    fingerprint.deallocate()
    codes.deallocate()
    slots.deallocate()
    event.deallocate()
  }

  /// Forgets the item codes of the last event.
  func beginEvent() { event.pointee &+= 1 }

  /// Adds the item code with the next number, below `itemsMax`; false when the event has it already. At least
  /// 8 bytes must be readable from where the text begins.
  @inline(__always) func addCode(_ code: UnsafeRawBufferPointer, number: Int) -> Bool {
    var slot = Self.hash(code) & (Self.slotCount - 1)
    while slots[slot] >> 8 == event.pointee {
      let other = codes[Int(slots[slot] & 0xFF)]
      if other.count == code.count, other.elementsEqual(code) { return false }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    slots[slot] = event.pointee << 8 | UInt64(number)
    (codes + number).initialize(to: code)
    return true
  }

  /// Of the first and the last eight bytes and the length.
  @inline(__always) private static func hash(_ code: UnsafeRawBufferPointer) -> Int {
    guard let start = code.baseAddress else { return 0 }
    var head = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
    var tail: UInt64 = 0
    if code.count < 8 {
      head &= (1 << UInt64(8 * code.count)) &- 1
    } else {
      tail = UInt64(littleEndian: (start + code.count - 8).loadUnaligned(as: UInt64.self))
    }
    // Codes of an order differ in their last characters, the highest bytes of `tail`: both halves of the product, or
    // they would share a few slots.
    let word = (head &* 0x9E37_79B9_7F4A_7C15) ^ tail ^ UInt64(code.count)
    let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: product.high ^ product.low)
  }
}
