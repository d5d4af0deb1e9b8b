import Editions
import HTTPTypes
import Hummingbird
import Places
import Publishing
import Routing

extension AdminServer {
  /// `GET /v1/route?ip=&name=[&type=]` and `?ip=&listener=[&server_name=]`: the decision for a
  /// client.
  func route(_ request: Request) async throws -> Response {
    let asked = try RouteQuery(request)
    let edition = sources.publisher.desk.take()
    let (service, key): (Int, RoutedKey?) =
      switch asked.question {
      case .name(let name, _): try service(ofName: name, edition: edition)
      case .listener(let name, let serverName):
        try await service(ofListener: name, serverName: serverName, edition: edition)
      }
    let report = RouteReport(
      edition: edition, address: asked.address, service: service, question: asked.question,
      key: key, attribution: sources.node.attribution)
    guard let report else { throw Problem(.notFound, "the service is gone", type: .notServed) }
    return try Response.cacheable(json: report, for: request)
  }

  private func service(
    ofName name: String, edition: Edition
  ) throws(Problem) -> (Int, RoutedKey?) {
    switch sources.lookUpName(name, edition) {
    case .steered(let service, let key): return (service, key)
    case .static:
      throw Problem(
        .unprocessableContent, "\(name) is not steered: every client gets the same records",
        type: .notSteered)
    case .noSuchName:
      throw Problem(.notFound, "there is no name \(name) in its zone", type: .notServed)
    case .notOurs:
      throw Problem(.notFound, "\(name) is in no zone of this server", type: .notServed)
    case .malformed(let reason):
      throw Problem(
        .badRequest, "the query is not understood",
        errors: [Problem.Item(detail: reason, parameter: "name")])
    }
  }

  private func service(
    ofListener name: String, serverName: String?, edition: Edition
  ) async throws -> (Int, RoutedKey?) {
    switch await sources.lookUpListener(name, serverName ?? "", edition) {
    case .found(let service, let key): return (service, key)
    case .noSuchListener:
      throw Problem(.notFound, "there is no listener \(name)", type: .notServed)
    case .noRoute:
      throw Problem(
        .unprocessableContent,
        serverName.map { "listener \(name) has no service for \($0)" }
          ?? "listener \(name) goes by the asked name: give server_name", type: .notSteered)
    }
  }
}

/// What `/v1/route` is asked.
private struct RouteQuery {
  var address: IPAddress
  var question: RouteReport.Question

  init(_ request: Request) throws(Problem) {
    var query = QueryReader(request, known: ["ip", "name", "listener", "server_name", "type"])
    var address: IPAddress?
    if let text = query["ip"] {
      address = IPAddress(text)
      if address == nil { query.report("ip", "\"\(text)\" is no IPv4 or IPv6 address") }
    } else {
      query.report("ip", "missing: the client's address")
    }
    let question = Self.question(&query)
    guard query.errors.isEmpty, let address, let question else { throw query.problem }
    self.address = address
    self.question = question
  }

  private static func question(_ query: inout QueryReader) -> RouteReport.Question? {
    let isIPv6: Bool? =
      switch query["type"]?.uppercased() {
      case nil, "A": false
      case "AAAA": true
      default: nil
      }
    if isIPv6 == nil { query.report("type", "wants A or AAAA") }
    switch (query["name"], query["listener"]) {
    case (let name?, nil):
      if query["server_name"] != nil {
        query.report("server_name", "goes with listener, not with name")
      }
      return .name(name, isIPv6: isIPv6 ?? false)
    case (nil, let listener?):
      if query["type"] != nil { query.report("type", "goes with name, not with listener") }
      return .listener(listener, serverName: query["server_name"])
    case (nil, nil): query.report("name", "missing: a name, or a listener")
    case (_?, _?): query.report("listener", "goes without name: give one of them")
    }
    return nil
  }
}
