import Files
import Glibc
import RuleTools
import Stage

/// `passflow rules fmt`: rule files in their one layout.
enum FormatRulesCommand {
  static let parser = CommandLineParser(
    [
      CommandOption(
        "check", "change nothing; name the files that would change, exit code 1 if there are any"),
      CommandOption("help", "print this"),
    ], positionalsMax: 100)

  static func main(_ arguments: [String]) -> ExitCode {
    let (parsed, code) = parse(
      arguments, parser, command: "rules fmt PATH…",
      about:
        "Writes rule files in their one layout. Comments stay, the rules mean the same, or a file is left alone."
    )
    guard let parsed else { return code }
    guard !parsed.positionals.isEmpty else {
      StandardStream.error.write("passflow rules fmt: name the files or folders\n")
      return .usage
    }
    do {
      var changed = 0
      for file in try RuleFiles.texts(parsed.positionals) {
        let text = try RuleFormatter.text(of: file.text, path: file.path)
        guard !text.utf8.elementsEqual(file.text.utf8) else { continue }
        changed += 1
        StandardStream.output.write("\(file.path)\n")
        if !parsed.has("check") { try replace(file.path, text) }
      }
      return parsed.has("check") && changed > 0 ? .failure : .success
    } catch {
      StandardStream.error.write("passflow rules fmt: \(error)\n")
      return .usage
    }
  }

  /// Whole or not at all.
  private static func replace(_ path: String, _ text: String) throws {
    let temporary = path + ".fmt-\(getpid())"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else {
      throw UserError("cannot write beside \(path): \(String(cString: strerror(errno)))")
    }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes = bytes.dropFirst(count)
    }
    close(file)
    var status = stat()
    if stat(path, &status) == 0 { chmod(temporary, status.st_mode & 0o777) }
    guard bytes.isEmpty, rename(temporary, path) == 0 else {
      unlink(temporary)
      throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }
}
