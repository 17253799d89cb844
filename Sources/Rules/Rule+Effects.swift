extension Rule {
  /// What a rule does beside labels, as decisions name it (`DesiredAction` in topics/decision.proto).
  public struct Effect: Hashable, Sendable {
    /// `alert`, `gift`, `mark`, `hold`, `memo`, `surcharge`, `stock_alert`.
    public var kind: String
    /// One message for each SKU that has run low: what is told is known with the order.
    public static let stockAlertKind = "stock_alert"
    /// What tells two effects of one kind apart and makes a changed text a new one; empty where there is but one.
    public var cause = ""
    public var text = ""
    /// Of alerts; empty: the default one.
    public var channel = ""
    /// Of marks: the team they are for.
    public var team = ""
  }
}

extension Rule.Actions {
  /// Bytes of a mark, a memo and a team's or channel's name.
  static let markBytesMax = 100
  static let memoBytesMax = 500
  static let nameBytesMax = 60

  /// In the order in which decisions list them.
  public func effects(ruleName: String) -> [Rule.Effect] {
    var effects: [Rule.Effect] = []
    func add(_ kind: String, _ change: (inout Rule.Effect) -> Void = { _ in }) {
      var effect = Rule.Effect(kind: kind)
      change(&effect)
      effects.append(effect)
    }
    if alertChannel != nil || alertText != nil {
      add("alert") {
        $0.text = alertText ?? ruleName
        $0.channel = alertChannel == "default" ? "" : alertChannel ?? ""
      }
    }
    if gift { add("gift") }
    if let mark {
      add("mark") {
        $0.cause = mark
        $0.text = mark
        $0.team = markTeam ?? ""
      }
    }
    if let hold { add("hold") { $0.text = hold } }
    if let memo {
      add("memo") {
        $0.cause = memo
        $0.text = memo
      }
    }
    if surcharge { add("surcharge") }
    if stockAlert { add(Rule.Effect.stockAlertKind) { $0.text = ruleName } }
    return effects
  }
}
