import HTTPTypes
import Hummingbird
import Settings
import Simulating

extension AdminServer {
  /// `POST /v1/simulate`: where the clients would go. Changes nothing, but costs a second of a
  /// processor, so that it asks for the token and one question is answered at a time.
  func simulate(_ request: Request, by _: String) async throws -> Response {
    try checkIsJSON(request)
    let bytes = try await request.bytes(atMost: SimulationBody.maximumByteCount)
    let question = try SimulationBody(bytes).question
    do {
      return try Response.json(try await sources.simulate(question))
    } catch SimulationRefusal.busy {
      throw Problem(
        .tooManyRequests, "another simulation is running", type: .busy, headers: [.retryAfter: "1"])
    } catch SimulationRefusal.misunderstood(let messages) {
      throw Problem(
        .unprocessableContent, "the question is not understood",
        errors: messages.map { Problem.Item(detail: $0) })
    } catch let faults as Faults {
      throw Problem(
        .unprocessableContent, "the configuration or a database has faults",
        type: .faults,
        errors: faults.faults.map(Problem.Item.init))
    }
  }
}
