import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Stage

@Suite struct BackgroundWorkTests {
  /// Work that goes on until it is let go.
  private struct Held: Sendable {
    let isLetGo = DispatchSemaphore(value: 0)
    let isDone = DispatchSemaphore(value: 0)

    func begin(_ work: BackgroundWork<Int>, _ outcome: Int, atItsEnd: @escaping @Sendable () -> Void = {}) {
      work.begin { [self] in
        isLetGo.wait()
        atItsEnd()
        isDone.signal()
        return outcome
      }
    }
  }

  private func outcome(of work: BackgroundWork<Int>) -> Int {
    while true {
      if let outcome = work.take() { return outcome }
      sched_yield()
    }
  }

  @Test func anOutcomeIsTakenOnceWhenItIsThere() {
    let work = BackgroundWork<Int>(threadName: "test")
    let held = Held()
    #expect(!work.isBusy && work.take() == nil)
    held.begin(work, 7)
    #expect(work.isBusy && work.take() == nil)
    held.isLetGo.signal()
    #expect(outcome(of: work) == 7)
    #expect(!work.isBusy && work.take() == nil)
    // The same again.
    held.isLetGo.signal()
    held.begin(work, 8)
    #expect(outcome(of: work) == 8 && !work.isBusy)
  }

  @Test func itWorksOnAThreadOfItsName() {
    let work = BackgroundWork<[UInt8]>(threadName: "passflow-rules-of-malls")
    work.begin {
      var name = [UInt8](repeating: 0, count: 64)
      let file = open("/proc/thread-self/comm", O_RDONLY)
      defer { close(file) }
      let count = read(file, &name, name.count)
      return Array(name.prefix(max(count - 1, 0)))
    }
    var name: [UInt8]?
    while name == nil { name = work.take() }
    #expect(name == Array("passflow-rules-".utf8))
  }

  @Test func closingWhileItIsBusyWaitsAndForgets() {
    let work = BackgroundWork<Int>(threadName: "test")
    let held = Held()
    let steps = Mutex<[String]>([])
    let isClosing = DispatchSemaphore(value: 0)
    held.begin(work, 7) { steps.withLock { $0.append("worked") } }
    let other = NativeThread(name: "closer") {
      isClosing.signal()
      work.close()
      steps.withLock { $0.append("closed") }
    }
    isClosing.wait()
    #expect(work.isBusy)
    held.isLetGo.signal()
    other?.join()
    #expect(steps.withLock { $0 } == ["worked", "closed"])
    #expect(!work.isBusy && work.take() == nil)
    held.isLetGo.signal()
    held.begin(work, 9)
    #expect(outcome(of: work) == 9)
  }

  @Test func closingForgetsWhatNobodyHasTaken() {
    let work = BackgroundWork<Int>(threadName: "test")
    let held = Held()
    held.isLetGo.signal()
    held.begin(work, 7)
    held.isDone.wait()
    work.close()
    #expect(!work.isBusy && work.take() == nil)
    work.close()
  }

  @Test func whatTheWorkHoldsIsLetGoOfWithIt() {
    final class Holder: Sendable {}
    weak var seen: Holder?
    let work = BackgroundWork<Int>(threadName: "test")
    do {
      let holder = Holder()
      seen = holder
      work.begin { withExtendedLifetime(holder) { 1 } }
    }
    #expect(outcome(of: work) == 1)
    #expect(seen == nil)
  }
}
