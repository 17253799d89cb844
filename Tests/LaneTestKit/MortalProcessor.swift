public import Kafka
public import Stage
public import Store

/// What a processor throws to die as a killed process does: nothing of what is open is committed.
public struct Killed: Error {
  public init() {}
}

/// Hands everything on to a stage's processor; dies at an offset, or asks for the end once the last input has been
/// handled.
public final class MortalProcessor<Inner: StatefulProcessor>: StatefulProcessor
where Inner.Sink == Producer, Inner.StateFile == PartitionState {
  private let inner: Inner
  private let stopAt: Int64?
  private let doneAt: Int64
  private let context: LaneContext

  public init(_ inner: Inner, dyingAt stopAt: Int64?, doneAt: Int64, _ context: LaneContext) {
    self.inner = inner
    self.stopAt = stopAt
    self.doneAt = doneAt
    self.context = context
  }

  public func open(_ partition: Int32, state: PartitionState) throws {
    try inner.open(partition, state: state)
    if state.position.inputOffset >= doneAt { context.stop() }
  }

  public func process(_ batch: MessageBatch, outputs: Producer) throws {
    try inner.process(batch, outputs: outputs)
    guard batch.count > 0 else { return }
    let last = batch[batch.count - 1].offset
    if let stopAt, last >= stopAt {
      // What was sent until now is on its way, as with a real kill.
      outputs.flushPending()
      throw Killed()
    }
    if last + 1 >= doneAt { context.stop() }
  }

  public func tick(outputs: Producer) throws { try inner.tick(outputs: outputs) }
  public func close(_ partition: Int32) { inner.close(partition) }
  public func collect(into changes: inout StateChanges) throws { try inner.collect(into: &changes) }
  public func persisted() { inner.persisted() }
  public var dirtyBytes: Int { inner.dirtyBytes }
}
