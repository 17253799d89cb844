/// IP ranges → country, sorted and without overlap, one table per family.
public struct GeoTable: Sendable {
  /// Beyond this many ranges of a family, the rest of a file is refused.
  public static let rangesMax = 8_000_000

  var starts4: [UInt32] = []
  var ends4: [UInt32] = []
  /// Two capital letters packed; 0 = unknown (`??`, `AP`).
  var countries4: [UInt16] = []
  var starts6: [Wide] = []
  var ends6: [Wide] = []
  var countries6: [UInt16] = []

  struct Wide: Comparable, Sendable {
    var high: UInt64
    var low: UInt64

    @inline(__always) static func < (left: Wide, right: Wide) -> Bool {
      left.high != right.high ? left.high < right.high : left.low < right.low
    }
  }

  public var rangeCount: Int { starts4.count + starts6.count }

  /// Country code of an address given as text; nil when it is missing (facts.md, `ip.country`).
  public func country(of text: String) -> String? {
    var copy = text
    let packed = copy.withUTF8 { country(ofText: UnsafeRawBufferPointer($0)) }
    return packed == 0 ? nil : countryText(packed)
  }

  /// The same, packed; 0 = missing.
  func country(ofText text: UnsafeRawBufferPointer) -> UInt16 {
    guard text.count > 0, let address = IPAddress(text), address.isPublic else { return 0 }
    switch address {
    case .v4(let value):
      let index = Self.position(starts4, value)
      return index >= 0 && ends4[index] >= value ? countries4[index] : 0
    case .v6(let high, let low):
      let value = Wide(high: high, low: low)
      let index = Self.position(starts6, value)
      return index >= 0 && ends6[index] >= value ? countries6[index] : 0
    }
  }

  /// Index of the last start that is not above the value; −1 for none.
  @inline(__always)
  private static func position<Value: Comparable>(_ starts: [Value], _ value: Value) -> Int {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) >> 1
      if starts[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}
