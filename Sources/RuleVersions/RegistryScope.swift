public import Topics

/// Whose rules a version holds: those of all malls, of one mall, or of one shop of it.
public struct RegistryScope: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Empty: shared by all malls.
  public var mallId: String
  /// 0: all shops of the mall.
  public var shopNo: Int32

  public static let shared = RegistryScope(mallId: "", shopNo: 0)

  public init(mallId: String, shopNo: Int32 = 0) {
    self.mallId = mallId
    self.shopNo = shopNo
  }

  public var isShared: Bool { mallId.isEmpty }
  public var description: String { isShared ? "shared" : shopNo == 0 ? mallId : "\(mallId)/\(shopNo)" }

  public static func < (left: RegistryScope, right: RegistryScope) -> Bool {
    left.mallId == right.mallId
      ? left.shopNo < right.shopNo : left.mallId.utf8.lexicographicallyPrecedes(right.mallId.utf8)
  }
}

extension RuleActivationValue {
  public var scope: RegistryScope { RegistryScope(mallId: mallId, shopNo: shopNo) }
}

extension HeldActivationValue {
  var scope: RegistryScope { RegistryScope(mallId: mallId, shopNo: shopNo) }
}

/// Scopes in which not the newest activation is in force, with the number that is; 0 none.
public typealias HeldScopes = [RegistryScope: Int64]

extension RuleSwitchValue {
  public var heldScopes: HeldScopes {
    Dictionary(held.map { ($0.scope, $0.number) }, uniquingKeysWith: { $1 })
  }

  public init(rulesEnd: Int64, held: HeldScopes) {
    self.init()
    self.rulesEnd = rulesEnd
    self.held = held.sorted { $0.key < $1.key }.map { scope, number in
      var value = HeldActivationValue()
      value.mallId = scope.mallId
      value.shopNo = scope.shopNo
      value.number = number
      return value
    }
  }
}
