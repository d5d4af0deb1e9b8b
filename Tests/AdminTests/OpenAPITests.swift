import Admin
import Announcing
import Foundation
import Gating
import HTTPTypes
import Hummingbird
import Logging
import Publishing
import Testing

@Suite struct `The OpenAPI document` {
  private var document: JSON { Contract.shared.document }

  private struct Operation {
    var path: String
    var method: String
    var value: JSON
  }

  private var operations: [Operation] {
    document["paths"].keys.flatMap { path in
      document["paths"][path].keys.filter { $0 != "parameters" }.map {
        Operation(path: path, method: $0.uppercased(), value: document["paths"][path][$0])
      }
    }
  }

  @Test func `is served as it is in the sources`() async throws {
    let reply = try await AdminWorld().get("/v1/openapi.json")
    #expect(reply.type == "application/json")
    #expect(reply.text == (try String(contentsOfFile: Contract.path, encoding: .utf8)))
    #expect(reply.json["openapi"].string?.hasPrefix("3.1.") == true)
  }

  @Test func `has the paths and methods that there are, and no others`() throws {
    let server = AdminServer(
      try AdminWorld().sources, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    var served: [String: Set<String>] = [:]
    for route in server.routes { served[route.path, default: []].formUnion(route.methods) }
    var documented: [String: Set<String>] = [:]
    for operation in operations {
      // A variable is one segment or more, and whatever follows it is the endpoint's to read.
      let path = operation.path.split(separator: "/{").first.map { String($0) }
      let isFixed = path == operation.path
      let key = isFixed ? operation.path : "\(path ?? "")/**"
      documented[key, default: []].insert(operation.method)
    }
    #expect(served.count > 30)
    #expect(documented == served)
  }

  @Test func `gives each operation a name of its own, and declares the variables of its path`() {
    let names = operations.map { $0.value["operationId"].string }
    #expect(Set(names).count == operations.count && !names.contains(nil))
    for operation in operations {
      let shared = document["paths"][operation.path]["parameters"].items
      let declared = (shared + operation.value["parameters"].items)
        .filter { $0["in"].string == "path" }.compactMap { $0["name"].string }
      let variables = operation.path.matches(of: #/\{(\w+)\}/#).map { String($0.1) }
      #expect(declared == variables, "\(operation.method) \(operation.path)")
    }
  }

  /// To look may want one: the document as a whole says so.
  @Test func `always asks for a token where something may change, and there alone`() {
    for operation in operations {
      let asks = operation.value["security"] != .null
      #expect(asks == (operation.method != "GET"), "\(operation.method) \(operation.path)")
    }
    #expect(document["security"].items.count == 2)
  }

  @Test func `may refuse whoever shows no token where not everybody may look`() {
    let isOpen = { (path: String) in
      ["/", "/livez", "/readyz", "/v1/anycast", "/problems", "/problems/{type}"].contains(path)
        || path.hasPrefix("/dashboard/")
    }
    for operation in operations {
      let answers = operation.value["responses"].keys
      let name = "\(operation.method) \(operation.path)"
      #expect(answers.contains("401") != isOpen(operation.path), "\(name)")
      #expect(answers.contains("429") != isOpen(operation.path), "\(name)")
      #expect(answers.contains("421"), "\(name)")
    }
  }

  @Test func `refers to what it has, and has nothing that nobody refers to`() throws {
    let text = try String(contentsOfFile: Contract.path, encoding: .utf8)
    let references = Set(
      text.matches(of: #/"#\/components\/(\w+\/\w+)"/#).map { String($0.1) })
    let components = ["schemas", "responses", "parameters", "headers"].flatMap { kind in
      document["components"][kind].keys.map { "\(kind)/\($0)" }
    }
    #expect(references == Set(components))
  }

  @Test func `knows every word that an answer or a request may have`() {
    func words(_ schema: String, _ member: String) -> [String] {
      document["components"]["schemas"][schema]["properties"][member]["enum"].items
        .compactMap(\.string)
    }
    #expect(words("Problem", "type") == ["about:blank"] + ProblemType.allCases.map(\.uri))
    #expect(words("Event", "kind") == Event.Kind.allCases.map(\.rawValue))
    #expect(words("OverrideWish", "override_rule") == SafetyRule.allCases.map(\.rawValue))
    #expect(words("Anycast", "standing") == AnycastStanding.allCases.map(\.rawValue))
    let verb = document["paths"]["/v1/rollout/{verb}"]["post"]["parameters"][0]["schema"]["enum"]
    #expect(verb.items.compactMap(\.string) == RolloutVerb.allCases.map(\.rawValue))
  }

  @Test func `has a tag where it may answer that nothing has changed, and a limit where a Link`() {
    for operation in operations where operation.method == "GET" {
      let name = "\(operation.method) \(operation.path)"
      let answers = operation.value["responses"]
      let headers = answers["200"]["headers"].keys
      let references = operation.value["parameters"].items.compactMap { $0["$ref"].string }
        .compactMap { $0.split(separator: "/").last.map { String($0) } }
      #expect(headers.contains("ETag") == answers.keys.contains("304"), "\(name)")
      #expect(headers.contains("ETag") == references.contains("IfNoneMatch"), "\(name)")
      #expect(headers.contains("Link") == references.contains("Limit"), "\(name)")
    }
  }

  static let faulty: [(schema: String, instance: String, place: String)] = [
    ("Reloaded", #"{"edition": 1}"#, "required"),
    ("Reloaded", #"{"edition": 1, "revision": 2, "more": 3}"#, "/more"),
    ("Reloaded", #"{"edition": 1.5, "revision": 2}"#, "/edition"),
    ("Reloaded", #"{"edition": -1, "revision": 2}"#, "/edition"),
    ("Override", #"{"target": "t", "state": "off"}"#, "/state"),
    ("Failback", #"{"region": "t", "pools": [1]}"#, "/pools/0"),
    ("OverrideWish", #"{"reason": "r"}"#, "anyOf"),
    ("OverrideWish", #"{"state": "up", "reason": " "}"#, "/reason"),
    ("OverrideWish", #"{"state": "up", "reason": "r", "who": "a"}"#, "additionalProperties"),
    (
      "OverrideWish",
      #"{"state": "up", "reason": "r", "expires_in": "1m", "expires_at": "2026-01-01T00:00:00Z"}"#,
      "not"
    ),
  ]

  @Test(arguments: faulty)
  func `tells what is against it`(schema: String, instance: String, place: String) {
    let faults = Contract.shared.component(schema).faults(of: JSON(instance))
    #expect(faults.contains { $0.contains(place) }, "\(faults)")
  }

  @Test func `has answers broken that are not as it promises`() {
    func breaches(_ status: Int, _ text: String, type: String) -> [String] {
      var headers: HTTPFields = [:]
      headers[.contentType] = type
      let reply = Reply(status: status, headers: headers, text: text)
      return Contract.shared.breaches(of: reply, to: .get, "/v1/primaries")
    }
    let json = "application/json"
    #expect(breaches(200, #"{"primaries": []}"#, type: json).isEmpty)
    #expect(!breaches(200, #"{"primaries": {}}"#, type: json).isEmpty)
    #expect(!breaches(200, #"{"primaries": []}"#, type: "text/plain").isEmpty)
    #expect(!breaches(202, #"{"primaries": []}"#, type: json).isEmpty)
    let problem =
      #"{"type": "about:blank", "title": "t", "status": 400, "detail": "", "instance": ""}"#
    #expect(!breaches(400, problem, type: "application/problem+json").isEmpty)
  }
}
