import Glibc
import Orders
import TestKit
import Testing
import Topics

@testable import EvaluateStage
@testable import RuleVersions

/// What many activations cost. `ACTIVATIONS` makes it larger; the figures are printed.
@Suite(.serialized) struct RegistrySizeTests {
  private static let activations = Int(setting("ACTIVATIONS", 5_000))

  /// Pages in memory, in bytes.
  private static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
  }

  private static func hash(_ number: Int) -> String {
    let text = String(number % 7, radix: 16)
    return String(repeating: text, count: 64)
  }

  static func record(_ number: Int, of scope: RegistryScope) -> RuleActivationValue {
    var value = RuleActivationValue()
    (value.mallId, value.shopNo, value.number) = (scope.mallId, scope.shopNo, Int64(number))
    (value.hash, value.replaces) = (hash(number), number > 1 ? hash(number - 1) : "")
    (value.author, value.note) = ("kim.minsu@shop", "추석 행사 문구를 고침 \(number)")
    value.token = "0123456789abcd\(number)"
    value.at = Instant(microseconds: 1_791_592_200_000_000 + Int64(number))
    return value
  }

  private func measure(_ name: String, _ scopes: Int, keepsHistory: Bool) -> RuleRegistry {
    let records = (0..<Self.activations).map { index in
      let value = Self.record(index / scopes + 1, of: RegistryScope(mallId: "mall\(index % scopes)"))
      return (key: Array(RuleRegistry.key(of: value).utf8), value: value.protobuf)
    }
    let before = Self.residentBytes()
    let start = ContinuousClock.now
    var registry = RuleRegistry(keepsHistory: keepsHistory)
    for (offset, record) in records.enumerated() {
      record.key.withUnsafeBytes { key in
        record.value.withUnsafeBytes { registry.fold(key: key, value: $0, offset: Int64(offset)) }
      }
    }
    let time = ContinuousClock.now - start
    print(
      "registry, \(name): \(Self.activations) activations, \(time), \((Self.residentBytes() - before) >> 10) KiB"
    )
    return registry
  }

  @Test func ofOldActivationsOnlyWhatAReplayNeedsIsKept() throws {
    for scopes in [1, 1_000] {
      let all = measure("\(scopes) scopes, all kept", scopes, keepsHistory: true)
      let few = measure("\(scopes) scopes", scopes, keepsHistory: false)
      #expect(few.activations == all.activations && few.lostCount == 0)
      let whole = [all, few].map { registry in registry.activations.values.joined().count { $0.isWhole } }
      #expect(whole == [Self.activations, min(scopes, Self.activations)])
      // Nobody sees a difference at any point of the topic, and the newest says who and why.
      for end in [1, Int64(Self.activations) / 3, Int64(Self.activations)] {
        let (left, right) = (RuleEdition(all, rulesEnd: end), RuleEdition(few, rulesEnd: end))
        #expect(left.own == right.own && !left.own.isEmpty)
      }
      let newest = try #require(few.activations[RegistryScope(mallId: "mall0")]?.last)
      #expect(newest.value.author == "kim.minsu@shop" && !newest.value.note.isEmpty)
    }
  }

  @Test func aRepeatedRecordIsKnownAgainAndAnotherOfTheSameNumberIsLost() {
    var registry = RuleRegistry(keepsHistory: false)
    var offset: Int64 = 0
    func fold(_ value: RuleActivationValue) {
      let bytes = value.protobuf
      Array(RuleRegistry.key(of: value).utf8).withUnsafeBytes { key in
        bytes.withUnsafeBytes { registry.fold(key: key, value: $0, offset: offset) }
      }
      offset += 1
    }
    for number in 1...3 { fold(Self.record(number, of: .shared)) }
    for number in 1...3 { fold(Self.record(number, of: .shared)) }
    #expect(registry.lostCount == 0)
    var late = Self.record(1, of: .shared)
    late.token = "somebody else"
    fold(late)
    #expect(registry.lostCount == 1 && registry.activations[.shared]?.count == 3)
  }
}
