public import Orders

/// A file of a published rule set.
public struct RuleFileValue: ProtobufValue {
  /// For diagnostics; no folder.
  public var path = ""
  public var text = ""

  public init() {}
  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: path = reader.string()
    case 2: text = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, path)
    writer.string(2, text)
  }
}

/// Value of `version/<hash>` on topic `rules` (topics/rules.proto): a rule set as it was published.
public struct RuleVersionValue: ProtobufValue {
  public var hash = ""
  public var files: [RuleFileValue] = []
  public var author = ""
  public var note = ""
  public var createdAt = Instant(microseconds: 0)
  /// SHA-256 of the files' texts, hex.
  public var digest = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: hash = reader.string()
    case 2: files.append(reader.value())
    case 3: author = reader.string()
    case 4: note = reader.string()
    case 5: createdAt = Instant(microseconds: reader.int64())
    case 6: digest = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, hash)
    writer.values(2, files)
    writer.string(3, author)
    writer.string(4, note)
    writer.int64(5, createdAt.microseconds)
    writer.string(6, digest)
  }
}

/// Value of `activation/…` on topic `rules`: a version comes into force in a scope.
public struct RuleActivationValue: ProtobufValue {
  /// Empty: shared by all malls.
  public var mallId = ""
  /// 0: all shops of the mall.
  public var shopNo: Int32 = 0
  /// 1, 2, 3 … in its scope.
  public var number: Int64 = 0
  /// Empty: no version.
  public var hash = ""
  public var author = ""
  public var note = ""
  public var at = Instant(microseconds: 0)
  /// Hash in force before.
  public var replaces = ""
  /// Drawn by the publisher.
  public var token = ""
  /// Of a rollback: the number whose version is back, −1: none was before the first. 0: no rollback.
  public var restores: Int64 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: number = reader.int64()
    case 4: hash = reader.string()
    case 5: author = reader.string()
    case 6: note = reader.string()
    case 7: at = Instant(microseconds: reader.int64())
    case 8: replaces = reader.string()
    case 9: token = reader.string()
    case 10: restores = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.int64(3, number)
    writer.string(4, hash)
    writer.string(5, author)
    writer.string(6, note)
    writer.int64(7, at.microseconds)
    writer.string(8, replaces)
    writer.string(9, token)
    writer.int64(10, restores)
  }
}

/// A scope whose newest activation was refused, with the number that is in force instead; 0 none.
public struct HeldActivationValue: ProtobufValue {
  public var mallId = ""
  public var shopNo: Int32 = 0
  public var number: Int64 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: mallId = reader.string()
    case 2: shopNo = reader.int32()
    case 3: number = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, mallId)
    writer.int32(2, shopNo)
    writer.int64(3, number)
  }
}

/// A switch of rules: on `orders.enriched` where it happens, on `rules.switches` to be found again. The same of what
/// enrich computes for them: on `orders` where it happens, on `rules.demands` for evaluate to see.
public struct RuleSwitchValue: ProtobufValue {
  /// Activations on `rules` below this offset are in force.
  public var rulesEnd: Int64 = 0
  /// Sorted by mall and shop.
  public var held: [HeldActivationValue] = []
  /// Of `orders.enriched`, on `rules.switches` only; of `orders`, on `rules.demands` only.
  public var partition: Int32 = 0
  public var offset: Int64 = 0
  /// Partitions that `orders` has; on `rules.demands` only.
  public var partitionCount: Int32 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: rulesEnd = reader.int64()
    case 2: held.append(reader.value())
    case 3: partition = reader.int32()
    case 4: offset = reader.int64()
    case 5: partitionCount = reader.int32()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int64(1, rulesEnd)
    writer.values(2, held)
    writer.int32(3, partition)
    writer.int64(4, offset)
    writer.int32(5, partitionCount)
  }

  /// Key of a switch record on `orders.enriched`: no order's key begins with 0.
  public static let inputKey: [UInt8] = [0] + Array("rules".utf8)

  /// Whether a record of `orders.enriched` is no order but a word to its readers.
  @inlinable public static func isControl(_ key: UnsafeRawBufferPointer?) -> Bool {
    guard let key, key.count > 0 else { return false }
    return key[0] == 0
  }
}
