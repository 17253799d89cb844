import History
import Store

extension EnrichProcessor {
  /// After a collection, which lets states go.
  func account(_ customer: CustomerHistory, _ key: [UInt8], _ customers: Customers) {
    let change = customer.takePurchaseBytes()
    guard change != 0 else { return }
    customer.accountedBytes += change
    key.withUnsafeBytes {
      customers.cache.markDirty(slot: customers.cache.slot($0), bytes: customer.accountedBytes)
    }
  }
}
