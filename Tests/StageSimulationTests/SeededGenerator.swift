import TestKit

extension SeededGenerator {
  mutating func happens(_ percent: Double) -> Bool {
    percent > 0 && Double.random(in: 0..<100, using: &self) < percent
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}
