import Orders
import Shop
import Topics

/// The shop's own order list as text: 주문일 | 주문자 (masked) | 주문금액 | 주문 라벨.
struct OrderList {
  private struct Row {
    var date: String
    var buyer: String
    var amount: String
    var labels: String
  }

  private var rows: [Row] = []

  /// One order as the shop shows it; its labels in the order of their names.
  mutating func add(_ glimpse: OrderGlimpse, labels: [ItemLabel]) {
    var names: [String] = []
    for label in labels.map(\.label).sorted(by: bytesPrecede) where names.last != label {
      names.append(label)
    }
    let date = glimpse.placedAt.prefix(16).map { $0 == "T" ? " " : String($0) }.joined()
    rows.append(
      Row(
        date: date, buyer: Masking.name(glimpse.buyerName),
        amount: OrderList.grouped(glimpse.amount)
          + (glimpse.currency == "KRW" ? "원" : " " + glimpse.currency),
        labels: names.joined(separator: " · ")))
  }

  private static func grouped(_ digits: String) -> String {
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return digits }
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  var text: String {
    var lines = [("주문일", "주문자", "주문금액", "주문 라벨")]
    lines += rows.map { ($0.date, $0.buyer, $0.amount, $0.labels) }
    func width(_ column: (((String, String, String, String)) -> String)) -> Int {
      lines.map { OrderList.width(column($0)) }.max() ?? 0
    }
    let widths = (width { $0.0 }, width { $0.1 }, width { $0.2 })
    return lines.map { line in
      "  " + OrderList.padded(line.0, widths.0) + " | " + OrderList.padded(line.1, widths.1) + " | "
        + OrderList.padded(line.2, widths.2, right: true) + " | " + line.3 + "\n"
    }.joined()
  }

  /// Columns on a terminal: Hangul and the masking circle take two.
  static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x1100 && $1.value != 0x00B7 ? 2 : 1) }
  }

  private static func padded(_ text: String, _ width: Int, right: Bool = false) -> String {
    let spaces = String(repeating: " ", count: max(width - OrderList.width(text), 0))
    return right ? spaces + text : text + spaces
  }
}
