internal import Rules

/// The two languages that explanations are told in.
public enum Language: String, Sendable, CaseIterable { case ko, en }

/// What conditions and facts are called by people.
struct Wording {
  let language: Language

  func pick(_ korean: String, _ english: String) -> String { language == .ko ? korean : english }

  func outcome(_ outcome: Outcome) -> String {
    switch outcome {
    case .true: pick("해당", "yes")
    case .false: pick("아님", "no")
    case .unknown: pick("모름", "unknown")
    }
  }

  // MARK: Facts

  /// A fact or count in words: `상품 금액`, `amount.items`.
  func name(_ fact: String) -> String {
    guard language == .ko else { return fact }
    if let entry = FactCatalog.entries.first(where: { $0.name == fact }) {
      return String(entry.korean.prefix { $0 != ":" && $0 != "(" }).trimmed
    }
    if let aggregate = HistoryAggregate(named: fact), let name = name(aggregate) { return name }
    let function = String(fact.prefix { $0 != "(" })
    let argument = String(fact.dropFirst(function.count + 1).dropLast())
    if function == "inList" { return "상품 목록 \(argument)에 든 품목" }
    if function == "overdue" || function == "expiring", let name = timed(function, argument) { return name }
    guard let entry = FactCatalog.functions.first(where: { $0.name == function }) else { return fact }
    return entry.korean.replacing("N개월", with: "\(argument)개월")
  }

  /// False for facts that every order has.
  func canBeMissing(_ fact: String) -> Bool {
    FactCatalog.entries.first { $0.name == fact }.map { !$0.missingWhen.isEmpty } ?? true
  }

  /// Why a fact may be missing; nil when nobody knows.
  func missing(_ fact: String) -> String? {
    let function = String(fact.prefix { $0 != "(" })
    if function == "inList" {
      return pick("그 이름의 목록을 들여온 적이 없습니다", "no list of that name was ever imported")
    }
    let text = FactCatalog.entries.first { $0.name == fact }?.missingWhen ?? ""
    let isInstant = HistoryAggregate(named: fact)?.measure.type == .timestamp
    let absent = isInstant ? Self.noEarlier : Self.noKey
    if function == "expiring" || fact.hasPrefix("overdue(\"cart\"") {
      return pick(Self.korean[Self.noProfile] ?? Self.noProfile, Self.noProfile)
    }
    let isOfHistory = function.hasPrefix("history.") || function == "overdue"
    let english = text.isEmpty && isOfHistory ? absent : text
    guard !english.isEmpty else { return nil }
    return language == .en ? english : Self.korean[english]
  }

  private static let noKey = "the order has no customer key (no member id, phone or e-mail)"
  private static let noProfile = "no profile of the customer has told it"
  private static let noEarlier = "there is no earlier order, or no customer key"
  private static let korean = [
    noEarlier: "그런 이전 주문이 없거나, 주문에 고객을 알아볼 정보가 없습니다",
    noKey: "주문에 고객을 알아볼 정보가 없습니다 (회원 ID, 전화, 이메일)",
    "the sender did not give it": "주문을 보낸 쪽이 알려 주지 않았습니다",
    "some receiver has neither zip nor address (a pending gift)": "배송지가 아직 없습니다 (주소 입력 전 선물)",
    "there is no public address with a known country": "국가를 알 수 있는 공인 IP가 없습니다",
    "ip.country is missing": "국가를 알 수 있는 공인 IP가 없습니다",
    "not paid, or not given": "아직 결제되지 않았거나 시각을 받지 못했습니다",
    "the level is unknown or too old": "재고를 모르거나 너무 오래되었습니다",
    "not sent, and a completed claim does not say its refund": "환불 금액을 알 수 없는 완료된 클레임이 있습니다",
    "it has neither zip nor address": "배송지에 우편번호와 주소가 없습니다",
    noProfile: "고객 정보(프로필)를 받지 못했습니다",
    "no profile of the customer has told it, or the cart is in another currency":
      "장바구니 정보를 받지 못했거나 통화가 주문과 다릅니다",
    "the cart is in another currency": "장바구니의 통화가 주문과 다릅니다",
  ]

