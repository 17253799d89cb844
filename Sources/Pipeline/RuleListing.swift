import Files
import Rules

/// The rules of some files as a person reads them.
public enum RuleListing {
  public static func text(_ paths: [String]) throws -> String {
    let set = try RuleFiles.load(paths)
    var text = "\(set.rules.count) rules, content \(set.hash.prefix(12))\n"
    for rule in set.rules {
      let terms = rule.terms.map(\.text).joined(separator: " && ")
      text += "  \(rule.id): \(rule.name) [\(rule.state.rawValue)]\n    if \(terms)\n"
      text += "    → \(rule.actions.labels.joined(separator: ", "))\n"
    }
    return text
  }
}
