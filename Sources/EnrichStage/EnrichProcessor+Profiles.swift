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
      return try deadLetter(
        message,
        Problem(
          code: "record.malformed", field: "profile", expected: "a ProfileEvent (topics/order.proto)",
          found: "\(value.count) bytes"), producer)
    }
    let key = identity.recordPrefix
    let customer = try self.customer(identity, key: key, customers)
    if let deadlines = customers.deadlines {
      advanceClock(deadlines, to: profile.at.microseconds, message)
    }
    var failure: (any Error)?
    do {
      let outcome = try folder.fold(
        profile, position: InputPosition(partition: message.partition, offset: message.offset),
        into: customer
      ) { record in
        do { try send(record, producer) } catch { failure = failure ?? error }
      }
      counts.profiles += 1
      counts.emitted += outcome.emitted
      if outcome.isDuplicate { counts.duplicates += 1 }
      if outcome.isLate { counts.late += 1 }
      customers.deadlines?.schedule(key, outcome.nextDue)
      if !outcome.isDuplicate {
        customers.hasProfiles = true
        customer.accountedBytes += value.count + EnrichProcessor.contextOverheadBytes
      }
    } catch {
      return try refuse(message, error, producer)
    }
    if let failure { throw failure }
    note(customer, key: key, customers)
  }
}
