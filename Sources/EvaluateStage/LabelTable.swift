public import Rules
import Topics

/// A label plan that several rule sets have in common.
final class SharedLabels: Sendable {
  let plan: LabelPlan
  /// Rules of each of the sets.
  let ruleCount: Int

  init(_ plan: LabelPlan, ruleCount: Int) {
    self.plan = plan
    self.ruleCount = ruleCount
  }
}

/// The label plans of a plan's rule sets, one for all sets that differ in their conditions alone: ten thousand malls
/// with rules from one template have one. What a row needs of its set lies close together.
struct LabelTable: Sendable {
  /// By rule set: its place in `plans`.
  private var places: [Int32] = []
  private(set) var plans: [SharedLabels] = []
  /// Field 7 of each set's decisions, its hash, one after the other, and where each begins; one more than sets.
  private var fields: [UInt8] = []
  private var starts: [Int32] = [0]

  /// Plans that no set may have any more, at most: those of sets that changed one by one.
  private static let staleMax = 1_000
  /// Sets that are changed one by one at most.
  private static let changedMax = 64
  private var staleCount = 0

  init(_ plan: Plan, after former: LabelTable? = nil, of formerPlan: Plan? = nil) {
    if let former, let formerPlan, let next = former.changed(plan, of: formerPlan) {
      self = next
    } else {
      self.init(all: plan, after: former, of: formerPlan)
    }
  }

  /// The table with what a few sets of a plan have now; nil when that is not all that is different.
  private func changed(_ plan: Plan, of former: Plan) -> LabelTable? {
    let count = former.ruleSets.count
    guard plan.ruleSets.count >= count, places.count == count else { return nil }
    var changes = Array(count..<plan.ruleSets.count)
    for index in 0..<count where plan.ruleSets[index].hash != former.ruleSets[index].hash {
      changes.append(index)
      guard changes.count <= LabelTable.changedMax else { return nil }
    }
    guard changes.count <= LabelTable.changedMax, staleCount + changes.count <= LabelTable.staleMax else {
      return nil
    }
    var next = self
    for index in changes {
      let set = plan.ruleSets[index]
      let formerSet = index < count ? former.ruleSets[index] : nil
      guard next.put(set, at: index) else { return nil }
      if let formerSet, formerSet.labelKey == set.labelKey { continue }
      let place = Int32(truncatingIfNeeded: next.plans.count)
      next.plans.append(SharedLabels(LabelPlan(set), ruleCount: set.rules.count))
      next.staleCount += 1
      if index < count { next.places[index] = place } else { next.places.append(place) }
    }
    return next
  }

  /// Writes a set's hash in its place, or at the end. False: it is not as long as the one that stands there.
  private mutating func put(_ set: RuleSet, at index: Int) -> Bool {
    var writer = ProtobufWriter(capacity: 80)
    writer.string(7, set.hash)
    guard index < places.count else {
      fields += writer.bytes
      starts.append(Int32(truncatingIfNeeded: fields.count))
      return true
    }
    let range = Int(starts[index])..<Int(starts[index + 1])
    guard range.count == writer.bytes.count else { return false }
    fields.replaceSubrange(range, with: writer.bytes)
    return true
  }

  private init(all plan: Plan, after former: LabelTable?, of formerPlan: Plan?) {
    var writer = ProtobufWriter(capacity: plan.ruleSets.count * 66)
    var known: [[UInt8]: Int32] = [:]
    var kept: [ObjectIdentifier: Int32] = [:]
    places.reserveCapacity(plan.ruleSets.count)
    for (index, set) in plan.ruleSets.enumerated() {
      writer.string(7, set.hash)
      starts.append(Int32(truncatingIfNeeded: writer.count))
      // A set that stays has what it had.
      if let former, let formerPlan, index < formerPlan.ruleSets.count,
        formerPlan.ruleSets[index].hash == set.hash
      {
        let labels = former.plans[Int(former.places[index])]
        let place = kept[ObjectIdentifier(labels)] ?? Int32(truncatingIfNeeded: plans.count)
        if kept.updateValue(place, forKey: ObjectIdentifier(labels)) == nil { plans.append(labels) }
        places.append(place)
        continue
      }
      let key = set.labelKey
      let place = known[key] ?? Int32(truncatingIfNeeded: plans.count)
      if known.updateValue(place, forKey: key) == nil {
        plans.append(SharedLabels(LabelPlan(set), ruleCount: set.rules.count))
      }
      places.append(place)
    }
    fields = writer.bytes
    if plans.isEmpty { plans.append(SharedLabels(LabelPlan(), ruleCount: 0)) }
  }

  /// Of a set of the plan; of one that is not there: of another.
  func labels(of set: Int) -> SharedLabels { plans[places.indices.contains(set) ? Int(places[set]) : 0] }

  /// Writes the hash of a set as a decision carries it.
  func writeHash(of set: Int, to writer: inout ProtobufWriter) {
    guard places.indices.contains(set) else { return }
    let range = Int(starts[set])..<Int(starts[set + 1])
    fields.withUnsafeBytes { writer.raw(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}

/// The rules of all malls made ready for a `Decider`: making them takes time, taking them up does not.
public struct DecisionRules: Sendable {
  public let malls: MallPlan
  let labels: LabelTable

  /// - Parameter former: what of it stays the same is taken over.
  public init(_ malls: MallPlan, after former: DecisionRules? = nil) {
    self.malls = malls
    labels = LabelTable(malls.plan, after: former?.labels, of: former?.malls.plan)
  }
}

extension RuleSet {
  /// Equal for sets with equal label plans: everything that `LabelPlan` reads.
  var labelKey: [UInt8] {
    var key: [UInt8] = []
    key.reserveCapacity(rules.count * 64)
    func number(_ value: Int) {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: value)) { key += $0 }
    }
    func text(_ value: String) {
      number(value.utf8.count)
      key += value.utf8
    }
    func actions(_ actions: Rule.Actions, _ rule: Rule) {
      number(actions.labels.count)
      for label in actions.labels { text(label) }
      let effects = actions.effects(ruleName: rule.name)
      number(effects.count)
      for effect in effects {
        for part in [effect.kind, effect.cause, effect.text, effect.channel, effect.team] { text(part) }
      }
    }
    for rule in rules {
      text(rule.id)
      number(
        (rule.isDecided ? 1 : 0) | (rule.state == .active ? 2 : 0) | (rule.keepsOnCancel ? 4 : 0)
          | (rule.isItemScope ? 8 : 0) | (rule.otherwise == nil ? 0 : 16))
      actions(rule.actions, rule)
      if let otherwise = rule.otherwise { actions(otherwise, rule) }
      number(rule.terms.count)
      for term in rule.terms {
        number(term.references.count)
        for reference in term.references { text(reference.name) }
      }
    }
    return key
  }
}
