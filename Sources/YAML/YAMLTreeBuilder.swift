internal import CYAML

/// Turns libyaml's events into nodes. One use each.
struct YAMLTreeBuilder {
  private enum Event {
    case streamStart, documentStart, documentEnd, streamEnd
    case scalar(String, YAMLScalarStyle)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    case alias, anchored, tagged
  }

  let file: String
  private var nodes = 0

  init(file: String) { self.file = file }

  mutating func build(_ bytes: UnsafeBufferPointer<UInt8>) throws(YAMLError) -> YAMLNode {
    let reader = YAMLEventReader(bytes)
    var root: YAMLNode?
    while true {
      let (event, location) = try next(reader, bytes)
      switch event {
      case .streamStart, .documentEnd: continue
      case .streamEnd:
        return root ?? YAMLNode(.scalar("", .plain), at: place(0, 0))
      case .documentStart:
        guard root == nil else {
          throw YAMLError(.severalDocuments, at: location, "more than one document in the file")
        }
        let (first, start) = try next(reader, bytes)
        root = try node(first, at: start, depth: 0, reader, bytes)
      default:
        throw YAMLError(.syntax, at: location, "content outside a document")
      }
    }
  }

  private mutating func node(
    _ event: Event, at location: YAMLLocation, depth: Int, _ reader: borrowing YAMLEventReader,
    _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(YAMLError) -> YAMLNode {
    nodes += 1
    guard nodes <= YAMLDocument.nodesMax else {
      throw YAMLError(.tooManyNodes, at: location, "more than \(YAMLDocument.nodesMax) values")
    }
    switch event {
    case .scalar(let text, let style):
      return YAMLNode(.scalar(text, style), at: location)
    case .sequenceStart, .mappingStart:
      guard depth < YAMLDocument.depthMax else {
        throw YAMLError(.tooDeep, at: location, "nested deeper than \(YAMLDocument.depthMax) levels")
      }
      if case .sequenceStart = event {
        return YAMLNode(.sequence(try sequence(depth, reader, bytes)), at: location)
      }
      return YAMLNode(.mapping(try mapping(depth, reader, bytes)), at: location)
    case .alias, .anchored:
      throw YAMLError(.aliasRefused, at: location, "anchors and aliases are not allowed")
    case .tagged:
      throw YAMLError(.tagRefused, at: location, "tags are not allowed")
    default:
      throw YAMLError(.syntax, at: location, "a value is missing")
    }
  }

  private mutating func sequence(
    _ depth: Int, _ reader: borrowing YAMLEventReader, _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    while true {
      let (event, location) = try next(reader, bytes)
      if case .sequenceEnd = event { return items }
      items.append(try node(event, at: location, depth: depth + 1, reader, bytes))
    }
  }

  private mutating func mapping(
    _ depth: Int, _ reader: borrowing YAMLEventReader, _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(YAMLError) -> YAMLMapping {
    var entries: [YAMLEntry] = []
    var lines: [String: Int] = [:]
    while true {
      let (event, location) = try next(reader, bytes)
      if case .mappingEnd = event { return YAMLMapping(entries: entries) }
      let keyNode = try node(event, at: location, depth: depth + 1, reader, bytes)
      guard case .scalar(let key, _) = keyNode.content else {
        throw YAMLError(.complexKey, at: location, "a key must be text, found \(keyNode.kindName)")
      }
      if let line = lines.updateValue(location.line, forKey: key) {
        throw YAMLError(.duplicateKey, at: location, "key stands twice, first in line \(line): \(key)")
      }
      let (valueEvent, valueLocation) = try next(reader, bytes)
      let value = try node(valueEvent, at: valueLocation, depth: depth + 1, reader, bytes)
      entries.append(YAMLEntry(key: key, keyLocation: location, value: value))
    }
  }

  private func place(_ line: Int, _ column: Int) -> YAMLLocation {
    YAMLLocation(file: file, line: line + 1, column: column + 1)
  }

  private func next(
    _ reader: borrowing YAMLEventReader, _ bytes: UnsafeBufferPointer<UInt8>
  ) throws(YAMLError) -> (Event, YAMLLocation) {
    let event = reader.next { raw in
      let mark = raw.start_mark
      return (Self.event(raw), place(Int(clamping: mark.line), Int(clamping: mark.column)))
    }
    if let event { return event }
    let failure = reader.failure
    let location =
      failure.offset.map { place(ofByte: $0, in: bytes) } ?? place(failure.line, failure.column)
    throw YAMLError(.syntax, at: location, failure.text)
  }

  /// libyaml tells bytes that are no UTF-8, and control characters, by their offset only.
  private func place(ofByte offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> YAMLLocation {
    var line = 0
    var column = 0
    for byte in bytes.prefix(max(offset, 0)) {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 0
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return place(line, column)
  }

  private static func event(_ raw: borrowing yaml_event_t) -> Event {
    switch raw.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    case YAML_SEQUENCE_START_EVENT:
      let data = raw.data.sequence_start
      return data.anchor != nil ? .anchored : data.tag != nil ? .tagged : .sequenceStart
    case YAML_MAPPING_START_EVENT:
      let data = raw.data.mapping_start
      return data.anchor != nil ? .anchored : data.tag != nil ? .tagged : .mappingStart
    case YAML_SCALAR_EVENT:
      let data = raw.data.scalar
      if data.anchor != nil { return .anchored }
      if data.tag != nil { return .tagged }
      let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
      return .scalar(text, data.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted)
    default: return .streamEnd
    }
  }
}
