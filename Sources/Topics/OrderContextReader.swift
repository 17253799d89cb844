import Glibc
public import Orders

/// What a storefront tells of an order beside its snapshot: from which address it was placed, and when.
public struct OrderContext: Hashable, Sendable {
  /// IPv4 or IPv6, in its one canonical spelling.
  public var ip: String
  /// Nil: not said.
  public var at: Instant?
}

/// Why a context was refused.
public struct OrderContextRefusal: Error, Hashable, Sendable {
  public var problems: [Problem]
}

/// Reads the body of `POST …/context`. One per thread: it owns a parser.
public final class OrderContextReader {
  public static let bytesMax = 4096
  /// The longest text that `inet_pton` takes: an IPv6 address that ends in an IPv4 one.
  public static let addressBytesMax = 45

  private let parser: JSONParser
  private let fields = FieldTable<ContextField>()

  public init() {
    parser = JSONParser(lengthMax: OrderContextReader.bytesMax, depthMax: 8)
  }

  deinit { fields.deallocate() }

  public func read(_ bytes: UnsafeRawBufferPointer) -> Result<OrderContext, OrderContextRefusal> {
    switch parser.parse(bytes) {
    case .failure(let failure): return .failure(refusal(JSONDiagnosis.problem(bytes, failure)))
    case .success(let tape):
      guard tape.kind(JSONTape.root) == JSONTape.Kind.object else {
        let found = tape.valueClass(JSONTape.root)
        return .failure(
          refusal(Problem(code: "json.not_object", field: "", expected: "a JSON object", found: found)))
      }
      return address(tape)
    }
  }

  private func address(_ tape: JSONTape) -> Result<OrderContext, OrderContextRefusal> {
    for index in ContextField.names.indices { fields.places[index] = 0 }
    var place = JSONTape.root + 1
    let end = tape.after(JSONTape.root) - 1
    while place < end {
      let value = place + 1
      if let index = fields.keys.index(tape.text(place)) { fields.places[index] = value }
      place = tape.after(value)
    }
    var problems: [Problem] = []
    let ip = ip(tape, &problems)
    let at = time(tape, &problems)
    guard problems.isEmpty, let ip else { return .failure(OrderContextRefusal(problems: problems)) }
    return .success(OrderContext(ip: ip, at: at))
  }

  private func ip(_ tape: JSONTape, _ problems: inout [Problem]) -> String? {
    let found = fields[.ip]
    let expected = "an IPv4 or IPv6 address"
    guard found != 0 else {
      problems.append(Problem(code: "missing", field: "ip", expected: expected, found: "nothing"))
      return nil
    }
    guard tape.kind(found) == JSONTape.Kind.text else {
      problems.append(
        Problem(code: "type.string", field: "ip", expected: expected, found: tape.valueClass(found)))
      return nil
    }
    guard let ip = OrderContextReader.canonical(NormalisedText.trimmed(tape.text(found))) else {
      problems.append(
        Problem(code: "ip.invalid", field: "ip", expected: expected, found: tape.valueClass(found)))
      return nil
    }
    return ip
  }

  private func time(_ tape: JSONTape, _ problems: inout [Problem]) -> Instant? {
    let found = fields[.at]
    guard found != 0, tape.kind(found) != JSONTape.Kind.null else { return nil }
    func refuse(_ code: String) -> Instant? {
      problems.append(
        Problem(
          code: code, field: "at", expected: "an RFC 3339 time with offset", found: tape.valueClass(found)))
      return nil
    }
    guard tape.kind(found) == JSONTape.Kind.text else { return refuse("type.time") }
    let text = tape.text(found)
    if let instant = Instant(rfc3339: text.assumingMemoryBound(to: UInt8.self)) { return instant }
    let lacksOffset =
      text.count < 40 && Instant(rfc3339: String(decoding: text, as: UTF8.self) + "Z") != nil
    return refuse(lacksOffset ? "time.no_offset" : "time.invalid")
  }

  private func refusal(_ problem: Problem) -> OrderContextRefusal { OrderContextRefusal(problems: [problem]) }

  /// Nil where the text is no address.
  static func canonical(_ text: UnsafeRawBufferPointer) -> String? {
    guard !text.isEmpty, text.count <= addressBytesMax, !text.contains(0) else { return nil }
    let spelled = String(decoding: text, as: UTF8.self)
    var address = in6_addr()
    for family in [AF_INET, AF_INET6] where inet_pton(family, spelled, &address) == 1 {
      var shown = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      guard inet_ntop(family, &address, &shown, socklen_t(shown.count)) != nil else { return nil }
      return String(decoding: shown.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return nil
  }
}

private enum ContextField: Int, FieldName {
  case ip, at
  static let names: [StaticString] = ["ip", "at"]
}
