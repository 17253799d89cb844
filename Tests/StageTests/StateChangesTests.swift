import Testing

@testable import Stage

@Suite struct StateChangesTests {
  /// Short keys, keys with zero bytes, and some that are alike in their first eight bytes.
  @Test func foldedIsInTheOrderOfBytesAndTheLastOfEachKey() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var changes = StateChanges()
      var model: [[UInt8]: UInt8] = [:]
      for number in UInt8(0)..<100 {
        let ends = [UInt8](repeating: 7, count: Int.random(in: 0...10, using: &random))
        let key = ends + (0..<Int.random(in: 0...3, using: &random)).map { _ in UInt8.random(in: 0...2) }
        key.withUnsafeBytes { key in
          [number].withUnsafeBytes { changes.put(partition: 3, key: key, value: $0) }
          changes.put(partition: 4, key: key, value: nil)
        }
        model[key] = number
      }
      var found: [(key: [UInt8], value: UInt8?)] = []
      for index in changes.folded(partition: 3) {
        changes.withEntry(index) { found.append(([UInt8]($0), $1?.first)) }
      }
      let expected = model.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      #expect(found.map(\.key) == expected.map(\.key))
      #expect(found.map(\.value) == expected.map(\.value))
    }
  }
}
