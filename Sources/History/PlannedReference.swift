/// An edition of reference data, and what one lane has made ready of it.
public final class PlannedReference {
  public let data: ReferenceData
  /// By name of a list: its number.
  let listNumbers: [String: Int]
  var countries = CountryMemo()

  public init(_ data: ReferenceData) {
    self.data = data
    let names = data.lists.names
    listNumbers = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
  }
}

extension HistoryFolder {
  /// The edition that orders are judged by now.
  public var reference: ReferenceData { edition.data }

  /// Judges by another edition from now on. What is folded already keeps its zones and countries.
  public func use(_ edition: PlannedReference) {
    guard edition !== self.edition else { return }
    self.edition = edition
    bitOfList = [Int8](repeating: -1, count: edition.data.lists.names.count)
    prepareAnew()
  }
}
