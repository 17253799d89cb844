import HTTP
import Topics

/// `POST /v1/customers/{mall}/merge`
extension IngestDesk {
  func takeMerges(_ request: HTTPRequest) throws -> Outcome {
    var problems: [Problem] = []
    let mall = id(request.parameters["mall"], "mall", &problems)
    checkMall(mall, &problems)
    guard problems.isEmpty else { return .answer(IngestAnswers.problems(400, problems)) }
    return try takeEvents(request, profileOf: nil, mergeIn: mall)
  }
}
