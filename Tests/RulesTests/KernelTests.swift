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
    let sets = (0..<rows).map { _ in UInt32(random.below(40)) }
    let constants = (0..<(32 * 16)).map { _ in random.pick(extremes) }
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
      found += parameters(a, known, sets: sets, constants: constants)
      found += narrow(a, known, sets: sets, codes: codes)
      found.append(hash(constants))
      return found
    }
    let plain = all(0)
    let avx2 = all(1)
    let widest = all(2)
    #expect(plain == avx2 && plain == widest)
    #expect(plain[0].indices.allSatisfy { plain[0][$0] & ~known[$0] == 0 })
  }

  /// Each test of a constant of the row's own set, 32 sets of up to 16, some rows of none.
  private func parameters(_ values: [Int64], _ known: [UInt64], sets: [UInt32], constants: [Int64])
    -> [[UInt64]]
  {
    let places = [0, 3, 3, 7, 8, 15]
    let words = known.count
    var t = [UInt64](repeating: 0, count: words * places.count)
    var f = t
    var columns = [Int64](repeating: 0, count: words * 64 * places.count)
    let table = ParameterTable(columns: 16, sets: 32)
    for set in 0..<32 { table.put(Array(constants[(set * 16)...].prefix(16)), Array(0..<16), of: set) }
    for test in [
      rule_parameter_store, rule_parameter_at_least, rule_parameter_at_most, rule_parameter_equals,
    ] {
      values.withUnsafeBufferPointer { values in
        known.withUnsafeBufferPointer { known in
          t.withUnsafeMutableBufferPointer { t in
            f.withUnsafeMutableBufferPointer { f in
              columns.withUnsafeMutableBufferPointer { columns in
                let uses = places.enumerated().map { index, place in
                  rule_parameter_use(
                    place: Int32(place), test: Int32(test.rawValue), values: values.baseAddress,
                    known: known.baseAddress, t: t.baseAddress.map { $0 + index * words },
                    f: f.baseAddress.map { $0 + index * words },
                    column: columns.baseAddress.map { $0 + index * words * 64 }, step: 1)
                }
                rule_parameters(sets, 32, table.base, table.width, uses, uses.count, words)
              }
            }
          }
        }
      }
      guard test != rule_parameter_store else { continue }
      for (index, place) in places.enumerated() {
        for row in 0..<(words * 64) where sets[row] < 32 {
          let constant = constants[Int(sets[row]) * 16 + place]
          let isTrue =
            test == rule_parameter_at_least
            ? values[row] >= constant
            : test == rule_parameter_at_most ? constant >= values[row] : constant == values[row]
          let isKnown = (known[row / 64] >> UInt64(row % 64)) & 1 == 1
          #expect((t[index * words + row / 64] >> UInt64(row % 64)) & 1 == (isTrue && isKnown ? 1 : 0))
          #expect((f[index * words + row / 64] >> UInt64(row % 64)) & 1 == (!isTrue && isKnown ? 1 : 0))
          #expect(columns[(index * words * 64) + row] == constant)
        }
      }
    }
    return [t, f, columns.map { UInt64(bitPattern: $0) }]
  }

  /// The same of narrow constants.
  private func narrow(_ values: [Int64], _ known: [UInt64], sets: [UInt32], codes: [UInt32]) -> [[UInt64]] {
    let words = known.count
    let steps: [Int64] = [1, 70_000, 1 << 47, 3, 1 << 33]
    // Some of the values are constants.
    let table = ParameterTable(columns: 5, sets: 32)
    for set in 0..<32 {
      table.put(steps.enumerated().map { Int64(codes[set * 5 + $0] * 17) * $1 }, Array(0..<5), of: set)
    }
    let narrow = NarrowTable(table, columnCount: 5)
    let values = values.enumerated().map { row, value in
      row % 3 > 0 ? value : table.value(of: Int(sets[row] % 32), column: row % 5) + Int64(row % 2)
    }
    var found: [[UInt64]] = []
    for test in [rule_parameter_at_least, rule_parameter_at_most, rule_parameter_equals] {
      for column in 0..<5 {
        var t = [UInt64](repeating: 0, count: words)
        var f = t
        guard let place = narrow.columns[column] else {
          Issue.record("column \(column) is not narrow")
          continue
        }
        values.withUnsafeBufferPointer { values in
          known.withUnsafeBufferPointer { known in
            t.withUnsafeMutableBufferPointer { t in
              f.withUnsafeMutableBufferPointer { f in
                let use = rule_parameter_use(
                  place: Int32(place.place), test: Int32(test.rawValue), values: values.baseAddress,
                  known: known.baseAddress, t: t.baseAddress, f: f.baseAddress, column: nil, step: place.step)
                rule_narrow_parameters(sets, 32, narrow.base, narrow.width, [use], 1, words)
              }
            }
          }
        }
        for row in 0..<(words * 64) where sets[row] < 32 {
          let constant = table.value(of: Int(sets[row]), column: column)
          let isTrue =
            test == rule_parameter_at_least
            ? values[row] >= constant
            : test == rule_parameter_at_most ? constant >= values[row] : constant == values[row]
          let isKnown = (known[row / 64] >> UInt64(row % 64)) & 1 == 1
          #expect((t[row / 64] >> UInt64(row % 64)) & 1 == (isTrue && isKnown ? 1 : 0))
          #expect((f[row / 64] >> UInt64(row % 64)) & 1 == (!isTrue && isKnown ? 1 : 0))
        }
        found += [t, f]
      }
    }
    return found
  }

  private func hash(_ values: [Int64]) -> [UInt64] {
    var state: [UInt32] = [1, 2, 3, 4, 5, 6, 7, 0xFFFF_FFFF]
    values.withUnsafeBytes {
      rule_sha256_blocks(&state, $0.bindMemory(to: UInt8.self).baseAddress, $0.count / 64)
    }
    return state.map { UInt64($0) }
  }
}
