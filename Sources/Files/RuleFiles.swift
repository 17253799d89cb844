public import Rules

/// Rule files by path: what `--rules` and the stages' configuration name.
public enum RuleFiles {
  /// Loads files and folders of `.yaml` files; without any path, the shipped templates and examples.
  public static func load(_ paths: [String]) throws -> RuleSet {
    do {
      return try RuleSet.load(files: texts(paths))
    } catch let problems as Diagnostics {
      throw UserError("\(problems)")
    }
  }

  /// The texts that `load` reads, in its order.
  public static func texts(_ paths: [String]) throws -> [(path: String, text: String)] {
    var wanted = paths
    if wanted.isEmpty {
      guard let shipped = Files.shippedConfiguration() else {
        throw UserError("the shipped rules were not found beside the program; name yours with --rules PATH")
      }
      wanted = [shipped + "/templates", shipped + "/rules"]
    }
    var files: [(path: String, text: String)] = []
    for path in wanted {
      if Files.isDirectory(path) {
        let names = Files.names(in: path).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        if names.isEmpty { throw UserError("no .yaml file in the rules folder \(path)") }
        for name in names { files.append(try one(path + "/" + name)) }
      } else {
        files.append(try one(path))
      }
    }
    return files
  }

  private static func one(_ path: String) throws -> (path: String, text: String) {
    guard let bytes = Files.read(path) else { throw UserError("cannot read the rule file \(path)") }
    return (path, String(decoding: bytes, as: UTF8.self))
  }
}
