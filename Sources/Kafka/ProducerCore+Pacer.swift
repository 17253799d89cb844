/// The pacer's thread: asks what the downstream groups have committed, only while a partition waits for it.
extension ProducerCore {
  private static let askEveryMs = 3
  private static let askAgainAfterErrorMs = 100

  func runPacer() {
    var readers: [String: Consumer] = [:]
    while let waiting = lanesHeldBack() {
      var outcome = true
      for (group, lanes) in waiting {
        outcome = refresh(group, lanes, &readers) && outcome
      }
      pause(ms: outcome ? ProducerCore.askEveryMs : ProducerCore.askAgainAfterErrorMs)
    }
    for reader in readers.values { reader.close() }
  }

  /// Waits for a partition that is held back; nil: the producer ends.
  private func lanesHeldBack() -> [String: [OutputLane]]? {
    monitor.lock()
    defer { monitor.unlock() }
    _ = monitor.wait(untilMs: deadline(inMs: 1_000)) { isStopping || lanes.contains(where: \.isHeldBack) }
    if isStopping { return nil }
    return Dictionary(grouping: lanes.filter(\.isHeldBack)) { $0.pacing?.group ?? "" }
  }

  private func refresh(_ group: String, _ waiting: [OutputLane], _ readers: inout [String: Consumer]) -> Bool
  {
    do throws(KafkaError) {
      let reader: Consumer
      if let known = readers[group] {
        reader = known
      } else {
        reader = try Consumer(
          settings: settings, groupId: group, isolation: .readUncommitted, membership: .manual)
        readers[group] = reader
      }
      let partitions = monitor.locked { waiting.map { TopicPartition(topics[$0.topic].name, $0.partition) } }
      let committed = try reader.committed(partitions, timeoutMs: 5_000)
      monitor.locked {
        for (lane, partition) in zip(waiting, partitions) {
          lane.pacing?.account.consumed(to: committed[partition] ?? 0)
          lane.isHeldBack = false
          if lane.isIdle, !lane.batches.isEmpty, !lane.isQueued { makeReady(lane) }
        }
      }
      return true
    } catch {
      return false
    }
  }
}
