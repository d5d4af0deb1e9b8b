import Editions
import HTTPTypes
import Hummingbird
import Logging
import Publishing
import Routing
import Settings

extension AdminServer {
  /// `GET /livez`: the process answers.
  func live(_ request: Request) async throws -> Response { Response.text("ok\n") }

  /// `GET /readyz`: 200 once this node may take clients, 503 until then. With `?verbose` every
  /// condition is listed.
  func ready(_ request: Request) async throws -> Response {
    let isVerbose = request.uri.queryParameters.has("verbose")
    let conditions = await readinessConditions()
    let missing = conditions.filter { !$0.isMet }
    guard missing.isEmpty else {
      let reasons = missing.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
      var problem = Problem(
        .serviceUnavailable, "not ready: \(reasons)", type: .notReady, headers: [.retryAfter: "1"])
      if isVerbose { problem.conditions = conditions }
      throw problem
    }
    guard isVerbose else { return Response.text("ok\n") }
    struct Readiness: Encodable {
      var ready: Bool
      var conditions: [ReadinessCondition]
    }
    return try Response.json(Readiness(ready: true, conditions: conditions))
  }

  private func readinessConditions() async -> [ReadinessCondition] {
    let edition = sources.publisher.desk.take()
    let unknownCount = edition.board.conditions.count { $0.standing == .unknown }
    let checks = ReadinessCondition(
      name: "first_health_checks", isMet: edition.isReady,
      detail: edition.isReady
        ? "complete, or past their deadline" : "\(unknownCount) endpoints have no result yet")
    let compiled = ReadinessCondition(
      name: "edition", isMet: true, detail: "revision \(edition.revision) is compiled")
    return await [compiled, checks] + sources.readiness()
  }

  /// `POST /v1/reload[?force=true]`: the new configuration, or 422 with all its faults and the old
  /// one goes on. Forced, it takes databases that move very many clients.
  func reload(_ request: Request, by author: String) async throws -> Response {
    var query = QueryReader(request, known: ["force"])
    let force = query["force"]
    if let force, !["true", "false"].contains(force) {
      query.report("force", "wants true or false")
    }
    guard query.errors.isEmpty else { throw query.problem }
    do {
      try await sources.reload(force == "true")
    } catch let faults as Faults {
      logger.error(
        "reload refused, the configuration in force stays",
        metadata: ["faults": "\(faults.description)", "author": "\(author)"])
      throw Problem(
        .unprocessableContent, "the configuration in force stays", type: .faults,
        errors: faults.faults.map(Problem.Item.init))
    }
    struct Reloaded: Encodable {
      var edition: UInt64
      var revision: UInt64
    }
    let edition = sources.publisher.desk.take()
    return try Response.json(Reloaded(edition: edition.number, revision: edition.revision))
  }
}

extension Problem.Item {
  init(_ fault: Fault) {
    self.init(
      detail: fault.message, file: fault.origin.file, line: fault.origin.line,
      path: fault.origin.path.isEmpty ? nil : fault.origin.path, suggestion: fault.suggestion)
  }
}
