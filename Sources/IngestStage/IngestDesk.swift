import HTTP
import Kafka
import Orders
import Stage
import Topics

/// What handlers work with once the topics are known: readers, buffers, the producer.
///
/// Unchecked: it is touched under the lock of `IngestDoor` only.
final class IngestDesk: @unchecked Sendable {
  /// What becomes of a request.
  enum Outcome {
    case answer(HTTPResponse)
    /// Once everything up to the sequence number is acknowledged.
    case wait(sequence: UInt64, HTTPResponse)
  }

  /// Events in one request; a larger one holds too much up.
  static let linesMax = 20_000
  static let deliveriesMax = 65_536

  let settings: IngestLaneSettings
  let producer: Producer
  let topics: IngestTopics
  let metrics: IngestMetrics
  let intake: OrderIntake
  let webhookReader = Cafe24WebhookReader()
  let contextReader = OrderContextReader()
  var deliveries = RecentDeliveries(countMax: IngestDesk.deliveriesMax)

  init(_ settings: IngestLaneSettings, producer: Producer, topics: IngestTopics, metrics: IngestMetrics) {
    self.settings = settings
    self.producer = producer
    self.topics = topics
    self.metrics = metrics
    intake = settings.intake(producer, topics)
    intake.profileAheadUsMax = IngestDesk.aheadMinutesMax * 60_000_000
    intake.onRefusal = { _, problems, _ in metrics.refused(problems) }
  }

  /// Why nothing more is taken now, or nil.
  func refusal() -> HTTPResponse? {
    if producer.failure != nil { return IngestAnswers.broken }
    let waiting = producer.lastSequence &- producer.acknowledgedThrough
    let isFull =
      waiting >= UInt64(settings.unacknowledgedMax)
      || producer.bufferedBytes >= settings.unacknowledgedBytesMax
    return isFull ? IngestAnswers.full : nil
  }

  /// Sends a record to the partition of its key.
  func send(_ topic: TopicHandle, key: [UInt8], value: [UInt8]) throws -> UInt64 {
    try key.withUnsafeBytes { key in
      try value.withUnsafeBytes { value in
        try producer.send(
          topic: topic, partition: Partitioner.partition(forKey: key, count: topic.partitionCount), key: key,
          value: value)
      }
    }
  }
}

/// The topics that ingest writes to.
struct IngestTopics: Sendable {
  let orders: TopicHandle
  let deadLetters: TopicHandle
  let webhooks: TopicHandle
  let context: TopicHandle
}
