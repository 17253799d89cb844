import Orders
import Rules
import Topics

/// Which labels and actions the rules of a set give: worked out once for all sets that differ in their conditions
/// alone, the constant fields of a decision written once. The tables hold plain numbers, so that a row costs no
/// reference counting.
struct LabelPlan: Sendable {
  struct Source {
    /// Index in the rule set: its byte in `Evaluator.answers`.
    var rule: Int
    /// Place among the decided rules of the set, for item lines.
    var place: Int
    /// Field 2 of the label, its rule's id, in `bytes`.
    var id: Range<Int>
    /// What the rule does where its condition is false.
    var isOtherwise: Bool
  }

  /// A label by rules of one scope and one way of ending; sorted by label bytes.
  struct Entry {
    /// Field 1 of the label, its name, in `bytes`.
    var label: Range<Int>
    var keepOnCancel: Bool
    /// Place among the decided rules of the one rule of item scope; −1: all live items.
    var itemPlace: Int
    /// In `sources`, sorted by id bytes.
    var sources: Range<Int>
  }

  struct Effect {
    var source: Source
    /// The whole field of the decision, in `bytes`; of a message about stock what it begins with: kind and rule.
    var field: Range<Int>
    /// Of a message about stock, which is one for each SKU: its text begins so, in `bytes`.
    var stockText: Range<Int>?
    /// Of that, by a rule of item scope: its place among the decided rules, for the lines it speaks of; −1: all.
    var itemPlace = -1
  }

  private(set) var entries: [Entry] = []
  private(set) var sources: [Source] = []
  private(set) var effects: [Effect] = []
  private(set) var bytes: [UInt8] = []
  /// Names of the facts that some term waits for, sorted as bytes.
  private(set) var waitNames: [String] = []
  /// Places in `waitNames` of the facts that a rule's term waits for: those of term t of rule r are at
  /// `waitPlaces[waitStarts[termStarts[r] + t] ..< waitStarts[termStarts[r] + t + 1]]`.
  private(set) var waitPlaces: [Int] = []
  private var waitStarts: [Int] = [0]
  private var termStarts: [Int] = []

  /// Of no rules.
  init() {}

  init(_ set: RuleSet) {
    var drafts: [Draft] = []
    var decided = 0
    for (index, rule) in set.rules.enumerated() where rule.isDecided {
      let place = decided
      decided += 1
      guard rule.state == .active else { continue }
      var source = DraftSource(rule: index, place: place, id: rule.id)
      add(rule.actions, rule, source, to: &drafts)
      guard let otherwise = rule.otherwise else { continue }
      source.isOtherwise = true
      add(otherwise, rule, source, to: &drafts)
    }
    drafts.sort { left, right in
      if !left.label.utf8.elementsEqual(right.label.utf8) { return bytesPrecede(left.label, right.label) }
      return !left.keepOnCancel && right.keepOnCancel
    }
    for draft in drafts { add(draft) }
    addWaits(set)
  }

  /// What a rule waits for that is undecided because of this term (from 0).
  func waits(rule: Int, term: Int) -> ArraySlice<Int> {
    let index = termStarts[rule] + term
    return waitPlaces[waitStarts[index]..<waitStarts[index + 1]]
  }

  private mutating func addWaits(_ set: RuleSet) {
    let names = set.rules.map { rule in rule.terms.map { $0.references.map(\.name) } }
    waitNames = Set(names.joined().joined()).sorted(by: bytesPrecede)
    var places: [String: Int] = [:]
    for (place, name) in waitNames.enumerated() { places[name] = place }
    for rule in names {
      termStarts.append(waitStarts.count - 1)
      for term in rule {
        waitPlaces += term.compactMap { places[$0] }
        waitStarts.append(waitPlaces.count)
      }
    }
  }

  private mutating func append(_ write: (inout ProtobufWriter) -> Void) -> Range<Int> {
    var writer = ProtobufWriter()
    write(&writer)
    let start = bytes.count
    bytes += writer.bytes
    return start..<bytes.count
  }

  private mutating func add(
    _ actions: Rule.Actions, _ rule: Rule, _ source: DraftSource, to drafts: inout [Draft]
  ) {
    for label in actions.labels { Draft.add(label, rule, source, to: &drafts) }
    addEffects(actions, rule, source)
  }

  private mutating func add(_ draft: Draft) {
    let start = sources.count
    for source in draft.sources {
      let id = append { $0.presentString(2, source.id) }
      sources.append(
        Source(rule: source.rule, place: source.place, id: id, isOtherwise: source.isOtherwise))
    }
    entries.append(
      Entry(
        label: append { $0.string(1, draft.label) }, keepOnCancel: draft.keepOnCancel,
        itemPlace: draft.itemPlace, sources: start..<sources.count))
  }

  private mutating func addEffects(_ actions: Rule.Actions, _ rule: Rule, _ source: DraftSource) {
    for effect in actions.effects(ruleName: rule.name) {
      if effect.kind == Rule.Effect.stockAlertKind {
        addStockMessages(effect, rule, source)
        continue
      }
      // An effect of both branches is two: the one is taken back when the other comes.
      let cause =
        source.isOtherwise ? effect.cause.isEmpty ? "otherwise" : "otherwise: " + effect.cause : effect.cause
      let field = append { writer in
        let nested = writer.beginMessage(3)
        writer.string(1, effect.kind)
        writer.string(2, source.id)
        writer.string(3, cause)
        writer.string(4, effect.text)
        writer.string(5, effect.channel)
        writer.string(6, effect.team)
        writer.endMessage(nested)
      }
      effects.append(
        Effect(
          source: Source(
            rule: source.rule, place: source.place, id: 0..<0, isOtherwise: source.isOtherwise),
          field: field))
    }
  }

  /// What tells one from the other is known with the order: the crossing of each SKU that has run low.
  private mutating func addStockMessages(_ effect: Rule.Effect, _ rule: Rule, _ source: DraftSource) {
    let field = append { writer in
      writer.string(1, effect.kind)
      writer.string(2, source.id)
    }
    let start = bytes.count
    bytes += effect.text.utf8
    effects.append(
      Effect(
        source: Source(rule: source.rule, place: source.place, id: 0..<0, isOtherwise: source.isOtherwise),
        field: field, stockText: start..<bytes.count,
        itemPlace: rule.isItemScope && !source.isOtherwise ? source.place : -1))
  }

  private struct DraftSource {
    var rule: Int
    var place: Int
    var id: String
    var isOtherwise = false
  }

  private struct Draft {
    var label: String
    var keepOnCancel: Bool
    var itemPlace: Int
    var sources: [DraftSource]

    /// Labels are told apart by their bytes.
    static func add(_ label: String, _ rule: Rule, _ source: DraftSource, to drafts: inout [Draft]) {
      let isOfItems = rule.isItemScope && !source.isOtherwise
      let known = drafts.firstIndex {
        $0.label.utf8.elementsEqual(label.utf8) && $0.keepOnCancel == rule.keepsOnCancel && $0.itemPlace < 0
      }
      if let known, !isOfItems {
        drafts[known].sources.append(source)
      } else {
        drafts.append(
          Draft(
            label: label, keepOnCancel: rule.keepsOnCancel, itemPlace: isOfItems ? source.place : -1,
            sources: [source]))
      }
    }
  }
}
