import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Stage

@Suite struct ShutdownTests {
  @Test func theFirstSignalDrainsAndTheSecondEnds() {
    var machine = ShutdownMachine()
    #expect(machine.deadlinePassed() == .nothing)
    #expect(machine.signal(SIGTERM) == .drain)
    #expect(machine.signal(SIGTERM) == .exit(.terminated))
    #expect(machine.signal(SIGINT) == .exit(.interrupted))
    #expect(machine.deadlinePassed() == .exit(.drainTimeout))
    machine.finished()
    #expect(machine.deadlinePassed() == .nothing)
    #expect(machine.signal(SIGTERM) == .nothing)
  }

  @Test func aProcessThatGetsTwoSignalsDrainsAndEnds() {
    let drains = DispatchSemaphore(value: 0)
    let ends = DispatchSemaphore(value: 0)
    let codes = Mutex<[ExitCode]>([])
    let shutdown = Shutdown(
      deadlineMs: 60_000, onDrain: { drains.signal() },
      end: { code in
        codes.withLock { $0.append(code) }
        ends.signal()
      })
    shutdown.install()
    kill(getpid(), SIGTERM)
    #expect(drains.wait(timeout: .now() + .seconds(20)) == .success)
    kill(getpid(), SIGINT)
    #expect(ends.wait(timeout: .now() + .seconds(20)) == .success)
    shutdown.uninstall()
    #expect(codes.withLock { $0 } == [.interrupted])
  }

  @Test func theDeadlineEndsTheProcessUnlessItIsFinished() {
    let ends = DispatchSemaphore(value: 0)
    let code = Mutex<ExitCode?>(nil)
    let shutdown = Shutdown(
      deadlineMs: 1, onDrain: {},
      end: { ended in
        code.withLock { $0 = ended }
        ends.signal()
      })
    shutdown.request()
    shutdown.request()
    #expect(ends.wait(timeout: .now() + .seconds(20)) == .success)
    #expect(code.withLock { $0 } == .drainTimeout)
  }
}

@Suite struct NativeThreadTests {
  @Test func aThreadRunsUnderItsNameAndIsJoined() throws {
    let name = Mutex("")
    let thread = try #require(
      NativeThread(name: "passflow-lane-number-1") {
        let comm = FileBytes.read("/proc/thread-self/comm", bytesMax: 64) ?? []
        name.withLock { $0 = String(decoding: comm.prefix { $0 != 10 }, as: UTF8.self) }
      })
    thread.join()
    thread.join()
    #expect(name.withLock { $0 } == "passflow-lane-n")
  }
}

@Suite struct KeyFileTests {
  private func temporary() throws -> String {
    var template = Array("/tmp/passflow-key-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func remove(_ directory: String) {
    unlink("\(directory)/a/b/key")
    unlink("\(directory)/key")
    rmdir("\(directory)/a/b")
    rmdir("\(directory)/a")
    rmdir(directory)
  }

  @Test func aKeyIsMadeOnceForItsOwnerOnly() throws {
    let directory = try temporary()
    defer { remove(directory) }
    let path = "\(directory)/a/b/key"
    #expect(try KeyFile.read(path) == nil)
    let made = try KeyFile.readOrCreate(path)
    #expect(made.bytes.count == KeyFile.byteCount)
    #expect(made.bytes.contains { $0 != 0 })
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    #expect(try KeyFile.readOrCreate(path) == made)
  }

  @Test func manyProcessesThatStartAtOnceGetTheSameKey() throws {
    let directory = try temporary()
    defer { remove(directory) }
    let keys = Mutex<[[UInt8]]>([])
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      if let key = try? KeyFile.readOrCreate("\(directory)/key") { keys.withLock { $0.append(key.bytes) } }
    }
    #expect(Set(keys.withLock { $0 }).count == 1)
  }

  @Test func aKeyThatOthersMayReadOrOfAnotherLengthIsRefused() throws {
    let directory = try temporary()
    defer { remove(directory) }
    let path = "\(directory)/key"
    _ = try KeyFile.readOrCreate(path)
    chmod(path, 0o640)
    #expect(throws: KeyFileError.self) { try KeyFile.read(path) }
    chmod(path, 0o600)
    truncate(path, 31)
    let error = #expect(throws: KeyFileError.self) { try KeyFile.readOrCreate(path) }
    #expect(error?.reason == "it must have 32 bytes")
    #expect(throws: KeyFileError.self) { try KeyFile.readOrCreate(directory) }
    #expect(throws: KeyFileError.self) { try KeyFile.readOrCreate("/proc/nothing/key") }
  }

  @Test func aSealedBodyOpensWithItsKeyOnly() {
    let key = DeadLetterKey(KeyFile(bytes: [UInt8](repeating: 1, count: 32)))
    let other = DeadLetterKey(KeyFile(bytes: [UInt8](repeating: 2, count: 32)))
    for body in [[], [1], [UInt8](repeating: 7, count: 100_000)] {
      let sealed = key.seal(body)
      #expect(sealed.count == body.count + DeadLetterKey.overheadBytes)
      #expect(key.open(sealed) == body)
      #expect(other.open(sealed) == nil)
      #expect(key.seal(body) != sealed)
      var changed = sealed
      changed[changed.count - 1] ^= 1
      #expect(key.open(changed) == nil)
      #expect(key.open(Array(sealed.dropLast())) == nil)
    }
    #expect(key.open([]) == nil)
  }
}

@Suite struct ProgressBarTests {
  @Test func aTerminalShowsABarAFewTimesASecond() {
    var bar = ProgressBar(title: "orders", total: 1_200, isTerminal: true, nowMs: 1_000)
    #expect(bar.update(done: 0, nowMs: 1_000) == "\rorders [........................] 0/1,200 0%  0/s")
    #expect(bar.update(done: 10, nowMs: 1_100) == nil)
    #expect(
      bar.update(done: 600, nowMs: 2_000)
        == "\rorders [############............] 600/1,200 50%  600/s  0:01 left")
    let last = bar.finish(done: 1_200, nowMs: 3_000)
    #expect(last.hasPrefix("\rorders [########################] 1,200/1,200 100%  600/s  in 0:02"))
    #expect(last.hasSuffix("\n"))
    #expect(last.count >= "\rorders [############............] 600/1,200 50%  600/s  0:01 left\n".count)
  }

  @Test func aFileGetsALineNowAndThen() {
    var bar = ProgressBar(title: "orders", total: nil, isTerminal: false, nowMs: 0)
    #expect(bar.update(done: 0, nowMs: 0) == nil)
    #expect(bar.update(done: 1_000_000, nowMs: 5_000) == "orders 1,000,000  200,000/s\n")
    #expect(bar.update(done: 1_000_001, nowMs: 9_999) == nil)
    #expect(bar.finish(done: 36_000_000, nowMs: 3_600_000) == "orders 36,000,000  10,000/s  in 1:00:00\n")
  }

  @Test func oddNumbersDoNotStopIt() {
    var bar = ProgressBar(title: "x", total: 0, isTerminal: true, nowMs: 10)
    #expect(bar.update(done: Int.max, nowMs: 0) != nil)
    #expect(bar.finish(done: -5, nowMs: Int64.max).hasSuffix("\n"))
  }
}

@Suite struct ProcessEnvironmentTests {
  @Test func theEnvironmentIsRead() {
    #expect(ProcessEnvironment.current()["PATH"] != nil)
  }

  @Test func exitCodesAreDistinct() {
    #expect(Set(ExitCode.allCases.map(\.rawValue)).count == ExitCode.allCases.count)
  }
}
