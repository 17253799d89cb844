import Topics

extension DatedSnapshot {
  /// See `linesHash`: the order of the lines does not count.
  static func linesHash(_ bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { bytes in
      var sum: UInt64 = 0
      var hasLine = false
      var reader = ProtobufReader(bytes)
      while reader.next() {
        guard reader.field == 22 else {
          reader.skip()
          continue
        }
        guard let item = ScannedItem(reader.slice()) else { return 0 }
        guard item.isLive else { continue }
        let code = item.sku.isEmpty ? item.productCode : item.sku
        guard !code.isEmpty else { return 0 }
        var hash = ContentHash()
        hash.add(code)
        hash.add(UInt64(bitPattern: Int64(item.quantity)))
        sum &+= hash.value
        hasLine = true
      }
      return hasLine ? max(sum, 1) : 0
    }
  }

  /// `duplicate.partners`: both ends of the span count, as those of a bundle do.
  func isDuplicate(of other: DatedSnapshot, within span: Int64) -> Bool {
    contribution.bundles(with: other.contribution, within: span) && linesHash != 0
      && linesHash == other.linesHash
  }
}
