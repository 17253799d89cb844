internal import CRdKafka

/// Who is in a consumer group and owns what, as its coordinator sees it.
public struct GroupDescription: Sendable, Equatable {
  public struct Member: Sendable, Equatable {
    /// Given by the group when a member joins; ``Consumer/memberId`` is one's own.
    public var id: String
    /// Of a static member.
    public var instanceId: String?
    public var assigned: [TopicPartition]

    public init(id: String, instanceId: String? = nil, assigned: [TopicPartition]) {
      self.id = id
      self.instanceId = instanceId
      self.assigned = assigned
    }

    /// The order in which assignors go through members.
    public static func precedes(_ left: Member, _ right: Member) -> Bool {
      if let first = left.instanceId, let second = right.instanceId {
        return first.utf8.lexicographicallyPrecedes(second.utf8)
      }
      return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
    }
  }

  /// False while the group is being divided anew: what members own is not certain then.
  public var isStable: Bool
  public var members: [Member]

  public init(isStable: Bool, members: [Member]) {
    self.isStable = isStable
    self.members = members
  }
}

extension Admin {
  /// Asks the group's coordinator. Needs the right to describe the group, which the right to read with it includes.
  /// - Throws: ``KafkaError``: no coordinator, not allowed, no answer in time.
  public func describe(group: String, timeoutMs: Int = 5_000) throws(KafkaError) -> GroupDescription {
    guard let queue = rd_kafka_queue_new(committed.rk) else { throw KafkaError.own("no admin queue") }
    defer { rd_kafka_queue_destroy(queue) }
    guard let options = rd_kafka_AdminOptions_new(committed.rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS)
    else { throw KafkaError.own("no admin options") }
    defer { rd_kafka_AdminOptions_destroy(options) }
    rd_kafka_AdminOptions_set_request_timeout(options, Int32(clamping: timeoutMs), nil, 0)
    group.withCString { name in
      var names: [UnsafePointer<CChar>?] = [name]
      rd_kafka_DescribeConsumerGroups(committed.rk, &names, 1, options, queue)
    }
    guard let event = rd_kafka_queue_poll(queue, Int32(clamping: timeoutMs + 1_000)) else {
      throw KafkaError.timedOut("no description of group \(group)")
    }
    defer { rd_kafka_event_destroy(event) }
    if rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw KafkaError.from(event: event, of: committed)
    }
    var count = 0
    guard let result = rd_kafka_event_DescribeConsumerGroups_result(event),
      let groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count), count == 1,
      let found = groups[0]
    else { throw KafkaError.own("no description of group \(group)") }
    if let error = rd_kafka_ConsumerGroupDescription_error(found) {
      let code = rd_kafka_error_code(error)
      if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, "group \(group)") }
    }
    return description(of: found)
  }

  private func description(of group: OpaquePointer) -> GroupDescription {
    var members: [GroupDescription.Member] = []
    for index in 0..<rd_kafka_ConsumerGroupDescription_member_count(group) {
      guard let member = rd_kafka_ConsumerGroupDescription_member(group, index),
        let id = rd_kafka_MemberDescription_consumer_id(member)
      else { continue }
      var assigned: [TopicPartition] = []
      if let assignment = rd_kafka_MemberDescription_assignment(member),
        let list = rd_kafka_MemberAssignment_partitions(assignment)
      {
        assigned = PartitionList.offsets(of: UnsafeMutablePointer(mutating: list)).map(\.0)
      }
      members.append(
        GroupDescription.Member(
          id: String(cString: id),
          instanceId: rd_kafka_MemberDescription_group_instance_id(member).map { String(cString: $0) },
          assigned: assigned))
    }
    let state = rd_kafka_ConsumerGroupDescription_state(group)
    return GroupDescription(isStable: state == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE, members: members)
  }
}

extension Consumer {
  /// The name that the group gave us; nil when we are no member now.
  public var memberId: String? {
    guard !isManual, let id = rd_kafka_memberid(handle.rk) else { return nil }
    defer { rd_kafka_mem_free(handle.rk, id) }
    return id.pointee == 0 ? nil : String(cString: id)
  }

  /// The log's end as the last answer with records of this partition said; nil before there was one. Asks nobody.
  public func knownEnd(of partition: TopicPartition) -> Int64? {
    var low: Int64 = 0
    var high: Int64 = 0
    let outcome = rd_kafka_get_watermark_offsets(
      handle.rk, partition.topic, partition.partition, &low, &high)
    return outcome == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
  }
}
