internal import Files
public import History
internal import IngestStage
internal import Orders
public import Rules
internal import Topics

/// Finds an order among order events and takes what concerns its customer.
public struct OrderSearch {
  /// An event of its own, whole; nil: the order is among `history`.
  public var order: [UInt8]?
  /// A file of order events, one a line.
  public var history: String?
  /// Its number; needed when there is no `order`. With several malls: `mall/shop/order`.
  public var orderId: String?

  public init() {}

  /// One order event of a file: a JSON object on one line or several, or the last of several lines.
  public static func event(_ path: String) throws -> [UInt8] {
    let file = try OrderFile(path: path)
    var lines: [[UInt8]] = []
    var count = 0
    while let line = try file.next() {
      count += line.count
      guard count <= OrderEventLimits.bytesMax else {
        throw UserError("\(path) is no single order: too large")
      }
      lines.append([UInt8](line))
    }
    guard let last = lines.last else { throw UserError("\(path) is empty") }
    // Lines that begin with { each are events of their own: the last says how the order stands.
    if lines.count > 1, lines.allSatisfy({ $0.first == UInt8(ascii: "{") }) { return last }
    return Array(lines.joined(separator: [10]))
  }

  /// The decision and its reasons.
  public func answer(_ book: RuleBook, _ reference: ReferenceData) throws -> OrderAnswer {
    let wanted = try wanted()
    let trial = try OrderTrial(
      ruleSet: book.ruleSet(mall: wanted.name.mall, shop: wanted.name.shop), reference: reference)
    if let history {
      try OrderSearch.forEach(history) { line, key in
        if key == wanted.key { try trial.take(line) }
      }
    }
    if let order { try order.withUnsafeBytes { _ = try trial.take($0) } }
    guard let answer = trial.decide(wanted.name) else {
      throw UserError("order \(wanted.name) was not decided")
    }
    return answer
  }

  /// The order and the key of its customer's records.
  private func wanted() throws -> (name: OrderTrial.OrderName, key: [UInt8]) {
    let reader = try OrderTrial.eventReader()
    if let order { return try order.withUnsafeBytes { try OrderSearch.name($0, reader) } }
    guard let history, let orderId else {
      throw UserError("say which order: --order FILE, or --orders FILE --order-id ID")
    }
    var found: (name: OrderTrial.OrderName, key: [UInt8])?
    var other: OrderTrial.OrderName?
    let file = try OrderFile(path: history)
    while let line = try file.next() {
      guard OrderSearch.mentions(line, orderId), let read = try? OrderSearch.name(line, reader),
        read.name.order == orderId || read.name.description == orderId
      else { continue }
      if let found, found.name != read.name { other = read.name }
      // The last event tells whose order it is now.
      found = read
    }
    guard let found else { throw UserError("order \(orderId) is not in \(history)") }
    if let other { throw UserError("order \(orderId) is there of several shops: say --order-id \(other)") }
    return found
  }

  private static func name(_ event: UnsafeRawBufferPointer, _ reader: OrderEventReader) throws -> (
    name: OrderTrial.OrderName, key: [UInt8]
  ) {
    var writer = ProtobufWriter()
    switch reader.read(event, into: &writer) {
    case .refused(let problems): throw RefusedOrder(problems: problems)
    case .accepted(let routing):
      let name = OrderTrial.OrderName(
        mall: String(decoding: routing.mallId, as: UTF8.self), shop: Int(routing.shopNo),
        order: String(decoding: routing.orderId, as: UTF8.self))
      return (name, [UInt8](routing.key))
    }
  }

  /// Lines that can be read, with their customer's key; others are left out, as the intake would.
  private static func forEach(_ path: String, _ body: (UnsafeRawBufferPointer, [UInt8]) throws -> Void) throws
  {
    let reader = try OrderTrial.eventReader()
    let file = try OrderFile(path: path)
    while let line = try file.next() {
      if let read = try? name(line, reader) { try body(line, read.key) }
    }
  }

  /// A quick look for the number before the line is read.
  private static func mentions(_ line: UnsafeRawBufferPointer, _ orderId: String) -> Bool {
    let number = Array((orderId.split(separator: "/").last.map(String.init) ?? orderId).utf8)
    guard let first = number.first, line.count >= number.count else { return false }
    for start in 0...(line.count - number.count) where line[start] == first {
      if line[start..<(start + number.count)].elementsEqual(number) { return true }
    }
    return false
  }
}
