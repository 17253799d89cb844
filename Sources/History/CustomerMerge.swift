import Orders
public import Topics

/// Where a customer's orders went when he was merged into another one, as his own history keeps it.
struct CustomerMerge {
  private(set) var into: CustomerIdentity?
  private var at: Int64 = 0
  /// Differs from what was last handed to the changelog.
  var isChanged = false
  /// Keys of orders that left and may still be in the state.
  var removedKeys: [[UInt8]] = []

  mutating func set(into other: CustomerIdentity, at instant: Int64) {
    into = other
    at = instant
    isChanged = true
  }

  // MARK: The changelog record

  /// A `CustomerForwarding`.
  var record: [UInt8] {
    var writer = ProtobufWriter(capacity: 64)
    if let into {
      writer.message(1) {
        $0.uint64(1, UInt64(into.key.kind.rawValue))
        $0.bytes(2, into.key.digest)
      }
    }
    writer.int64(2, at)
    return writer.bytes
  }

  mutating func restore(_ record: [UInt8], mallId: String) throws(HistoryError) {
    var key = CustomerKeyValue()
    let failed = record.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes)
      while reader.next() {
        switch reader.field {
        case 1: key = CustomerKeyValue(protobuf: reader.array()) ?? CustomerKeyValue()
        case 2: at = reader.int64()
        default: reader.skip()
        }
      }
      return reader.failed
    }
    guard !failed, let identity = CustomerIdentity(mallId: mallId, merged: key) else {
      throw .malformedRecord
    }
    into = identity
  }
}

/// Keys of forwarding records among the stored ones: 0xFF ‖ "merge" ‖ the record prefix of the customer who left.
public enum MergeKey {
  public static let prefix: [UInt8] = [0xFF] + Array("merge".utf8)

  public static func bytes(ofCustomer recordPrefix: [UInt8]) -> [UInt8] { prefix + recordPrefix }
}

extension CustomerIdentity {
  /// One of the customers of a merge; nil when it is nobody who can have a history.
  init?(mallId: String, merged key: CustomerKeyValue?) {
    guard let key, key.kind != .none, key.digest.count == 16, !mallId.isEmpty, !mallId.utf8.contains(0) else {
      return nil
    }
    let (high, low) = key.digest.withUnsafeBytes { halves($0) }
    self.init(mallId: mallId, kind: key.kind, digestHigh: high, digestLow: low)
  }

  /// Whose orders a merge moves; nil when that is not said, or the mall is none.
  public init?(from merge: MergeEventValue) { self.init(mallId: merge.mallId, merged: merge.from) }

  /// Whom a merge moves orders to.
  init?(to merge: MergeEventValue) { self.init(mallId: merge.mallId, merged: merge.to) }

  /// Whose a moved order is to be.
  public init?(_ moved: MovedOrderValue) { self.init(mallId: moved.mallId, merged: moved.to) }

  var keyValue: CustomerKeyValue {
    var value = CustomerKeyValue()
    (value.kind, value.digest) = (kind, key.digest)
    return value
  }

  /// By the bytes of their record prefixes; both of one mall.
  func isLess(than other: CustomerIdentity) -> Bool {
    if kind != other.kind { return kind.rawValue < other.kind.rawValue }
    if digestHigh != other.digestHigh { return digestHigh < other.digestHigh }
    return digestLow < other.digestLow
  }
}

extension CustomerHistory {
  /// His orders are another's: inputs of his are handed on.
  public var isMerged: Bool { merge.into != nil }

  /// Whom an input that came by these customers goes on to; nil: it stays here.
  ///
  /// Of customers who were merged in a circle the one with the least key has the orders: an input goes round once, and
  /// then on to him.
  func destination(after path: [CustomerIdentity]) -> CustomerIdentity? {
    guard let next = merge.into else { return nil }
    guard let last = path.lastIndex(of: next) else { return next }
    let isLeast = path[last...].allSatisfy { !$0.isLess(than: customer) }
    return isLeast ? nil : next
  }
}
