/// A currency and how many decimals its minor unit has (ISO 4217).
public struct Currency: Hashable, Sendable {
  /// Three capital letters.
  public let code: String
  /// Decimals of the minor unit: KRW 0, USD 2, KWD 3.
  public let decimals: Int

  /// Nil unless the code is three capital ASCII letters. Codes that ISO 4217 does not list get two decimals.
  public init?(code: String) {
    let letters = code.utf8
    guard letters.count == 3, letters.allSatisfy({ $0 >= 65 && $0 <= 90 }) else { return nil }
    self.code = code
    switch code {
    case "KRW", "JPY", "VND", "CLP", "BIF", "DJF", "GNF", "ISK", "KMF", "PYG", "RWF", "UGX", "UYI", "VUV",
      "XAF", "XOF", "XPF":
      decimals = 0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": decimals = 3
    default: decimals = 2
    }
  }

  public static let krw = Currency(code: "KRW")!
}

public enum Money {
  /// Amounts beyond this many minor units are refused (keeps every sum of 256 items × quantity in range).
  public static let minorUnitsMax: Int64 = 1_000_000_000_000
  /// Rules compare money in ten-thousandths of the currency's unit, whatever its decimals.
  public static let ruleScaleDecimals = 4

  public enum ParseError: Error, Equatable, Sendable {
    case notDecimal, negative, tooManyDecimals, tooLarge
  }

  /// Reads a decimal string such as `45000` or `12.50` as minor units. More decimals than the currency has are
  /// refused, trailing zeros included (order-event.md).
  public static func minorUnits(_ text: UnsafeBufferPointer<UInt8>, decimals: Int) throws(ParseError) -> Int64
  {
    guard let first = text.first else { throw .notDecimal }
    let negative = first == 45
    var index = negative ? 1 : 0
    guard index < text.count else { throw .notDecimal }
    var value: Int64 = 0
    var digits = 0
    var fraction = -1
    while index < text.count {
      let byte = text[index]
      if byte == 46, fraction < 0, digits > 0 {
        fraction = 0
      } else if byte >= 48, byte <= 57 {
        if value > minorUnitsMax { throw .tooLarge }
        value = value * 10 + Int64(byte - 48)
        digits += 1
        if fraction >= 0 { fraction += 1 }
      } else {
        throw .notDecimal
      }
      index += 1
    }
    guard digits > 0, fraction != 0 else { throw .notDecimal }
    if max(fraction, 0) > decimals { throw .tooManyDecimals }
    for _ in max(fraction, 0)..<max(decimals, 0) {
      if value > minorUnitsMax { throw .tooLarge }
      value *= 10
    }
    if value > minorUnitsMax { throw .tooLarge }
    if negative, value != 0 { throw .negative }
    return value
  }

  /// `45000` with 0 decimals → "45000"; 1250 with 2 → "12.50".
  public static func text(_ minorUnits: Int64, decimals: Int) -> String {
    guard decimals > 0 else { return String(minorUnits) }
    var divisor: Int64 = 1
    for _ in 0..<decimals { divisor *= 10 }
    let rest = String(abs(minorUnits % divisor) + divisor).dropFirst()
    return "\(minorUnits < 0 && minorUnits > -divisor ? "-" : "")\(minorUnits / divisor).\(rest)"
  }

  /// Minor units → ten-thousandths of the unit, saturating.
  @inlinable public static func ruleUnits(_ minorUnits: Int64, decimals: Int) -> Int64 {
    var value = minorUnits
    var missing = 4 - decimals
    while missing > 0 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return value < 0 ? .min : .max }
      value = product
      missing -= 1
    }
    return value
  }
}
