import Synchronization

extension StageHost {
  /// How far behind this instance is with the partitions that it stands by for.
  func addStandbyMetrics() {
    let followed = metrics.gauge(
      "passflow_standby_partitions", "Partitions that this instance stands by for.")
    let seen = Mutex<Set<Int32>>([])
    onScrape { [context, metrics] in
      let lags = context.standbyLags.withLock { $0 }
      followed.set(lags.count)
      let all = seen.withLock { seen in
        seen.formUnion(lags.keys)
        return seen
      }
      for partition in all {
        metrics.gauge(
          "passflow_standby_lag_records",
          "Changelog offsets that a standby partition is behind its end; -1: not followed here any more.",
          labels: [("partition", "\(partition)")]
        ).set(Int(lags[partition] ?? -1))
      }
    }
  }
}

extension StandbyChange {
  func note(_ partition: Int32, _ log: Log) {
    switch self {
    case .began(let offset):
      log.info("standby.began", .integer("partition", Int(partition)), .integer("offset", Int(offset)))
    case .caughtUp(let records):
      log.info("standby.caught_up", .integer("partition", Int(partition)), .integer("records", Int(records)))
    case .ended(let reason):
      log.info("standby.ended", .integer("partition", Int(partition)), .word("reason", reason))
    }
  }
}
