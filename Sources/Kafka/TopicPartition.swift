internal import CRdKafka

/// One partition of one topic.
public struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
  public let topic: String
  public let partition: Int32

  public init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(topic)/\(partition)" }
}

/// A partition with an offset, as positions, commits and assignments have it.
public typealias PartitionOffset = (TopicPartition, Int64)

/// Offsets with a meaning of their own, as librdkafka has them.
public enum LogicalOffset {
  public static let beginning: Int64 = -2
  public static let end: Int64 = -1
  /// Where the group committed.
  public static let stored: Int64 = -1000
  /// None known.
  public static let none: Int64 = -1001
}

/// Owns a `rd_kafka_topic_partition_list_t`.
struct PartitionList: ~Copyable {
  let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(_ partitions: [TopicPartition]) {
    list = rd_kafka_topic_partition_list_new(Int32(clamping: partitions.count))
    for one in partitions { rd_kafka_topic_partition_list_add(list, one.topic, one.partition) }
  }

  init(offsets: [PartitionOffset]) {
    list = rd_kafka_topic_partition_list_new(Int32(clamping: offsets.count))
    for (one, offset) in offsets {
      rd_kafka_topic_partition_list_add(list, one.topic, one.partition)?.pointee.offset = offset
    }
  }

  deinit { rd_kafka_topic_partition_list_destroy(list) }

  /// Partition and offset of each element, in the list's order.
  var offsets: [PartitionOffset] { PartitionList.offsets(of: list) }

  /// The first element's own error.
  var firstError: KafkaError? {
    guard let elements = list.pointee.elems else { return nil }
    for index in 0..<Int(list.pointee.cnt)
    where elements[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
      return KafkaError(elements[index].err)
    }
    return nil
  }

  static func offsets(of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [PartitionOffset] {
    guard let elements = list.pointee.elems else { return [] }
    return (0..<Int(list.pointee.cnt)).map { index in
      (
        TopicPartition(String(cString: elements[index].topic), elements[index].partition),
        elements[index].offset
      )
    }
  }
}
