/// The platform's status code of an item, as a small number; the raw text is kept beside it where it matters (D32).
///
/// Source of the codes: Cafe24 Admin API, `order_status` on items (`order_status` list parameter of Orders).
public struct ItemStatus: Hashable, Sendable {
  /// Index into `codes`; 255 for a code that is not in the list.
  public let index: UInt8

  public static let codes: [String] = [
    "N00", "N01", "N02", "N03", "N10", "N20", "N21", "N22", "N30", "N40", "N50",
    "C00", "C10", "C11", "C34", "C35", "C36", "C40", "C41", "C42", "C43", "C47", "C48", "C49",
    "R00", "R10", "R11", "R12", "R13", "R20", "R30", "R31", "R34", "R36", "R40", "R41", "R42", "R43",
    "E00", "E10", "E11", "E12", "E13", "E20", "E30", "E31", "E32", "E33", "E34", "E35", "E36", "E40",
  ]

  public static let unknown = ItemStatus(index: 255)

  init(index: UInt8) { self.index = index }

  /// Any bytes; what is not a known code is `.unknown` (counted by ingest, never dropped).
  public init(_ text: UnsafeBufferPointer<UInt8>) {
    guard text.count == 3, text[1] >= 48, text[1] <= 57, text[2] >= 48, text[2] <= 57 else {
      self = .unknown
      return
    }
    let number = Int(text[1] - 48) * 10 + Int(text[2] - 48)
    let group: Int
    switch text[0] {
    case 78: group = 0
    case 67: group = 1
    case 82: group = 2
    case 69: group = 3
    default:
      self = .unknown
      return
    }
    self.index = ItemStatus.table[group * 100 + number]
  }

  public init(_ text: String) {
    var copy = text
    self = copy.withUTF8 { ItemStatus($0) }
  }

  private static let table: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 400)
    for (index, code) in codes.enumerated() {
      let bytes = Array(code.utf8)
      let group = [78: 0, 67: 1, 82: 2, 69: 3][Int(bytes[0])] ?? 0
      table[group * 100 + Int(bytes[1] - 48) * 10 + Int(bytes[2] - 48)] = UInt8(index)
    }
    return table
  }()

  /// C40–C43 and C47–C49 (facts.md, "Item codes").
  public var isCancelled: Bool { index >= 17 && index <= 23 }
  /// R40–R43.
  public var isReturned: Bool { index >= 34 && index <= 37 }
  /// Neither cancelled nor returned; requests and unknown codes are live.
  public var isLive: Bool { !isCancelled && !isReturned }
  /// N30, N40, N50 and every R and E code.
  public var isShipped: Bool { (index >= 8 && index <= 10) || (index >= 24 && index != 255) }
}
