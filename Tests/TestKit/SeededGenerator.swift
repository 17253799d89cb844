import Glibc

/// SplitMix64: the same numbers for the same seed, on every machine.
public struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// From `SEED` in the environment, else the given one; printed, so that a failure can be repeated.
  public static func announced(_ test: String, seed: UInt64) -> SeededGenerator {
    let chosen = setting("SEED", seed)
    print("\(test): seed \(chosen) (set SEED to repeat)")
    return SeededGenerator(seed: chosen)
  }

  public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }
  public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// An unsigned number from the environment, else `fallback`.
public func setting(_ name: String, _ fallback: UInt64) -> UInt64 {
  getenv(name).flatMap { UInt64(String(cString: $0)) } ?? fallback
}
