/// What has to hold of an order, with everything three-valued taken apart: each part is two-valued.
indirect enum Formula {
  /// The fact `key` is one of `values`, or is missing where that is allowed.
  case limit(key: String, values: ValueSet, missing: Bool)
  case all([Formula])
  case any([Formula])

  static let always = Formula.all([])
  static let never = Formula.any([])
}

/// What may be known of a fact.
struct Domain: Equatable {
  var values: ValueSet
  /// The fact may be missing.
  var missing: Bool

  var isEmpty: Bool { values.isEmpty && !missing }
}

/// Searches for an order of which some formulas hold together. Sound one way: "no" is certain; when the search grows
/// too long the answer is "maybe".
struct Solver {
  /// Parts looked at before giving up.
  static let stepsMax = 4_000
  static let depthMax = 200

  /// What each fact can be at all; a fact that is not there can be anything.
  let naturals: Naturals
  private var steps = 0

  init(naturals: Naturals) { self.naturals = naturals }

  /// True when no order there is can fulfil them all.
  static func excludes(_ formulas: [Formula], _ naturals: Naturals) -> Bool {
    var solver = Solver(naturals: naturals)
    return !solver.search(formulas, [:], depth: 0)
  }

  private mutating func search(_ formulas: [Formula], _ state: [String: Domain], depth: Int) -> Bool {
    var state = state
    var pending = formulas
    var choices: [[Formula]] = []
    while let formula = pending.popLast() {
      steps += 1
      if steps > Solver.stepsMax { return true }
      switch formula {
      case .limit(let key, let values, let missing):
        if !narrow(key, values, missing, &state) { return false }
      case .all(let parts): pending += parts
      case .any(let parts) where parts.count == 1: pending.append(parts[0])
      case .any(let parts): choices.append(parts)
      }
    }
    // The fewest ways first: an empty choice ends it at once.
    choices.sort { $0.count < $1.count }
    guard let first = choices.first else { return true }
    guard depth < Solver.depthMax else { return true }
    let rest = choices.dropFirst().map { Formula.any($0) }
    for way in first where search([way] + rest, state, depth: depth + 1) { return true }
    return false
  }

  private func narrow(_ key: String, _ values: ValueSet, _ missing: Bool, _ state: inout [String: Domain])
    -> Bool
  {
    var domain = state[key] ?? naturals[key] ?? Domain(values: values, missing: true)
    domain.values = domain.values.intersection(values)
    domain.missing = domain.missing && missing
    state[key] = domain
    return !domain.isEmpty && spread(from: key, &state)
  }

  /// To those that are never above or below it.
  private func spread(from key: String, _ state: inout [String: Domain]) -> Bool {
    for order in naturals.orders(of: key) {
      guard var low = state[order.low] ?? naturals[order.low],
        var high = state[order.high] ?? naturals[order.high]
      else { continue }
      let before = (low, high)
      order.narrow(&low, &high)
      guard !low.isEmpty, !high.isEmpty else { return false }
      if low != before.0 {
        state[order.low] = low
        guard spread(from: order.low, &state) else { return false }
      }
      if high != before.1 {
        state[order.high] = high
        guard spread(from: order.high, &state) else { return false }
      }
    }
    return true
  }
}
