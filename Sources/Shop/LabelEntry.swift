import Orders

/// One entry of a bulk label call: a label with the item codes of as many orders as wait for it (D27).
///
/// A backlog makes entries fuller and not more numerous, so the throughput of a shop with a call budget grows
/// with the backlog.
public struct LabelEntry: Hashable, Sendable {
  /// Cafe24: `requests` of a call of `POST /api/v2/admin/labels`.
  public static let entriesPerCallMax = 10

  public var mallId: String
  public var shopNo: Int32
  public var label: String
  public var itemCodes: [String]
  /// Which of the changes the entry serves.
  public var changes: [Int]

  /// Folds the additions among the changes by (mall, shop, label), in the order in which labels first appear.
  /// An entry holds at most `itemCodesMax` codes, unless one order alone has more.
  public static func coalesce(_ changes: [LabelChange], itemCodesMax: Int = 1000) -> [LabelEntry] {
    struct Key: Hashable {
      let mallId: String
      let shopNo: Int32
      let label: String
    }
    var entries: [LabelEntry] = []
    var open: [Key: Int] = [:]
    for (index, change) in changes.enumerated() where change.kind == .add {
      let key = Key(mallId: change.order.mallId, shopNo: change.order.shopNo, label: change.label)
      if let place = open[key], entries[place].itemCodes.count + change.itemCodes.count <= itemCodesMax {
        entries[place].itemCodes += change.itemCodes
        entries[place].changes.append(index)
      } else {
        open[key] = entries.count
        entries.append(
          LabelEntry(
            mallId: key.mallId, shopNo: key.shopNo, label: key.label, itemCodes: change.itemCodes,
            changes: [index]))
      }
    }
    return entries
  }
}
