import CSimdJSON

/// Owner of one simdjson parser and its buffers; one per thread.
final class JSONParser {
  private let handle: OpaquePointer?

  enum Failure: Int32 {
    case syntax = 1
    case empty, utf8, tooDeep, tooLarge, number, string, surrogate, memory
  }

  init(lengthMax: Int, depthMax: Int) {
    handle = passflow_json_create(lengthMax, depthMax)
  }

  deinit { passflow_json_destroy(handle) }

  /// Parses one document. The tape borrows from the parser: valid until the next parse.
  /// From the beginning on, `readable` bytes of memory may be read, when that is more than the document.
  func parse(_ bytes: UnsafeRawBufferPointer, readable: Int = 0) -> Result<JSONTape, Failure> {
    guard let handle else { return .failure(.memory) }
    let code = passflow_json_parse(
      handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, readable)
    guard code == 0, let words = passflow_json_tape(handle), let strings = passflow_json_strings(handle)
    else {
      return .failure(Failure(rawValue: code) ?? .syntax)
    }
    return .success(JSONTape(words: words, strings: UnsafeRawPointer(strings)))
  }
}

extension JSONParser.Failure: Error {}

/// A parsed document: one 64-bit word per bracket, text or literal, two per number (simdjson `doc/tape.md`).
///
/// Places on the tape are plain indices. The functions trust the tape, which simdjson checked, not the input.
struct JSONTape {
  let words: UnsafePointer<UInt64>
  let strings: UnsafeRawPointer

  enum Kind {
    static let object = UInt8(ascii: "{")
    static let array = UInt8(ascii: "[")
    static let text = UInt8(ascii: "\"")
    static let signed = UInt8(ascii: "l")
    static let unsigned = UInt8(ascii: "u")
    static let double = UInt8(ascii: "d")
    static let yes = UInt8(ascii: "t")
    static let no = UInt8(ascii: "f")
    static let null = UInt8(ascii: "n")
  }

  /// Place of the document's value.
  static let root = 1

  @inline(__always) func kind(_ place: Int) -> UInt8 { UInt8(truncatingIfNeeded: words[place] >> 56) }

  /// Place just after the value.
  @inline(__always) func after(_ place: Int) -> Int {
    switch kind(place) {
    case Kind.object, Kind.array: Int(words[place] & 0xFFFF_FFFF)
    case Kind.signed, Kind.unsigned, Kind.double: place + 2
    default: place + 1
    }
  }

  /// Elements of an array or members of an object (counted up to 16,777,215).
  @inline(__always) func count(_ place: Int) -> Int { Int((words[place] >> 32) & 0xFF_FFFF) }

  /// Bytes of a text, borrowed.
  @inline(__always) func text(_ place: Int) -> UnsafeRawBufferPointer {
    let start = strings + Int(words[place] & 0x00FF_FFFF_FFFF_FFFF)
    return UnsafeRawBufferPointer(
      start: start + 4, count: Int(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self))))
  }

  /// The second word of a number.
  @inline(__always) func number(_ place: Int) -> UInt64 { words[place + 1] }

  /// What kind of value stands here, without the value: for problem reports.
  func valueClass(_ place: Int) -> String {
    switch kind(place) {
    case Kind.object: "object"
    case Kind.array: "array of \(count(place)) elements"
    case Kind.text:
      "string of \(String(decoding: text(place), as: UTF8.self).unicodeScalars.count) characters"
    case Kind.signed, Kind.unsigned: "integer"
    case Kind.double: "number with a fraction or exponent"
    case Kind.yes, Kind.no: "boolean"
    default: "null"
    }
  }
}
