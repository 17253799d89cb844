/// The decided rules of a plan, ordered by rule set, then as in the set; each is found when it is asked for, since a
/// plan of ten thousand malls has hundreds of thousands.
public struct PlannedRules: RandomAccessCollection, Sendable {
  private let setProfiles: [UInt32]
  private let profiles: [Profile]
  /// By rule set: rules of the sets before it; one more than sets.
  private let starts: [Int]

  init(_ setProfiles: [UInt32], _ profiles: [Profile], starts: [Int]) {
    self.setProfiles = setProfiles
    self.profiles = profiles
    self.starts = starts
  }

  /// For each set, how many rules come before it, and at the end of all.
  static func starts(_ setProfiles: [UInt32], _ profiles: [Profile]) -> [Int] {
    var starts = [0]
    starts.reserveCapacity(setProfiles.count + 1)
    var count = 0
    for profile in setProfiles {
      count += profiles[Int(profile)].rules.count
      starts.append(count)
    }
    return starts
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { starts.last ?? 0 }

  public subscript(position: Int) -> Plan.PlannedRule {
    precondition(position >= 0 && position < endIndex, "no rule at \(position)")
    // The last set that begins at or before it: sets without rules are passed over.
    var low = 0
    var high = setProfiles.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    let place = position - starts[low]
    return Plan.PlannedRule(
      ruleSet: low, rule: profiles[Int(setProfiles[low])].rules[place].position, place: place)
  }
}