  // MARK: Conditions

  /// What a single condition found and what it asks: `상품 금액 45000, 기준 100000 이상`. Nil when the values say it all.
  func sentence(_ answer: ConditionAnswer) -> String? {
    guard let expression = answer.expression else { return nil }
    if let absent = answer.values.first(where: { $0.value == nil }), answer.outcome == .unknown {
      let reason = missing(absent.name).map { pick(": \($0)", ": \($0)") } ?? ""
      return pick("\(name(absent.name)) 값이 없음", "\(absent.name) is missing") + reason
    }
    guard answer.values.count == 1, let found = answer.values.first, let value = found.value else {
      return nil
    }
    // A number made of lines is called as it is written.
    let what = answer.parts.isEmpty ? name(found.name) : found.name
    switch expression.kind {
    case .binary(let op, let left, let right):
      guard let asked = asked(op, left, right) else { return nil }
      let gap = gap(op, left, right, value)
      return pick("\(what) \(value), 기준 \(asked)", "\(what) is \(value), asked for is \(asked)") + gap
    case .name where found.name == expression.path, .member where found.name == expression.path:
      return pick("\(what): \(value)", "\(what) is \(value)")
    case .member where expression.path == "ip.foreign":
      return pick("\(what) \(value), 기준 \"KR\" 아닌 곳", "\(what) is \(value), asked for is another than \"KR\"")
    case .call(nil, "inList", _):
      return value == "true"
        ? pick("\(what) 있음", "an item is on the list") : pick("\(what) 없음", "no item is on the list")
    default: return nil
    }
  }

  private func asked(_ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression) -> String? {
    // A text asked for in a list of the order: "제주" in zones.
    if op == .in, case .string(let text) = left.kind {
      return pick("\(Expression.quote(text.text)) 포함", "one that is \(Expression.quote(text.text))")
    }
    let constant = right.description
    switch op {
    case .equal: return pick("\(constant)", "\(constant)")
    case .notEqual: return pick("\(constant) 아님", "another than \(constant)")
    case .less: return pick("\(constant) 미만", "less than \(constant)")
    case .lessOrEqual: return pick("\(constant) 이하", "at most \(constant)")
    case .greater: return pick("\(constant) 초과", "more than \(constant)")
    case .greaterOrEqual: return pick("\(constant) 이상", "at least \(constant)")
    case .in: return pick("\(constant) 가운데 하나", "one of \(constant)")
    default: return nil
    }
  }

  /// How much is lacking or too much, of plain numbers.
  private func gap(_ op: Expression.BinaryOperator, _ left: Expression, _ right: Expression, _ value: String)
    -> String
  {
    guard left.path != nil || left.description.hasPrefix("history.") || WrittenLines.fold(left) != nil,
      let found = Int64(value),
      case .int(let bound) = right.kind
    else { return "" }
    let (distance, overflow) = bound.subtractingReportingOverflow(found)
    guard !overflow, distance != .min else { return "" }
    switch op {
    case .greaterOrEqual where distance > 0, .greater where distance > 0:
      return pick(" (\(distance) 모자람)", " (\(distance) short)")
    case .lessOrEqual where distance < 0, .less where distance < 0:
      return pick(" (\(-distance) 많음)", " (\(-distance) over)")
    default: return ""
    }
  }
}

extension String {
  var trimmed: String {
    var text = Substring(self)
    while text.last == " " { text.removeLast() }
    while text.first == " " { text.removeFirst() }
    return String(text)
  }

  /// Columns in a terminal: Hangul, CJK and full-width forms take two.
  var columns: Int {
    unicodeScalars.reduce(0) { $0 + (String.isWide($1) ? 2 : 1) }
  }

  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF:
      true
    default: false
    }
  }

  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }
}
