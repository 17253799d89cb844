internal import CRdKafka

/// One message, borrowed: key and value point into librdkafka's fetch buffer until the batch is released.
@frozen public struct MessageView {
  /// Index into ``Consumer/topics``.
  public let topicIndex: Int32
  public let partition: Int32
  public let offset: Int64
  /// Milliseconds since 1970, −1 when the record has none.
  public let timestampMs: Int64
  /// nil: the record has no key.
  public let key: UnsafeRawBufferPointer?
  /// nil: a tombstone.
  public let value: UnsafeRawBufferPointer?

  @inlinable
  init(
    topicIndex: Int32, partition: Int32, offset: Int64, timestampMs: Int64,
    key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
  ) {
    self.topicIndex = topicIndex
    self.partition = partition
    self.offset = offset
    self.timestampMs = timestampMs
    self.key = key
    self.value = value
  }
}

/// Messages of one or more polls, reusable. One message kept pins a whole fetch buffer: copy what must
/// outlive the batch, and release it before the next round and before the consumer is closed.
public final class MessageBatch {
  @usableFromInline var views: [MessageView] = []
  private var events: [OpaquePointer] = []
  /// Bytes of the keys and values.
  public private(set) var bytes = 0

  public init() {}

  @inlinable public var count: Int { views.count }
  @inlinable public subscript(index: Int) -> MessageView { views[index] }

  /// Gives the messages back to librdkafka; their bytes must not be touched any more.
  public func release() {
    for event in events { rd_kafka_event_destroy(event) }
    events.removeAll(keepingCapacity: true)
    views.removeAll(keepingCapacity: true)
    bytes = 0
  }

  /// Takes the event over; it lives as long as the view does.
  func append(_ view: MessageView, _ event: OpaquePointer) {
    events.append(event)
    append(view)
  }

  /// A message of a log in memory, whose owner keeps the bytes until the batch is released.
  func append(_ view: MessageView) {
    views.append(view)
    bytes &+= (view.key?.count ?? 0) &+ (view.value?.count ?? 0)
  }

  deinit { release() }
}
