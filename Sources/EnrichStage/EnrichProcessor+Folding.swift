import History
import Kafka
import Stage
import Topics

/// What folding has in common, whatever a record holds.
extension EnrichProcessor {
  /// Folds a record and sends what that emits. What the customer's history does not take becomes a dead letter: nil.
  func emitting(
    _ message: MessageView, _ producer: Producer,
    _ fold: ((EmittedRecord) -> Void) throws(HistoryError) -> FoldOutcome
  ) throws -> FoldOutcome? {
    switch try sending(producer, fold) {
    case .success(let outcome):
      counts.emitted += outcome.emitted
      if outcome.isDuplicate { counts.duplicates += 1 }
      if outcome.isLate { counts.late += 1 }
      return outcome
    case .failure(let error):
      try refuse(message, error, producer)
      return nil
    }
  }

  /// Throws what went wrong with the sending; the result is that of `emitted`.
  func sending<Outcome, Failure>(
    _ producer: Producer, _ emitted: ((EmittedRecord) -> Void) throws(Failure) -> Outcome
  ) throws -> Result<Outcome, Failure> {
    var failure: (any Error)?
    let result = Result { () throws(Failure) in
      try emitted { record in
        do { try send(record, producer) } catch { failure = failure ?? error }
      }
    }
    if let failure { throw failure }
    return result
  }

  /// `field`: of `OrderSnapshot`, that holds the record; empty: the snapshot itself.
  func malformed(
    _ field: String, expected: String, _ value: UnsafeRawBufferPointer, _ message: MessageView,
    _ producer: Producer
  ) throws {
    try deadLetter(
      message,
      Problem(
        code: "record.malformed", field: field, expected: "\(expected) (topics/order.proto)",
        found: "\(value.count) bytes"), producer)
  }

  func refuse(_ message: MessageView, _ error: any Error, _ producer: Producer) throws {
    try deadLetter(
      message,
      Problem(
        code: "fold.refused", field: "", expected: "an order that fits its customer's history",
        found: "\(error)"), producer)
  }
}

extension MessageView {
  var inputPosition: InputPosition { InputPosition(partition: partition, offset: offset) }
}
