import Testing

@testable import Orders

struct MoneyTests {
  private func read(_ text: String, _ decimals: Int) -> Result<Int64, Money.ParseError> {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      Result { () throws(Money.ParseError) in try Money.minorUnits(bytes, decimals: decimals) }
    }
  }

  @Test(
    arguments: [
      ("0", 0, 0), ("45000", 0, 45_000), ("00045", 0, 45), ("-0", 0, 0), ("12.50", 2, 1_250),
      ("12.5", 2, 1_250),
      ("12", 2, 1_200), ("0.01", 2, 1), ("1.234", 3, 1_234), ("1000000000000", 0, 1_000_000_000_000),
      ("10000000000.00", 2, 1_000_000_000_000), ("-0.00", 2, 0),
    ] as [(String, Int, Int64)]) func amountsAreMinorUnits(_ text: String, _ decimals: Int, _ value: Int64)
  {
    #expect(read(text, decimals) == .success(value))
  }

  @Test(
    arguments: [
      ("", 0, .notDecimal), ("-", 0, .notDecimal), (".", 2, .notDecimal), ("1.", 2, .notDecimal),
      (".5", 2, .notDecimal), ("1.2.3", 2, .notDecimal), ("1e3", 0, .notDecimal), ("+1", 0, .notDecimal),
      ("1,000", 0, .notDecimal), (" 1", 0, .notDecimal), ("１", 0, .notDecimal), ("--1", 0, .notDecimal),
      ("NaN", 0, .notDecimal), ("-1", 0, .negative), ("-0.01", 2, .negative), ("1.0", 0, .tooManyDecimals),
      ("1.000", 2, .tooManyDecimals), ("1000000000001", 0, .tooLarge), ("10000000000.01", 2, .tooLarge),
      ("99999999999999999999999999", 0, .tooLarge), ("9223372036854775808", 3, .tooLarge),
    ] as [(String, Int, Money.ParseError)]) func whatIsNoAmountIsRefused(
      _ text: String, _ decimals: Int, _ error: Money.ParseError
    )
  {
    #expect(read(text, decimals) == .failure(error))
  }

  @Test func amountsArePrintedInTheCurrencysUnit() {
    #expect(Money.text(45_000, decimals: 0) == "45000")
    #expect(Money.text(1_250, decimals: 2) == "12.50")
    #expect(Money.text(5, decimals: 2) == "0.05")
    #expect(Money.text(-5, decimals: 2) == "-0.05")
    #expect(Money.text(-1_250, decimals: 2) == "-12.50")
    #expect(Money.text(.max, decimals: 3) == "9223372036854775.807")
    #expect(Money.text(.min, decimals: 3) == "-9223372036854775.808")
  }

  @Test func rulesCompareTenThousandthsWhateverTheCurrency() {
    #expect(Money.ruleUnits(100_000, decimals: 0) == 1_000_000_000)
    #expect(Money.ruleUnits(100_000, decimals: 2) == 10_000_000)
    #expect(Money.ruleUnits(.max, decimals: 0) == .max)
    #expect(Money.ruleUnits(.min, decimals: 0) == .min)
  }

  @Test func currenciesKnowTheirDecimals() {
    let decimals = ["KRW", "JPY", "USD", "KWD", "EUR", "QQQ"].map { Currency(code: $0)?.decimals }
    #expect(decimals == [0, 0, 2, 3, 2, 2])
    for code in ["", "kr", "krw", "KR", "KRWW", "K1W", "원화화"] { #expect(Currency(code: code) == nil) }
  }
}
