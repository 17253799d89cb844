public import Orders

/// Value of `file/<hash>/<number>` on topic `reference` (topics/reference.proto).
public struct ReferenceChunkValue: ProtobufValue {
  public var data: [UInt8] = []

  public init() {}
  public init(_ data: [UInt8]) { self.data = data }

  public mutating func take(_ reader: inout ProtobufReader) {
    if reader.field == 1 { data = reader.array() } else { reader.skip() }
  }

  public func write(into writer: inout ProtobufWriter) { writer.bytes(1, data) }
}

/// A file of an edition.
public struct ReferenceFileValue: ProtobufValue {
  /// `zones`, `lists`, `stock`, `holidays`, `geo`.
  public var kind = ""
  /// For people; no folder.
  public var name = ""
  /// SHA-256 of the bytes, hex.
  public var hash = ""
  public var bytes: Int64 = 0
  public var chunks: Int32 = 0

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: kind = reader.string()
    case 2: name = reader.string()
    case 3: hash = reader.string()
    case 4: bytes = reader.int64()
    case 5: chunks = reader.int32()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, kind)
    writer.string(2, name)
    writer.string(3, hash)
    writer.int64(4, bytes)
    writer.int32(5, chunks)
  }
}

/// Value of `edition/<hash>` on topic `reference`.
public struct ReferenceEditionValue: ProtobufValue {
  public var hash = ""
  public var files: [ReferenceFileValue] = []
  public var parent = ""
  public var author = ""
  public var note = ""
  public var createdAt = Instant(microseconds: 0)

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: hash = reader.string()
    case 2: files.append(reader.value())
    case 3: parent = reader.string()
    case 4: author = reader.string()
    case 5: note = reader.string()
    case 6: createdAt = Instant(microseconds: reader.int64())
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, hash)
    writer.values(2, files)
    writer.string(3, parent)
    writer.string(4, author)
    writer.string(5, note)
    writer.int64(6, createdAt.microseconds)
  }

  /// The name of an edition of these files: their kinds and contents, not what they are called.
  public static func hash(of files: [ReferenceFileValue]) -> String {
    ContentDigest.sha256(Array(files.map { "\($0.kind) \($0.hash)\n" }.joined().utf8))
  }
}

/// Value of `activation/…` on topic `reference`: an edition comes into force.
public struct ReferenceActivationValue: ProtobufValue {
  /// 1, 2, 3 …
  public var number: Int64 = 0
  /// Empty: the files of enrich's configuration.
  public var hash = ""
  public var author = ""
  public var note = ""
  public var at = Instant(microseconds: 0)
  /// Hash in force before.
  public var replaces = ""
  /// Drawn by the publisher.
  public var token = ""

  public init() {}

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: number = reader.int64()
    case 2: hash = reader.string()
    case 3: author = reader.string()
    case 4: note = reader.string()
    case 5: at = Instant(microseconds: reader.int64())
    case 6: replaces = reader.string()
    case 7: token = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int64(1, number)
    writer.string(2, hash)
    writer.string(3, author)
    writer.string(4, note)
    writer.int64(5, at.microseconds)
    writer.string(6, replaces)
    writer.string(7, token)
  }
}

/// A switch of reference data among the orders (`OrderSnapshot.reference`, topics/order.proto), and in enrich's state.
public struct ReferenceSwitchValue: ProtobufValue {
  /// Of the activation; 0: none was ever in force.
  public var number: Int64 = 0
  /// Empty: the files of enrich's configuration.
  public var hash = ""

  public init() {}
  public init(number: Int64, hash: String) { (self.number, self.hash) = (number, hash) }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: number = reader.int64()
    case 2: hash = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.int64(1, number)
    writer.string(2, hash)
  }
}

extension ReferenceSwitchValue: SnapshotStandIn {
  @inlinable public static var ordersField: Int { 43 }
  public static func held(in snapshot: OrderSnapshotValue) -> Self? { snapshot.reference }
}
