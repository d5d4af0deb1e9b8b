import Hummingbird
import Simulating

extension AdminServer {
  /// `GET /v1/catchments?service=[&without=tokyo,paris]`: which part of the world each region gets.
  func catchments(_ request: Request) async throws -> Response {
    let query = QueryReader(request, known: ["service", "without"])
    guard query.errors.isEmpty else { throw query.problem }
    let question = CatchmentQuestion(
      service: query["service"],
      without: (query["without"] ?? "").split(separator: ",").map(String.init))
    do {
      // Some thousand squares: nobody reads them.
      return try Response.cacheable(
        json: try await sources.catchments(question), for: request, isPretty: false)
    } catch SimulationRefusal.misunderstood(let messages) {
      throw Problem(
        .unprocessableContent, "the question is not understood",
        errors: messages.map { Problem.Item(detail: $0) })
    }
  }
}
