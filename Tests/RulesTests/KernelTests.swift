import CRuleKernels
import TestKit
import Testing

@testable import Rules

/// Whatever instructions a processor has, the kernels say the same.
@Suite(.serialized) struct KernelTests {
  @Test func everyFormOfAKernelSaysTheSame() {
    let seed = setting("RULES_SEED", UInt64.random(in: 0...UInt64.max))
    print("kernels seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let words = 5
    let rows = words * 64
    let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, 2, .max - 1, .max]
    let a = (0..<rows).map { _ in random.pick(extremes) }
    let b = (0..<rows).map { _ in random.pick(extremes) }
    let known = (0..<words).map { _ in random.next() }
    let other = (0..<words).map { _ in random.next() }
    let codes = (0..<rows).map { _ in UInt32(random.below(4)) }
    let ranks = (0..<rows).map { _ in random.pick([UInt16(0), 1, 2, 0x7FFF, 0x8000, 0xFFFF]) }
    func all(_ level: Int32) -> [[UInt64]] {
      rule_kernels_limit(level)
      var found: [[UInt64]] = []
      func run(_ body: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>) -> Void) {
        var t = [UInt64](repeating: 7, count: words)
        var f = t
        t.withUnsafeMutableBufferPointer { t in
          f.withUnsafeMutableBufferPointer { f in
            if let t = t.baseAddress, let f = f.baseAddress { body(t, f) }
          }
        }
        found += [t, f]
      }
      for constant in extremes {
        run { rule_at_least(a, known, constant, $0, $1, words) }
        run { rule_equals(a, known, constant, $0, $1, words) }
      }
      run { rule_at_least_number(a, known, b, other, $0, $1, words) }
      run { rule_equals_number(a, known, b, other, $0, $1, words) }
      for subtract: Int32 in 0...1 {
        var sums = [Int64](repeating: 0, count: rows)
        var sumsKnown = known
        rule_add(a, b, subtract, &sums, &sumsKnown, words)
        found += [sumsKnown, sums.map { UInt64(bitPattern: $0) }]
      }
      for code in 0..<4 { run { rule_text_equals(codes, UInt32(code), $0, $1, words) } }
      for rank in [UInt16(0), 1, 0x7FFF, 0x8000, 0xFFFF] {
        run { rule_rank_at_least(ranks, rank, known, $0, $1, words) }
        run { rule_rank_equals(ranks, rank, known, $0, $1, words) }
      }
      found.append((0..<4).map { rule_rows_equal(codes, UInt32($0)) })
      return found
    }
    let plain = all(0)
    let avx2 = all(1)
    let widest = all(2)
    #expect(plain == avx2 && plain == widest)
    #expect(plain[0].indices.allSatisfy { plain[0][$0] & ~known[$0] == 0 })
  }
}
