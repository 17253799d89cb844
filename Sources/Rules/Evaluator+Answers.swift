internal import CRuleKernels

extension Evaluator {
  /// The rule of `plan.rules` as it was planned.
  private func planned(_ rule: Int) -> Profile.PlacedRule? {
    guard plan.rules.indices.contains(rule) else { return nil }
    let planned = plan.rules[rule]
    return plan.profile(of: planned.ruleSet).rules[planned.place]
  }

  private func has(_ row: Int, of rule: Int) -> Bool {
    row >= 0 && row < count && batch.map { Int($0.ruleSets[row]) } == plan.rules[rule].ruleSet
  }

  /// Answer of a rule of `plan.rules` for a row of its rule set; false for any other.
  public func outcome(rule: Int, row: Int) -> Outcome {
    guard let planned = planned(rule), has(row, of: rule) else { return .false }
    return bit(planned.root, row)
  }

  func bit(_ reference: NodeReference, _ row: Int) -> Outcome {
    let planes = planes(reference)
    let shift = UInt64(truncatingIfNeeded: row & 63)
    if (planes.t[row &>> 6] &>> shift) & 1 == 1 { return .true }
    return (planes.f[row &>> 6] &>> shift) & 1 == 1 ? .false : .unknown
  }

  /// 1 + index of the first false term, or, when the rule is unknown, of the first unknown one; 0 when it is true.
  public func term(rule: Int, row: Int) -> Int {
    let outcome = outcome(rule: rule, row: row)
    guard outcome != .true, let planned = planned(rule), has(row, of: rule) else { return 0 }
    return (planned.terms.firstIndex { bit($0, row) == outcome } ?? -1) + 1
  }

  /// Whether a rule does what its `otherwise` says for a row: it is looked at and its condition is false.
  public func isOtherwise(rule: Int, row: Int) -> Bool {
    guard let otherwise = planned(rule)?.otherwise, has(row, of: rule) else { return false }
    return bit(otherwise, row) == .true
  }

  /// Whether an item-scope rule labels the line with this index within its order.
  public func isLineMatched(rule: Int, row: Int, itemIndex: Int) -> Bool {
    guard let match = planned(rule)?.match, let batch, has(row, of: rule), itemIndex >= 0,
      itemIndex < Int(batch.items.starts[row + 1] - batch.items.starts[row])
    else { return false }
    return bit(match, Int(batch.items.starts[row]) + itemIndex) == .true
  }

  /// As `isOtherwise(rule:row:)`, for the rule at this place among the decided rules of the row's own rule set.
  public func isOtherwise(place: Int, row: Int) -> Bool {
    guard let profile = profile(ofRow: row), plan.profiles[profile].rules.indices.contains(place),
      let otherwise = plan.profiles[profile].rules[place].otherwise
    else { return false }
    return bit(otherwise, row) == .true
  }

  /// As `isLineMatched(rule:row:itemIndex:)`, for the rule at this place among the decided rules of the row's own
  /// rule set.
  public func isLineMatched(place: Int, row: Int, itemIndex: Int) -> Bool {
    guard let profile = profile(ofRow: row), plan.profiles[profile].rules.indices.contains(place),
      let match = plan.profiles[profile].rules[place].match, let batch, itemIndex >= 0,
      itemIndex < Int(batch.items.starts[row + 1] - batch.items.starts[row])
    else { return false }
    return bit(match, Int(batch.items.starts[row]) + itemIndex) == .true
  }

  private func profile(ofRow row: Int) -> Int? {
    guard row >= 0, row < count else { return nil }
    let profile = Int(rowProfiles[row])
    return profile < plan.profiles.count ? profile : nil
  }

  /// Rows of a rule that are true, as bits: `(count + 63) / 64` words; what they say of rows of other rule sets means
  /// nothing. Nil for a rule that is not there.
  public func trueRows(rule: Int) -> UnsafeBufferPointer<UInt64>? {
    planned(rule).map { UnsafeBufferPointer(start: planes($0.root).t, count: (count + 63) / 64) }
  }

  /// Rows of a rule that are false, as bits; what is in neither is unknown.
  public func falseRows(rule: Int) -> UnsafeBufferPointer<UInt64>? {
    planned(rule).map { UnsafeBufferPointer(start: planes($0.root).f, count: (count + 63) / 64) }
  }

  /// Writes the answers of all rows out row by row, as a decision carries them; read with `answers(row:)`.
  public func arrangeByRow() {
    guard let program, count > 0 else { return }
    let single = hasOneProfile
    for word in 0..<((count + 63) / 64) {
      rowAnswers.clear()
      var left = Kernels.mask(word, rows: count)
      while left != 0 {
        let profile = rowProfiles[word &* 64 &+ left.trailingZeroBitCount]
        let mine = single ? left : left & rule_rows_equal(rowProfiles + word &* 64, profile)
        left &= ~mine
        if program.isPlaced(profile) {
          program.forEachRule(of: profile) { arrange($0, word, mine) }
        }
      }
      rowAnswers.write(word: word)
    }
  }

  private func arrange(_ rule: Program.PlacedRule, _ word: Int, _ mine: UInt64) {
    let isTrue = rule.root.t[word] & mine
    var isFalse = rule.root.f[word] & mine
    var isUnknown = mine & ~(isTrue | isFalse)
    rowAnswers.put(isTrue: isTrue, isUnknown: isUnknown, rule: rule.position)
    for index in 0..<rule.terms.count {
      if isFalse | isUnknown == 0 { break }
      let p = rule.terms[index]
      let failing = isFalse & p.f[word]
      let missing = isUnknown & ~(p.t[word] | p.f[word])
      rowAnswers.put(rows: failing | missing, term: index &+ 1, rule: rule.position)
      isFalse &= ~failing
      isUnknown &= ~missing
    }
  }

  /// After `arrangeByRow`: one byte per rule of the row's rule set (drafts and retired ones are 0): the outcome,
  /// and 1 + the index of the first false or unknown term.
  public func answers(row: Int) -> (outcomes: UnsafeBufferPointer<UInt8>, terms: UnsafeBufferPointer<UInt8>) {
    guard let batch, row >= 0, row < count, plan.ruleSets.indices.contains(Int(batch.ruleSets[row])) else {
      return (UnsafeBufferPointer(start: nil, count: 0), UnsafeBufferPointer(start: nil, count: 0))
    }
    return answers(row: row, count: plan.ruleSets[Int(batch.ruleSets[row])].rules.count)
  }

  /// The same for who knows how many rules the row's set has.
  public func answers(row: Int, count length: Int) -> (
    outcomes: UnsafeBufferPointer<UInt8>, terms: UnsafeBufferPointer<UInt8>
  ) {
    guard row >= 0, row < count else {
      return (UnsafeBufferPointer(start: nil, count: 0), UnsafeBufferPointer(start: nil, count: 0))
    }
    return (rowAnswers.outcomes(row: row, count: length), rowAnswers.terms(row: row, count: length))
  }
}
