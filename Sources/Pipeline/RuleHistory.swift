import EvaluateStage
import Orders
public import RuleVersions
import Topics

/// Topic `rules` as a person reads it.
public enum RuleHistory {
  /// A table of a scope's activations, newest first, then the versions that were never active anywhere.
  ///
  /// - Parameter scope: nil: every scope.
  public static func text(_ registry: RuleRegistry, scope: RegistryScope? = nil) -> String {
    var rows: [[String]] = [["scope", "no", "version", "author", "active since", "until", "note"]]
    for key in registry.activations.keys.sorted() where scope == nil || key == scope {
      let list = registry.activations[key] ?? []
      for (place, activation) in list.enumerated().reversed() {
        let value = activation.value
        let until = place + 1 < list.count ? list[place + 1].value.at.rfc3339() : "now"
        rows.append([
          key.description, String(value.number), RulePublisher.short(value.hash), value.author,
          value.at.rfc3339(), until, note(value),
        ])
      }
    }
    let active = Set(registry.activations.values.joined().map(\.value.hash))
    let idle = registry.versions.values.filter { !active.contains($0.hash) }
      .sorted { ($0.createdAt, $0.hash) > ($1.createdAt, $1.hash) }
    if scope == nil {
      for version in idle {
        rows.append(["–", "–", RulePublisher.short(version.hash), version.author, "never", "–", version.note])
      }
    }
    if rows.count == 1 { return "nothing published: the rule files of the configuration decide\n" }
    return table(rows)
  }

  private static func note(_ value: RuleActivationValue) -> String {
    switch value.restores {
    case 0: value.note
    case -1: "back to none" + (value.note.isEmpty ? "" : ": " + value.note)
    default: "back to no \(value.restores)" + (value.note.isEmpty ? "" : ": " + value.note)
    }
  }

  /// Columns by spaces; Hangul and other wide letters take two places.
  static func table(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.count > column ? width($0[column]) : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column + 1 < row.count {
          line += String(repeating: " ", count: widths[column] - width(cell) + 2)
        }
      }
      return line + "\n"
    }.joined()
  }

  private static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) {
      $0 + ((0x1100...0x115F).contains($1.value) || $1.value >= 0x2E80 ? 2 : 1)
    }
  }
}
