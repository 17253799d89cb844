/// Makes personal data fit to be shown: enough to tell two orders apart, not enough to know who it is (D29).
public enum Masking {
  /// A name with its first character kept: 김하나 → 김○○, 이준 → 이○, one character → ○. White space around it is
  /// dropped; long names keep at most `circlesMax` circles, so that their length says nothing.
  public static func name(_ name: String) -> String {
    var characters = name[...]
    while characters.first?.isWhitespace == true { characters.removeFirst() }
    while characters.last?.isWhitespace == true { characters.removeLast() }
    guard let first = characters.first else { return "" }
    if characters.count == 1 { return "○" }
    return String(first) + String(repeating: "○", count: min(characters.count - 1, circlesMax))
  }

  static let circlesMax = 3
}
