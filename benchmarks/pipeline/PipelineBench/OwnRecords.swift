import Kafka
import Topics

/// How a record at the other end tells which order it came from.
enum Matching: String, Sendable {
  /// A decision names the position of its order.
  case position
  /// A relay keeps partition and order, so offsets count alike.
  case offset
}

/// Which records at the other end are the orders' own.
struct OwnRecords: Sendable {
  let matching: Matching
  let inputStarts: [Int64]
  let outputStarts: [PartitionOffset]
  /// By partition: numbers of the orders sent there.
  let order: [[Int32]]

  /// Which order a record answers; nil when none of this drive's, or not the order's own decision.
  func number(of message: MessageView) -> Int? {
    var partition = Int(message.partition)
    var distance: Int64
    switch matching {
    case .offset:
      guard outputStarts.indices.contains(partition) else { return nil }
      distance = message.offset - outputStarts[partition].1
    case .position:
      guard let value = message.value, let header = DecisionHeader(value), header.own else { return nil }
      partition = Int(header.position.partition)
      guard inputStarts.indices.contains(partition) else { return nil }
      distance = header.position.offset - inputStarts[partition]
    }
    guard order.indices.contains(partition), distance >= 0, distance < order[partition].count else {
      return nil
    }
    return Int(order[partition][Int(distance)])
  }
}
