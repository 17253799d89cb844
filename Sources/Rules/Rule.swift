public import Orders

/// One rule of a shop, checked and ready to be planned.
public struct Rule: Sendable {
  public enum State: String, Sendable, CaseIterable { case draft, shadow, active, retired }

  /// What a rule does when it is true.
  public struct Actions: Hashable, Sendable {
    /// Sorted by bytes, each once.
    public var labels: [String] = []
    public var alertChannel: String?
    public var alertText: String?
    /// Gift target: the order is to get the campaign's gift.
    public var gift = false
    /// A classification mark, and the team that it is for.
    public var mark: String?
    public var markTeam: String?
    /// CS caution: the order is held until somebody has looked.
    public var hold: String?
    /// Written on the order for the shop's people.
    public var memo: String?
    /// A regional shipping surcharge is due.
    public var surcharge = false
    /// The stock of an item is at or below its safety level: told once per mall and downward crossing.
    public var stockAlert = false
    public init() {}
  }

  /// One term of the top-level conjunction.
  public struct Term: Sendable {
    /// As printed from its source, parameters filled in.
    public var text: String
    /// What it reads, sorted by name.
    public var references: [FactReference]
    let typed: TypedExpression
  }

  /// ASCII letters, digits, `-`, `_`, `.`.
  public var id: String
  public var name: String
  public var description = ""
  public var owner = ""
  public var template: String?
  /// Events the rule listens to; empty: all.
  public var when: [String] = []
  /// Nil: the rule has only a `match`.
  public var condition: Expression?
  /// Item scope: the condition on each live item line; labels go to the lines that match.
  public var match: Expression?
  public var actions = Actions()
  public var keepsOnCancel = false
  public var priority = 0
  public var state = State.active
  /// Compared with `order.placed_at`: from ≤ placed_at < until (D20).
  public var effectiveFrom: Instant?
  public var effectiveUntil: Instant?
  /// What the rule does when it is looked at and its condition is false; nil: nothing.
  public var otherwise: Actions?
  /// When the rule acts, rules of its set with a lower priority are not looked at.
  public var stops = false
  /// Of the rules of one group only the first that is true acts; empty: no group.
  public var group = ""

  /// The conjunction as it is decided: what keeps the rule from being looked at (a rule before it that stops or has
  /// the group, `when`, effective dates), then the terms of `if`, then `match`.
  public internal(set) var terms: [Term] = []
  /// How many of `terms` say whether the rule is looked at at all.
  public internal(set) var guardCount = 0
  /// Positions in the set of the rules that keep this one from acting when they act: those that stop, and those of
  /// its group; each in the order in which rules are looked at.
  public internal(set) var stoppedBy: [Int] = []
  public internal(set) var groupBefore: [Int] = []
  let typedMatch: TypedExpression?

  public var isItemScope: Bool { match != nil }
  /// Active and shadow rules are decided; drafts and retired ones are not.
  public var isDecided: Bool { state == .active || state == .shadow }

  public static let idBytesMax = 64
  /// Terms of one conjunction: the index of a term travels in one byte.
  public static let termsMax = 250

  /// Checks nothing but types: `problems` of the condition and the match come back as they are.
  init(id: String, name: String, condition: Expression?, match: Expression?, typedMatch: TypedExpression?) {
    self.id = id
    self.name = name
    self.condition = condition
    self.match = match
    self.typedMatch = typedMatch
  }

  /// Fills `terms` from the other properties; `typedCondition` parallel to the conjuncts of `condition`.
  mutating func buildTerms(typedConjuncts: [TypedExpression]) {
    terms = []
    stoppedBy = []
    groupBefore = []
    if !when.isEmpty {
      let events = when.map { Expression(.string(.init($0))) }
      let text = Expression(.binary(.in, Expression(.name("event")), Expression(.list(events)))).description
      append(text, .textIn(.fact(.event), when.sorted(by: bytesPrecede).map { Array($0.utf8) }))
    }
    if let effectiveFrom {
      append(
        "order.placed_at >= timestamp(\"\(effectiveFrom.rfc3339())\")",
        .compare(.greaterOrEqual, .fact(.placedAt), .number(effectiveFrom.microseconds)))
    }
    if let effectiveUntil {
      append(
        "order.placed_at < timestamp(\"\(effectiveUntil.rfc3339())\")",
        .compare(.less, .fact(.placedAt), .number(effectiveUntil.microseconds)))
    }
    guardCount = terms.count
    if let condition {
      for (part, typed) in zip(condition.conjuncts, typedConjuncts) { append(part.description, typed) }
    }
    if let match, let typedMatch {
      append("match(\(match.description))", Rule.anyLiveItem(typedMatch))
    }
  }

  /// Some item line that is neither cancelled nor returned matches.
  static func anyLiveItem(_ match: TypedExpression) -> TypedExpression {
    .quantified(
      .init(kind: .exists, lines: .init(level: .item, everyLine: true)), .and([.fact(.itemLive), match]))
  }

  private mutating func append(_ text: String, _ typed: TypedExpression) {
    terms.append(Rule.term(text, typed))
  }

  static func term(_ text: String, _ typed: TypedExpression) -> Term {
    var references: Set<FactReference> = []
    typed.collectReferences(into: &references)
    return Term(text: text, references: references.sorted { bytesPrecede($0.name, $1.name) }, typed: typed)
  }
}
