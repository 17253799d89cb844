import CSodium
public import Stage
import YAML

/// The `X-API-Key` of each mall, kept as digests and compared in constant time.
public struct WebhookKeys: Sendable {
  public static let keyBytesMin = 8
  private static let digestBytes = 32
  private let digests: [String: [UInt8]]
  private let distinct: [[UInt8]]

  public init(_ pairs: [ConfigurationPair]) {
    _ = sodium_init()
    var digests: [String: [UInt8]] = [:]
    for pair in pairs { digests[pair.name] = WebhookKeys.digest(pair.value) }
    self.digests = digests
    distinct = Array(Set(digests.values))
  }

  func knows(_ mall: String) -> Bool { digests[mall] != nil }

  func isKey(_ key: String?, of mall: String) -> Bool {
    guard let key, let wanted = digests[mall] else { return false }
    return WebhookKeys.areEqual(WebhookKeys.digest(key), wanted)
  }

  /// Whether it is the key of any mall: who sent a body that does not say whose it is.
  func isAnyKey(_ key: String?) -> Bool {
    guard let key else { return false }
    let digest = WebhookKeys.digest(key)
    var found = false
    for wanted in distinct where WebhookKeys.areEqual(digest, wanted) { found = true }
    return found
  }

  private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && sodium_memcmp(left, right, left.count) == 0
  }

  private static func digest(_ key: String) -> [UInt8] {
    var made = [UInt8](repeating: 0, count: digestBytes)
    let bytes = Array(key.utf8)
    crypto_generichash(&made, made.count, bytes, UInt64(bytes.count), nil, 0)
    return made
  }

  /// Reads a YAML mapping of mall ids to keys; problems name malls and places, never keys.
  public static func read(path: String) throws(WebhookKeyFileError) -> [ConfigurationPair] {
    var pairs: [ConfigurationPair] = []
    do throws(YAMLError) {
      let root = try YAMLDocument.read(path: path).root
      if root.isNull { return [] }
      for entry in try root.asMapping().entries {
        let key = try entry.value.asString()
        guard key.utf8.count >= keyBytesMin else {
          throw YAMLError(
            .wrongType, at: entry.value.location,
            "key of mall \(entry.key) is shorter than \(keyBytesMin) bytes")
        }
        pairs.append(ConfigurationPair(entry.key, key))
      }
    } catch {
      throw WebhookKeyFileError(reason: "\(error)")
    }
    return pairs
  }
}

/// Why a file of webhook keys cannot be used.
public struct WebhookKeyFileError: Error, Sendable, CustomStringConvertible {
  let reason: String
  public var description: String { "webhook keys cannot be read: \(reason)" }
}
