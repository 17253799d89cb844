/// What a poll brings besides messages.
public enum ConsumerEvent: Sendable, Equatable {
  /// The group gave us these: answer with ``Consumer/finishAssignment(_:)`` once their state is there.
  case assigned([TopicPartition])
  /// The group takes these back: finish, commit, then ``Consumer/finishRevocation(_:)``. `lost`: they
  /// already belong to somebody else, commit nothing.
  case revoked([TopicPartition], lost: Bool)
  /// Everything up to this offset has been read (with read committed: everything that is decided).
  case endOfPartition(TopicPartition, offset: Int64)
  case error(KafkaError)
}

/// Which records are delivered.
public enum Isolation: String, Sendable {
  case readCommitted = "read_committed"
  case readUncommitted = "read_uncommitted"
}

/// How partitions come to a consumer.
public enum Membership: Sendable {
  /// By the group's protocol. `instanceId`: static membership; unique per worker, a second holder fences
  /// the first with a fatal error.
  case group(cooperative: Bool, instanceId: String? = nil, sessionTimeoutMs: Int = 10_000)
  /// By ``Consumer/assign(_:)``; offsets may still be committed under the group's name.
  case manual
}
