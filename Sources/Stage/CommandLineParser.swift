/// One option of a command line.
public struct CommandOption: Sendable {
  /// Without the two dashes.
  public let name: String
  /// What stands for its value in the help text; nil for a switch.
  public let valueName: String?
  public let about: String
  public let mayRepeat: Bool

  public init(_ name: String, value valueName: String? = nil, mayRepeat: Bool = false, _ about: String) {
    self.name = name
    self.valueName = valueName
    self.about = about
    self.mayRepeat = mayRepeat
  }
}

/// What a command line said.
public struct CommandArguments: Sendable, Equatable {
  var options: [String: [String]] = [:]
  public internal(set) var positionals: [String] = []

  public func has(_ name: String) -> Bool { options[name] != nil }
  public func value(_ name: String) -> String? { options[name]?.last }
  public func values(_ name: String) -> [String] { options[name] ?? [] }
}

/// A wrong command line, in one line with a hint.
public struct CommandLineError: Error, Sendable, Equatable, CustomStringConvertible {
  public let message: String
  public var description: String { message }
}

/// Reads GNU style options: `--name`, `--name VALUE`, `--name=VALUE`; `--` ends them.
public struct CommandLineParser: Sendable {
  public let options: [CommandOption]
  public let positionalsMax: Int

  public init(_ options: [CommandOption], positionalsMax: Int = 0) {
    self.options = options
    self.positionalsMax = positionalsMax
  }

  /// - Parameter arguments: without the name of the program.
  public func parse(_ arguments: [String]) throws(CommandLineError) -> CommandArguments {
    var parsed = CommandArguments()
    var index = 0
    var optionsEnded = false
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if optionsEnded || argument == "-" || !argument.hasPrefix("-") {
        guard parsed.positionals.count < positionalsMax else {
          throw CommandLineError(message: "unexpected argument: \(argument)")
        }
        parsed.positionals.append(argument)
      } else if argument == "--" {
        optionsEnded = true
      } else {
        let next = index < arguments.count ? arguments[index] : nil
        if try take(argument, next: next, &parsed) { index += 1 }
      }
    }
    return parsed
  }

  /// True: the next argument was its value.
  private func take(_ argument: String, next: String?, _ parsed: inout CommandArguments)
    throws(CommandLineError) -> Bool
  {
    let equals = argument.firstIndex(of: "=")
    let spelled = String(argument[..<(equals ?? argument.endIndex)])
    guard spelled.hasPrefix("--"), let option = options.first(where: { "--\($0.name)" == spelled }) else {
      let names = options.map { "--\($0.name)" }
      let hint = Suggestion.nearest(to: spelled, among: names).map { ", did you mean \($0)?" } ?? ""
      throw CommandLineError(message: "unknown option: \(spelled)\(hint)")
    }
    guard option.mayRepeat || !parsed.has(option.name) else {
      throw CommandLineError(message: "option given twice: \(spelled)")
    }
    guard let valueName = option.valueName else {
      guard equals == nil else { throw CommandLineError(message: "option takes no value: \(spelled)") }
      parsed.options[option.name, default: []].append("")
      return false
    }
    if let equals {
      parsed.options[option.name, default: []].append(String(argument[argument.index(after: equals)...]))
      return false
    }
    guard let next, !(next.hasPrefix("--") && next.count > 2) else {
      throw CommandLineError(message: "option needs a value: \(spelled) \(valueName)")
    }
    parsed.options[option.name, default: []].append(next)
    return true
  }

  /// The lines about the options, for `--help`.
  public var help: String {
    let shown = options.map { ("--\($0.name)" + ($0.valueName.map { " \($0)" } ?? ""), $0.about) }
    let width = shown.map(\.0.count).max() ?? 0
    return shown.map { name, about in
      "  \(name)\(String(repeating: " ", count: width - name.count + 2))\(about)\n"
    }.joined()
  }
}
