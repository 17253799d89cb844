import Files
import Glibc
import Synchronization

/// A program started by us, which we end again.
final class ChildProcess: Sendable {
  let name: String
  private let pid: pid_t
  private let status = Mutex<Int32?>(nil)

  /// Starts `path` with the arguments; both output streams go to `log`, the environment is ours and `variables`.
  init(name: String, path: String, arguments: [String], variables: [String: String], log: String) throws {
    self.name = name
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var environment: [String] = []
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      let key = String(text.prefix { $0 != "=" })
      if variables[key] == nil { environment.append(text) }
      next += 1
    }
    environment += variables.map { "\($0.key)=\($0.value)" }
    var pid: pid_t = 0
    let code = ChildProcess.withCStrings([path] + arguments) { argv in
      ChildProcess.withCStrings(environment) { envp in posix_spawn(&pid, path, &actions, nil, argv, envp) }
    }
    guard code == 0 else { throw UserError("cannot start \(path): \(String(cString: strerror(code)))") }
    self.pid = pid
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }

  /// The exit code once it has ended (128 + signal when killed), nil while it runs.
  func poll() -> Int32? {
    status.withLock { known in
      if let known { return known }
      var raw: Int32 = 0
      guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
      let code = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
      known = code
      return code
    }
  }

  /// SIGTERM.
  func terminate() { if poll() == nil { kill(pid, SIGTERM) } }

  /// Waits so long; then SIGKILL. The exit code.
  @discardableResult
  func wait(milliseconds: Int) -> Int32 {
    var rest = milliseconds
    while rest > 0 {
      if let code = poll() { return code }
      usleep(10_000)
      rest -= 10
    }
    kill(pid, SIGKILL)
    while true {
      if let code = poll() { return code }
      usleep(1_000)
    }
  }
}
