import CRE2
import Synchronization

/// A regular expression of a rule, compiled by RE2: a text is looked at in time linear in its length, whatever the
/// pattern. Rules with equal patterns share one compiled pattern, from any thread.
final class TextPattern: Hashable, @unchecked Sendable {
  /// Bytes of a pattern.
  static let bytesMax = 1_000
  /// Bytes that a pattern's program and its states may take.
  static let memoryMax: Int64 = 1 << 20

  struct Refusal: Error {
    /// In RE2's words.
    var reason: String
  }

  let bytes: [UInt8]
  /// Never changed; RE2 locks its own states.
  private let compiled: OpaquePointer

  private init(_ bytes: [UInt8]) throws(Refusal) {
    var reason = [CChar](repeating: 0, count: 256)
    let result = bytes.withUnsafeBufferPointer { pattern in
      pattern.withMemoryRebound(to: CChar.self) {
        passflow_re2_new($0.baseAddress, $0.count, TextPattern.memoryMax, &reason, reason.count)
      }
    }
    guard let result else {
      let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw Refusal(reason: String(decoding: text, as: UTF8.self))
    }
    self.bytes = bytes
    compiled = result
  }

  deinit { passflow_re2_free(compiled) }

  // MARK: One for all rules

  private struct Shared {
    weak var pattern: TextPattern?
  }
  private static let known = Mutex<[[UInt8]: Shared]>([:])
  /// Entries from which on those of patterns that are gone are taken out.
  private static let knownMax = 4_096

  /// The compiled pattern, the same for the same bytes as long as some rule holds it.
  static func compiling(_ bytes: [UInt8]) throws(Refusal) -> TextPattern {
    guard bytes.count <= bytesMax else {
      throw Refusal(reason: "longer than \(bytesMax) bytes")
    }
    if let pattern = known.withLock({ $0[bytes]?.pattern }) { return pattern }
    let pattern = try TextPattern(bytes)
    known.withLock { known in
      if known.count >= knownMax { known = known.filter { $0.value.pattern != nil } }
      known[bytes] = Shared(pattern: pattern)
    }
    return pattern
  }

  /// Some part of the text matches.
  func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    text.withMemoryRebound(to: CChar.self) { passflow_re2_matches(compiled, $0.baseAddress, $0.count) }
  }

  static func == (left: TextPattern, right: TextPattern) -> Bool { left.bytes == right.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}
