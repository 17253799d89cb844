import History
import Kafka
import RuleVersions
import Stage
import Store
import Topics

/// Of a partition: which published rules its facts are computed for.
struct PartitionDemand {
  /// The last demand record, with its offset; nil: none was ever read.
  var record: RuleSwitchValue?
  /// `record` differs from what was last handed to the changelog.
  var isChanged = false
  /// Evaluate has been told, or will be with a commit that is on its way.
  var isAnnounced = false
  var planned: PlannedDemands
}

extension EnrichProcessor {
  /// Key of the demand's record. No customer's: theirs begin with a kind of 0…3.
  static let demandKey: [UInt8] = [0xFF] + Array("demand".utf8)

  /// Finds what is computed in a partition that was claimed.
  func openDemand(_ partition: Int32, _ customers: Customers) throws {
    guard let follower else { return }
    var stored: RuleSwitchValue?
    try customers.state.scan(prefix: Self.demandKey) { _, record in
      guard let read = RuleSwitchValue(protobuf: record) else {
        throw RuleSwitchProblem(
          description: "the demand record in the state of partition \(partition) is damaged")
      }
      stored = read
    }
    customers.demand.record = stored
    customers.demand.planned = try follower.open(partition, stored: stored)
  }

  /// A demand record among the orders: from here on the partition's facts are those that its rules ask for.
  func takeDemand(_ value: UnsafeRawBufferPointer, _ message: MessageView, _ customers: Customers) throws
    -> Bool
  {
    guard var entry = RuleSwitchValue(orders: value), entry.rulesEnd > 0 else { return false }
    guard let follower else {
      if !followsRules { return true }
      throw RuleSwitchProblem(
        description:
          "a demand record in partition \(message.partition) at \(message.offset), but the topic of rules was not "
          + "there at the start: start again")
    }
    // Of an owner who knew less, or a repeat.
    guard entry.rulesEnd > customers.demand.record?.rulesEnd ?? 0 else { return true }
    let former = customers.demand.planned.plan
    customers.demand.planned = try follower.take(entry, message)
    (entry.partition, entry.offset) = (message.partition, message.offset)
    customers.demand.record = entry
    customers.demand.isChanged = true
    customers.demand.isAnnounced = false
    folder.use(customers.demand.planned)
    try watchAnew(former, customers)
    return true
  }

  /// Other deadlines are watched than before: those that nobody watched are found in what is folded.
  private func watchAnew(_ former: DemandPlan, _ customers: Customers) throws {
    let plan = customers.demand.planned.plan
    guard plan.watchesHash != former.watchesHash else { return }
    let deadlines = customers.deadlines ?? Deadlines(watchesHash: plan.watchesHash, nowUs: clockUs())
    customers.deadlines = deadlines
    deadlines.watch(plan.watchesHash)
    folder.clock = deadlines.clock
    guard plan.watchesMore(than: former) else { return }
    // What was not watched before may be long due.
    deadlines.reach(.first)
    if !customers.isFileEmpty { try scheduleStored(deadlines, of: customers.state, moreThan: former) }
    // What the file does not have yet.
    for (key, customer) in customers.collected + customers.touched {
      deadlines.schedule(key, folder.nextDue(in: customer, watchedMoreThan: former))
    }
  }

  /// The demand's record for the changelog, and for evaluate in the same transaction.
  func collectDemand(_ partition: Int32, _ customers: Customers, into changes: inout StateChanges) {
    if customers.demand.isChanged, let record = customers.demand.record {
      customers.demand.isChanged = false
      Self.demandKey.withUnsafeBytes { key in
        record.protobuf.withUnsafeBytes { changes.put(partition: partition, key: key, value: $0) }
      }
    }
    guard announces, let follower, !customers.demand.isAnnounced else { return }
    customers.demand.isAnnounced = true
    var told = customers.demand.record ?? RuleSwitchValue()
    told.partition = partition
    told.partitionCount = Int32(clamping: follower.partitionCount)
    RuleSwitchValue.announcementKey(partition).withUnsafeBytes { key in
      told.protobuf.withUnsafeBytes {
        changes.send(causedBy: partition, topic: 0, to: 0, key: key, value: $0)
      }
    }
  }
}
