import HTTP
import Topics

/// `POST /v1/customers/{mall}/{shop}/profile`
extension IngestDesk {
  func takeProfiles(_ request: HTTPRequest) throws -> Outcome {
    var problems: [Problem] = []
    let mall = id(request.parameters["mall"], "mall", &problems)
    let shop = shopOfPath(request, mall, &problems)
    guard problems.isEmpty, let shop else { return .answer(IngestAnswers.problems(400, problems)) }
    return try takeEvents(request, profileOf: ProfileOwner(mallId: mall, shopNo: shop))
  }
}
