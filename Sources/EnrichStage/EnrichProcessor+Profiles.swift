import History
import Kafka
import Orders
import Stage
import Topics

extension EnrichProcessor {
  /// What is known of a customer: a record of `orders` that is no snapshot.
  func foldProfile(
    _ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers, _ producer: Producer
  ) throws {
    guard let profile = ProfileEventValue(orders: value), let identity = CustomerIdentity(profile) else {
      return try malformed("profile", expected: "a ProfileEvent", value, message, producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    if let deadlines = customers.deadlines {
      advanceClock(deadlines, to: profile.at.microseconds, message)
    }
    let outcome = try emitting(message, producer) { emit throws(HistoryError) in
      try folder.fold(profile, position: message.inputPosition, into: customer, emit: emit)
    }
    guard let outcome else { return }
    counts.profiles += 1
    customers.deadlines?.schedule(key, outcome.nextDue)
    if !outcome.isDuplicate {
      customers.hasProfiles = true
      customer.accountedBytes += value.count + EnrichProcessor.contextOverheadBytes
    }
    try note(customer, key: key, customers)
  }
}
