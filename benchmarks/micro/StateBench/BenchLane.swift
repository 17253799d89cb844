import Glibc
import History
import Kafka
import Orders
import Stage
import Store

/// One partition of enrich without Kafka: folds, collects at each commit and writes the file at each checkpoint as
/// `EnrichProcessor` and `StatefulLane` do, in the same order and with the same limits.
final class BenchLane {
  struct Settings {
    /// As configured for the process, all of it for this partition.
    var cacheBytes = 128 << 20
    var commitInputs = 20_000
    var directory: String
  }

  let settings: Settings
  let folder: HistoryFolder
  let state: PartitionState
  private let cache: StateCache<CustomerHistory>
  private var touched: [(key: [UInt8], customer: CustomerHistory)] = []
  private var collected: [(key: [UInt8], customer: CustomerHistory)] = []
  private var changes = StateChanges()
  private let ledgerWriter = LedgerWriter()
  private let dirtyBytesMax: Int
  private var isFileEmpty: Bool
  private(set) var inputs: Int64 = 0
  private var uncommitted = 0
  private(set) var loads = 0
  private(set) var emitted = 0
  private(set) var checkpoints = 0
  private(set) var changelogRecords = 0
  private(set) var changelogBytes = 0
  private(set) var checkpointSeconds = 0.0
  private(set) var loadSeconds = 0.0

  static let schema = PartitionIdentity(topic: "bench", partition: 0, schemaVersion: 1)

  init(_ settings: Settings, demand: FactDemand) throws {
    self.settings = settings
    folder = HistoryFolder(reference: .empty, demand: demand)
    state = try PartitionState.open(
      directory: settings.directory, name: "state", identity: Self.schema, cacheKiB: 8_192)
    cache = StateCache(bytesMax: settings.cacheBytes, seed: 1)
    dirtyBytesMax = min(24 << 20, max(settings.cacheBytes / 4, 1 << 20))
    isFileEmpty = try state.count() == 0
  }

  func fold(_ value: UnsafeRawBufferPointer) throws {
    let summary = try SnapshotSummary(value)
    let identity = summary.customer(in: value)
    let key = identity.recordPrefix
    let customer = try customer(identity, key)
    let orderCount = customer.orderCount
    let outcome = try folder.fold(
      value, summary: summary, position: InputPosition(partition: 0, offset: inputs), into: customer
    ) { _ in }
    emitted += outcome.emitted
    customer.accountedBytes +=
      summary.keptBytes(of: value) + CustomerHistory.snapshotOverheadBytes
      + (customer.orderCount - orderCount) * CustomerHistory.orderOverheadBytes
      + customer.takePurchaseBytes()
    if !customer.isTouched {
      customer.isTouched = true
      touched.append((key, customer))
    }
    key.withUnsafeBytes { cache.markDirty(slot: cache.slot($0), bytes: customer.accountedBytes) }
    inputs += 1
    uncommitted += 1
    if uncommitted >= settings.commitInputs { try commit() }
  }

  private func customer(_ identity: CustomerIdentity, _ key: [UInt8]) throws -> CustomerHistory {
    if let found = key.withUnsafeBytes({ cache.lookup($0) }) { return found }
    var records: [(key: [UInt8], value: [UInt8])] = []
    let customer: CustomerHistory
    if isFileEmpty {
      customer = CustomerHistory(customer: identity)
    } else {
      let start = cpuSeconds()
      try state.scan(prefix: key) { key, value in records.append(([UInt8](key), [UInt8](value))) }
      customer =
        records.isEmpty
        ? CustomerHistory(customer: identity) : try CustomerHistory(customer: identity, records: records)
      loads += 1
      loadSeconds += cpuSeconds() - start
    }
    customer.accountedBytes = customer.memoryBytes
    _ = key.withUnsafeBytes { cache.insert($0, customer, bytes: customer.accountedBytes) }
    return customer
  }

  private func commit() throws {
    for (key, customer) in touched {
      customer.isTouched = false
      defer { account(customer, key) }
      customer.changedRecords(using: ledgerWriter) { key, value in
        changes.put(partition: 0, key: key, value: value)
        changelogRecords += 1
        changelogBytes += key.count + value.count
      }
    }
    collected += touched
    touched.removeAll(keepingCapacity: true)
    uncommitted = 0
    if changes.byteCount >= dirtyBytesMax || cache.dirtyBytes / 2 >= dirtyBytesMax { try checkpoint() }
  }

  /// After a collection, which lets states go.
  private func account(_ customer: CustomerHistory, _ key: [UInt8]) {
    let change = customer.takePurchaseBytes()
    guard change != 0 else { return }
    customer.accountedBytes += change
    key.withUnsafeBytes { cache.markDirty(slot: cache.slot($0), bytes: customer.accountedBytes) }
  }

  func finish() throws {
    try commit()
    try checkpoint()
    try state.checkpointWAL()
  }

  private func checkpoint() throws {
    let start = cpuSeconds()
    let indices = changes.folded(partition: 0)
    try state.apply(position: StatePosition(inputOffset: inputs, changelogOffset: inputs)) { put in
      for index in indices { try changes.withEntry(index) { key, value in try put(key, value) } }
    }
    changes.removeAll()
    isFileEmpty = false
    for (key, customer) in collected where !customer.isTouched {
      key.withUnsafeBytes { cache.markClean(slot: cache.slot($0)) }
    }
    collected.removeAll(keepingCapacity: true)
    cache.trim()
    checkpoints += 1
    checkpointSeconds += cpuSeconds() - start
  }
}

/// CPU time of the calling thread.
func cpuSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

func wallSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
