public import Rules

/// Rule files by path: what `--rules` and the stages' configuration name.
public enum RuleFiles {
  /// Files of tests stand beside the rules and are none.
  public static let testSuffixes = [".test.yaml", ".test.yml"]

  /// Loads files and folders of `.yaml` files; without any path, the shipped templates and examples.
  public static func load(_ paths: [String]) throws -> RuleSet {
    let files = try texts(paths)
    do {
      return try RuleSet.load(files: files)
    } catch {
      throw UserError("\(error)")
    }
  }

  /// The same with the rules of single malls and shops.
  public static func book(_ paths: [String]) throws -> RuleBook {
    let files = try texts(paths)
    do {
      return try RuleBook.load(files: files)
    } catch {
      throw UserError("\(error)")
    }
  }

  /// Path and text of every rule file of some files and folders; without any path, of the shipped ones.
  public static func texts(_ paths: [String]) throws -> [(path: String, text: String)] {
    var files: [(path: String, text: String)] = []
    for path in try paths.isEmpty ? shippedFolders() : paths {
      if Files.isDirectory(path) {
        let names = Files.names(in: path).filter { name in
          (name.hasSuffix(".yaml") || name.hasSuffix(".yml")) && !isTest(name)
        }
        if names.isEmpty { throw UserError("no .yaml file in the rules folder \(path)") }
        for name in names { files.append(try one(path + "/" + name)) }
      } else {
        files.append(try one(path))
      }
    }
    return files
  }

  /// The folders of the templates and the examples that come with the program.
  public static func shippedFolders() throws -> [String] {
    guard let shipped = Files.shippedConfiguration() else {
      throw UserError("the shipped rules were not found beside the program; name yours with --rules PATH")
    }
    return [shipped + "/templates", shipped + "/rules"]
  }

  public static func isTest(_ path: String) -> Bool { testSuffixes.contains { path.hasSuffix($0) } }

  private static func one(_ path: String) throws -> (path: String, text: String) {
    guard let bytes = Files.read(path) else { throw UserError("cannot read the rule file \(path)") }
    return (path, String(decoding: bytes, as: UTF8.self))
  }
}
