public import Orders

/// Value of topic `orders.dlq`: what could not be processed, its bytes sealed, and where it came from.
public struct DeadLetterValue: ProtobufValue {
  /// `ingest`, `enrich` …
  public var stage: String = ""
  /// `http`, `file`, or a topic.
  public var source: String = ""
  /// Line number (from 1) or offset.
  public var position: Int64 = 0
  public var partition: Int32 = 0
  public var at: Instant = Instant(microseconds: 0)
  public var problems: [Problem] = []
  /// What `DeadLetterSeal` made of the raw bytes.
  public var sealedBody: [UInt8] = []
  /// Length of the raw bytes.
  public var bodyBytes: Int64 = 0

  public init() {}

  /// Of a record of a topic. `atUs`: µs since 1970. `body`: the record's value, which is sealed; nil: it had none.
  public init(
    stage: String, source: String, partition: Int32, offset: Int64, atUs: Int64, problem: Problem,
    body: UnsafeRawBufferPointer?, seal: DeadLetterSeal
  ) {
    self.stage = stage
    self.source = source
    self.partition = partition
    position = offset
    at = Instant(microseconds: atUs)
    problems = [problem]
    guard let body else { return }
    bodyBytes = Int64(body.count)
    sealedBody = seal.seal(body)
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: stage = reader.string()
    case 2: source = reader.string()
    case 3: position = reader.int64()
    case 4: partition = reader.int32()
    case 5: at = Instant(microseconds: reader.int64())
    case 6: problems.append(reader.value())
    case 7: sealedBody = reader.array()
    case 8: bodyBytes = reader.int64()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, stage)
    writer.string(2, source)
    writer.int64(3, position)
    writer.int32(4, partition)
    writer.int64(5, at.microseconds)
    writer.values(6, problems)
    writer.bytes(7, sealedBody)
    writer.int64(8, bodyBytes)
  }
}

/// One reason why an input was refused. Never holds a value of the input.
public struct Problem: ProtobufValue {
  /// Stable, such as `time.no_offset`.
  public var code: String = ""
  /// Path, such as `items[3].unit_price`, or a place, such as `line 3, column 14`.
  public var field: String = ""
  public var expected: String = ""
  /// Class of the value: `string of 7 characters`, `number`, `null`.
  public var found: String = ""

  public init() {}

  public init(code: String, field: String, expected: String, found: String) {
    self.code = code
    self.field = field
    self.expected = expected
    self.found = found
  }

  public mutating func take(_ reader: inout ProtobufReader) {
    switch reader.field {
    case 1: code = reader.string()
    case 2: field = reader.string()
    case 3: expected = reader.string()
    case 4: found = reader.string()
    default: reader.skip()
    }
  }

  public func write(into writer: inout ProtobufWriter) {
    writer.string(1, code)
    writer.string(2, field)
    writer.string(3, expected)
    writer.string(4, found)
  }
}
