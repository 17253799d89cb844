import Orders

/// State of payment; unknown when absent or another text.
public enum PaymentStatus: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case unpaid = 1
  case partly = 2
  case paid = 3

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = PaymentStatus(rawValue: UInt8(clamping: wire)) ?? .unknown }
}

/// State of a gift order's address; unknown counts as entered.
public enum AddressState: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case entered = 1
  case pending = 2
  case refused = 3
  case expired = 4

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = AddressState(rawValue: UInt8(clamping: wire)) ?? .unknown }
}

/// Kind of a claim.
public enum ClaimKind: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case cancel = 1
  case `return` = 2
  case exchange = 3

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = ClaimKind(rawValue: UInt8(clamping: wire)) ?? .unknown }
}

/// State of a claim.
public enum ClaimStatus: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case requested = 1
  case accepted = 2
  case completed = 3
  case refused = 4
  case withdrawn = 5

  /// A number that this version does not know reads as the first case.
  init(wire: UInt64) { self = ClaimStatus(rawValue: UInt8(clamping: wire)) ?? .unknown }
}

extension CustomerKey.Kind {
  /// A number that this version does not know reads as no identity.
  init(wire: UInt64) { self = CustomerKey.Kind(rawValue: UInt8(clamping: wire)) ?? .none }
}
