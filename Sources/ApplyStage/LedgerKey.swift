public import Orders

/// Keys of the ledger: mall ‖ 0x00 ‖ shop ‖ 0x00 ‖ order id (topics/ledger.proto).
public enum LedgerKey {
  public static func bytes(
    mallId: UnsafeRawBufferPointer, shopNo: Int32, orderId: UnsafeRawBufferPointer
  ) -> [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(mallId.count + orderId.count + 14)
    key.append(contentsOf: mallId)
    key.append(0)
    key.append(contentsOf: String(shopNo).utf8)
    key.append(0)
    key.append(contentsOf: orderId)
    return key
  }

  /// 0xFF ‖ "stock" ‖ mall ‖ 0x00 ‖ SKU: no mall begins like that.
  static func bytes(mallId: String, sku: String) -> [UInt8] {
    [0xFF] + Array("stock".utf8) + Array(mallId.utf8) + [0] + Array(sku.utf8)
  }

  /// False: the record is of something else than an order.
  public static func isOfOrder(_ key: some Collection<UInt8>) -> Bool { key.first != 0xFF }

  /// Nil when the bytes are no such key.
  public static func identity(_ key: UnsafeRawBufferPointer) -> OrderIdentity? {
    guard isOfOrder(key), let first = key.firstIndex(of: 0), let second = key[(first + 1)...].firstIndex(of: 0),
      let shop = Int32(String(decoding: key[(first + 1)..<second], as: UTF8.self))
    else { return nil }
    return OrderIdentity(
      mallId: String(decoding: key[..<first], as: UTF8.self), shopNo: shop,
      orderId: String(decoding: key[(second + 1)...], as: UTF8.self))
  }
}
