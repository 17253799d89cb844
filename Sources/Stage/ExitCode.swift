/// How a process of PassFlow's ends. `docs/operate` explains each to an operator.
public enum ExitCode: Int32, Sendable, CaseIterable {
  case success = 0
  /// An operating error ended the work: the message says what, starting again may help.
  case failure = 1
  /// The command line is wrong.
  case usage = 2
  /// The deadline for draining passed; what was not finished will be read again.
  case drainTimeout = 75
  /// The configuration is wrong: starting again does not help.
  case configuration = 78
  /// A second SIGINT or SIGTERM while draining: 128 and the signal's number.
  case interrupted = 130
  case terminated = 143
}
