import EnrichStage
import Stage
import Store
import Testing
import Topics

/// A record whose head is sound and whose states are not is found when the states are asked for: while folding.
@Suite(.serialized)
struct MalformedStateTests {
  private func event(_ order: Int, version: Int64, _ minute: Int64) -> [UInt8] {
    EnrichProcessorTests.snapshot(customer: 1, order: order, version: version, atMinute: minute).protobuf
  }

  @Test func theLaneStopsBeforeAnythingOfTheCustomerIsEmittedOrStored() throws {
    let bench = try EnrichBench()
    try bench.send([event(0, version: 1, 0)])
    #expect(try bench.run(cacheBytes: 64 << 20).folded == 1)
    #expect(try spoil(bench) == 1)
    // Another order, of another parcel, needs no states of this one.
    try bench.send([event(9, version: 1, 190)])
    #expect(try bench.run(cacheBytes: 64 << 20).folded == 1)
    let before = try bench.read("orders.enriched").count
    try bench.send([event(0, version: 2, 200)])
    let failure = #expect(throws: KafkaTestFailure.self) { try bench.run(cacheBytes: 64 << 20) }
    #expect(failure?.text.contains("malformedRecord") == true)
    #expect(try bench.read("orders.enriched").count == before)
    #expect(try bench.read("orders.dlq").isEmpty)
    let state = try open(bench)
    #expect(state.position.inputOffset == 2)
    #expect(try state.count() == 2)
  }

  private func open(_ bench: EnrichBench) throws -> PartitionState {
    try PartitionState.open(
      directory: bench.directory, name: "\(GroupNames.enrich)-0",
      identity: PartitionIdentity(
        topic: "orders", partition: 0, schemaVersion: EnrichProcessor.schemaVersion))
  }

  /// Puts something else in the place of every order's states. Returns of how many.
  private func spoil(_ bench: EnrichBench) throws -> Int {
    let state = try open(bench)
    var changes: [StateChange] = []
    try state.scan(prefix: []) { key, value in
      var writer = ProtobufWriter()
      var reader = ProtobufReader(value)
      while true {
        let start = reader.offset
        guard reader.next() else { break }
        reader.skip()
        if reader.field == 6 {
          writer.bytes(6, [0xF0])
        } else {
          writer.raw(UnsafeRawBufferPointer(rebasing: value[start..<reader.offset]))
        }
      }
      changes.append(StateChange(key: [UInt8](key), value: writer.bytes))
    }
    try state.apply(changes, position: state.position)
    return changes.count
  }
}
