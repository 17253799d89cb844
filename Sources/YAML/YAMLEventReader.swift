internal import CYAML

/// libyaml's parser over bytes that outlive it, freed with this value on every path.
struct YAMLEventReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let initialised: Bool

  /// `bytes`, at least one, must stay where they are until this value is gone.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    initialised = yaml_parser_initialize(parser) == 1
    guard initialised, let first = bytes.baseAddress else { return }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, first, bytes.count)
  }

  deinit {
    if initialised { yaml_parser_delete(parser) }
    parser.deallocate()
  }

  /// The next event, freed when `body` returns. Nil after a syntax error: see `failure`.
  func next<Result>(_ body: (borrowing yaml_event_t) -> Result) -> Result? {
    guard initialised else { return nil }
    return withUnsafeTemporaryAllocation(of: yaml_event_t.self, capacity: 1) { buffer in
      guard let event = buffer.baseAddress, yaml_parser_parse(parser, event) == 1 else { return nil }
      defer { yaml_event_delete(event) }
      return body(event.pointee)
    }
  }

  /// What libyaml says was wrong: fixed English words, and its place from 0, or a byte offset.
  var failure: (text: String, line: Int, column: Int, offset: Int?) {
    guard initialised else { return ("out of memory", 0, 0, nil) }
    let text = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
    if parser.pointee.error == YAML_READER_ERROR {
      return (text, 0, 0, Int(clamping: parser.pointee.problem_offset))
    }
    let mark = parser.pointee.problem_mark
    return (text, Int(clamping: mark.line), Int(clamping: mark.column), nil)
  }
}
