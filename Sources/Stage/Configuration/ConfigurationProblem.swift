/// One thing that is wrong with a configuration, said so that it can be put right.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  /// The key, or the name of what is no key.
  public let path: String
  /// `file:line:column` or the name of the environment variable; nil for a default.
  public let source: String?
  public let message: String
  /// As given; nil for secrets and where there is none.
  public let value: String?
  public let allowed: String?
  public let hint: String?

  public init(
    path: String, source: String? = nil, message: String, value: String? = nil,
    allowed: String? = nil, hint: String? = nil
  ) {
    self.path = path
    self.source = source
    self.message = message
    self.value = value
    self.allowed = allowed
    self.hint = hint
  }

  public var description: String {
    var text = "\(path): \(message)"
    if let source { text += "\n  at:      \(source)" }
    if let value { text += "\n  value:   \(value)" }
    if let allowed { text += "\n  allowed: \(allowed)" }
    if let hint { text += "\n  hint:    \(hint)" }
    return text
  }
}

/// Which name somebody probably meant.
public enum Suggestion {
  /// Comparing more than this many characters is not worth it.
  private static let lengthMax = 64

  /// The nearest of `names`, if it is near: a third of its length wrong at most.
  public static func nearest(to name: String, among names: [String]) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in names {
      let distance = distance(name, candidate)
      let allowed = max(1, min(candidate.utf8.count, name.utf8.count) / 3)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two names.
  static func distance(_ left: String, _ right: String) -> Int {
    let a = Array(left.lowercased().utf8.prefix(lengthMax))
    let b = Array(right.lowercased().utf8.prefix(lengthMax))
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
