internal import Glibc
internal import YAML

/// The configuration of one stage: a schema, and the struct that is made of its values.
public protocol StageConfiguration: Sendable {
  static var schema: ConfigurationSchema { get }
  var common: CommonSettings { get }
  init(_ values: ConfigurationValues)

  /// Options of this executable beside those that all have.
  static var ownOptions: [CommandOption] { get }
  /// Takes what the command line said of `ownOptions`.
  /// - Throws: what is wrong with them, for a usage error.
  mutating func take(_ arguments: CommandArguments) throws(CommandLineError)
}

extension StageConfiguration {
  public static var ownOptions: [CommandOption] { [] }
  public mutating func take(_ arguments: CommandArguments) throws(CommandLineError) {}
}

/// What a stage's command line and configuration amount to.
public enum StageStart<Configuration: StageConfiguration>: Sendable {
  case run(Configuration)
  /// Print and end.
  case end(ExitCode, output: String, error: String)
}

extension StageConfiguration {
  /// Reads the command line, the file it names and the environment. Prints nothing.
  /// - Parameter arguments: without the name of the program.
  public static func load(arguments: [String], environment: [String: String], version: String = "")
    -> StageStart<Self>
  {
    let parsed: CommandArguments
    do throws(CommandLineError) { parsed = try parser.parse(arguments) } catch { return wrong(error) }
    if parsed.has("help") { return .end(.success, output: help, error: "") }
    if parsed.has("version") {
      return .end(.success, output: "passflow-\(schema.stage) \(version)\n", error: "")
    }
    if parsed.has("print-config") {
      return .end(.success, output: ConfigurationPrinter.defaultFile(schema), error: "")
    }
    return load(parsed, environment: environment)
  }

  private static func wrong(_ error: CommandLineError) -> StageStart<Self> {
    let text = "passflow-\(schema.stage): \(error)\nTry 'passflow-\(schema.stage) --help'.\n"
    return .end(.usage, output: "", error: text)
  }

  private static func load(_ parsed: CommandArguments, environment: [String: String]) -> StageStart<Self> {
    var root: YAMLNode?
    if let file = parsed.value("config") {
      do throws(YAMLError) { root = try YAMLDocument.read(path: file).root } catch {
        return .end(.configuration, output: "", error: "configuration is not valid: 1 problem\n\n\(error)\n")
      }
    }
    let (values, problems) = schema.load(file: root, environment: environment)
    guard problems.isEmpty else {
      let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
      let text = problems.map { "\n\($0)\n" }.joined()
      return .end(.configuration, output: "", error: "configuration is not valid: \(count)\n\(text)")
    }
    var configuration = Self(values)
    do throws(CommandLineError) { try configuration.take(parsed) } catch { return wrong(error) }
    guard parsed.has("check-config") else { return .run(configuration) }
    return .end(
      .success, output: ConfigurationPrinter.effective(schema, values) + "configuration is valid\n", error: ""
    )
  }

  /// For an executable: as `load`, but prints and ends the process where there is nothing to run.
  public static func loadOrExit(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    environment: [String: String] = ProcessEnvironment.current(), version: String = ""
  ) -> Self {
    switch load(arguments: arguments, environment: environment, version: version) {
    case .run(let configuration): return configuration
    case .end(let code, let output, let error):
      StandardStream.output.write(output)
      StandardStream.error.write(error)
      exit(code.rawValue)
    }
  }

  static var parser: CommandLineParser {
    CommandLineParser(
      [CommandOption("config", value: "FILE", "read the configuration from FILE")] + ownOptions + [
        CommandOption("check-config", "check the configuration, print what applies, and end"),
        CommandOption("print-config", "print every key with its default, and end"),
        CommandOption("version", "print the version, and end"),
        CommandOption("help", "print this, and end"),
      ])
  }

  private static var help: String {
    """
    Usage: passflow-\(schema.stage) [--config FILE]\(ownOptions.isEmpty ? "" : " [OPTIONS]")

    \(parser.help)
    Every key can be overridden by an environment variable: http.port by PASSFLOW_HTTP_PORT.
    Ends with 0, or 1 after an operating error, 2 for a wrong command line, 78 for a wrong
    configuration, 75 when draining took too long.

    """
  }
}

/// The environment the process was started with.
public enum ProcessEnvironment {
  private static let bytesMax = 4 * 1024 * 1024

  /// Read from `/proc`, which does not change under us as libc's copy may.
  public static func current() -> [String: String] {
    let bytes = FileBytes.read("/proc/self/environ", bytesMax: bytesMax) ?? []
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")), equals > entry.startIndex else { continue }
      let name = String(decoding: entry[..<equals], as: UTF8.self)
      variables[name] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
    }
    return variables
  }
}
