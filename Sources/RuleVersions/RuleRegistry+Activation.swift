public import Topics

extension RuleRegistry {
  /// An activation that counts. What people said of one that is not the newest of its scope is not kept where nobody
  /// shows it (`keepsHistory`): its number, hash and offset always are, since a partition may be read again from before
  /// any later one.
  public struct Activation: Sendable, Hashable {
    /// On topic `rules`.
    public let offset: Int64
    let number: Int64
    let hash: String
    /// Of all that the record says.
    private let digest: Int
    private var whole: Whole?

    private final class Whole: Sendable {
      let value: RuleActivationValue

      init(_ value: RuleActivationValue) { self.value = value }
    }

    /// - Parameter hash: equal to the value's; one text for all activations of a version.
    init(_ value: RuleActivationValue, offset: Int64, hash: String) {
      self.offset = offset
      (number, self.hash, digest) = (value.number, hash, value.hashValue)
      whole = Whole(value)
    }

    /// Number and hash, and all else that is kept.
    public var value: RuleActivationValue {
      if let whole { return whole.value }
      var value = RuleActivationValue()
      (value.number, value.hash) = (number, hash)
      return value
    }

    var isWhole: Bool { whole != nil }

    mutating func forgetWords() { whole = nil }

    /// The very same record.
    func isOf(_ value: RuleActivationValue) -> Bool { digest == value.hashValue }

    public static func == (left: Activation, right: Activation) -> Bool {
      left.offset == right.offset && left.number == right.number && left.hash == right.hash
        && left.digest == right.digest
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(offset)
      hasher.combine(digest)
    }
  }
}
