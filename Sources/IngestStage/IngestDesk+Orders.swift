import HTTP
import Topics

/// `POST /v1/orders`
extension IngestDesk {
  func takeOrders(_ request: HTTPRequest) throws -> Outcome { try takeEvents(request, profileOf: nil) }

  /// One event or many, a line each; with an owner, profiles of customers; with a mall, merges of customers.
  func takeEvents(
    _ request: HTTPRequest, profileOf owner: ProfileOwner?, mergeIn mall: String? = nil
  ) throws -> Outcome {
    let isLines = IngestDesk.saysLines(request.header("Content-Type"))
    return try request.body.withUnsafeBytes { body in
      let before = intake.counts
      defer { metrics.took(intake.counts, after: before, bytes: body.count, isFile: false) }
      switch BodyForm(body, isLines: isLines) {
      case .empty: return .answer(IngestAnswers.empty)
      case .single:
        var taking = Taking()
        taking.note(
          try intake.take(body, source: "http", position: 1, profileOf: owner, mergeIn: mall), line: 1)
        return taking.outcome
      case .lines: return try takeLines(body, profileOf: owner, mergeIn: mall)
      }
    }
  }

  private func takeLines(
    _ body: UnsafeRawBufferPointer, profileOf owner: ProfileOwner?, mergeIn mall: String?
  ) throws -> Outcome {
    var lines = 0
    forEachLine(of: body) { _, _ in lines &+= 1 }
    guard lines <= IngestDesk.linesMax else {
      return .answer(
        .error(
          413, code: "too_many_lines",
          message: "A request may have \(IngestDesk.linesMax) lines, not \(lines)"))
    }
    var taking = Taking()
    try forEachLine(of: body) { line, number in
      taking.note(
        try intake.take(line, source: "http", position: number, profileOf: owner, mergeIn: mall),
        line: number)
    }
    return taking.outcome
  }

  private static func saysLines(_ type: String?) -> Bool {
    guard let type else { return false }
    let name = type.prefix { $0 != ";" }.lowercased()
    return ["application/x-ndjson", "application/ndjson", "application/jsonl"].contains {
      name == $0 || name == $0 + " "
    }
  }
}

/// What became of the events of one request so far.
private struct Taking {
  var accepted = 0
  var refused = 0
  var refusals: [(line: Int64, problem: Problem)] = []
  var leftOut = 0
  var isTooLarge = true
  var sequence: UInt64 = 0

  mutating func note(_ verdict: OrderIntake.Verdict, line: Int64) {
    switch verdict {
    case .accepted(let sequence):
      accepted &+= 1
      self.sequence = sequence
    case .refused(let problems, let sequence):
      refused &+= 1
      self.sequence = sequence
      for problem in problems {
        if problem.code != OrderIntake.tooLargeCode { isTooLarge = false }
        if refusals.count < IngestAnswers.problemsMax {
          refusals.append((line, problem))
        } else {
          leftOut &+= 1
        }
      }
    }
  }

  var outcome: IngestDesk.Outcome {
    if accepted == 1, refused == 0 { return .wait(sequence: sequence, IngestAnswers.oneAccepted) }
    if refused == 0 {
      return .wait(sequence: sequence, .json(202, "{\"accepted\":\(accepted)}"))
    }
    let status = accepted > 0 ? 207 : isTooLarge ? 413 : 400
    return .wait(
      sequence: sequence,
      IngestAnswers.orders(
        status, accepted: accepted, refusals: refusals, refused: refused, leftOut: leftOut))
  }
}
