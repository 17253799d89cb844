/// Rules for label names that are safe on every platform (reference: Cafe24 label paths and filters, 4.4).
public enum LabelName {
  /// In characters.
  public static let lengthMax = 50

  /// Not empty, at most `lengthMax` characters, no comma, `/`, `?`, `#`, `%` and no control character.
  public static func isAllowed(_ name: String) -> Bool {
    guard !name.isEmpty, name.count <= lengthMax else { return false }
    return name.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0..<32, 127...159, 44, 47, 63, 35, 37, 0x2028, 0x2029: false
      default: true
      }
    }
  }

  /// An item code as it may be stored: not empty, at most 100 bytes, printable ASCII without space.
  public static func isItemCode(_ code: String) -> Bool {
    let bytes = code.utf8
    return !bytes.isEmpty && bytes.count <= 100 && bytes.allSatisfy { $0 > 32 && $0 < 127 }
  }
}
