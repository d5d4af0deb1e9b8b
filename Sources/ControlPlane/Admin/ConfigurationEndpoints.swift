import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Settings

/// The fleet's configuration as whole objects, for programs that keep infrastructure as it is
/// declared: each layer of the store is one, with its text as it was written.
extension AdminServer {
  /// Longer ones are refused: etcd takes 1.5 MiB a request.
  static let maximumLayerByteCount = 1 << 20
  /// Somebody else was first so often: then it is told.
  private static let maximumAttempts = 5

  /// `GET /v1/config[?limit=[&cursor=]]`.
  func layerList(_ request: Request) async throws -> Response {
    struct List: Encodable {
      var layers: [LayerReport]
    }
    let layers = try await layers(of: try sharedConfiguration)
    let page = try Page(layers, of: request) { "\($0.name)" }
    return try Response.cacheable(
      json: List(layers: page.elements.map(LayerReport.init)), for: request, headers: page.headers)
  }

  /// `GET /v1/config/{layer}`: the text, as it was written.
  func layer(_ request: Request) async throws -> Response {
    let name = try layerName(of: request)
    guard
      let layer = try await layers(of: try sharedConfiguration).first(where: { $0.name == name })
    else { throw Problem(.notFound, "the store has no layer \(name)") }
    return Response.cacheable(
      ByteBuffer(string: layer.text), type: "application/yaml", for: request,
      tag: layer.version.entityTag)
  }

  /// `PUT /v1/config/{layer}`: 201 where there was none, else 200; what is there already is not
  /// written again.
  func setLayer(_ request: Request, by author: String) async throws -> Response {
    let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
    guard ["application/yaml", "application/json"].contains(type) else {
      throw Problem(
        .unsupportedMediaType, "the body must be application/yaml or application/json",
        headers: [.accept: "application/yaml, application/json"])
    }
    let bytes = try await request.bytes(atMost: Self.maximumLayerByteCount)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Problem(.unprocessableContent, "the body is no UTF-8")
    }
    return try await change(request, to: text, by: author)
  }

  /// `DELETE /v1/config/{layer}`.
  func removeLayer(_ request: Request, by author: String) async throws -> Response {
    try await change(request, to: nil, by: author)
  }

  private func change(
    _ request: Request, to text: String?, by author: String
  ) async throws -> Response {
    let shared = try sharedConfiguration
    let name = try layerName(of: request)
    let wishes = try LayerWishes(request)
    for _ in 0..<Self.maximumAttempts {
      let layers = try await layers(of: shared)
      let present = layers.first { $0.name == name }
      try wishes.check(present)
      if text == nil, present == nil { throw Problem(.notFound, "the store has no layer \(name)") }
      let proposal = await shared.proposal(name, text, over: layers)
      if wishes.isDry { return try answer(name, present?.version, proposal, isDry: true) }
      guard text != present?.text else { return try answer(name, present?.version, proposal) }
      try refuse(proposal, wishes)
      let version: LayerVersion?
      do throws(SharedConfigurationFault) {
        version = try await shared.write(name, text, expected: present)
      } catch {
        throw Problem(error)
      }
      guard let version else { continue }
      logger.notice(
        "layer of the fleet's configuration \(text == nil ? "removed" : "set")",
        metadata: [
          "layer": "\(name)", "revision": "\(version.revision)",
          "changes": "\(proposal.changes.count)", "forced": "\(wishes.isForced)",
          "token": "\(author)",
        ])
      if text == nil { return Response(status: .noContent) }
      return try answer(name, version, proposal, status: present == nil ? .created : .ok)
    }
    throw Problem(
      .conflict, "layer \(name) is changed by others all the time; ask again",
      type: .overtaken)
  }

  private func refuse(_ proposal: LayerProposal, _ wishes: LayerWishes) throws(Problem) {
    guard !proposal.faults.isEmpty, proposal.isUnfit || !wishes.isForced else { return }
    throw Problem(
      .unprocessableContent,
      proposal.isUnfit
        ? "the layer cannot stand in the store"
        : "nodes would refuse it; if that is meant: ?force=true", type: .faults,
      errors: proposal.faults.map(Problem.Item.init))
  }

  private func answer(
    _ name: SharedLayerName, _ version: LayerVersion?, _ proposal: LayerProposal,
    isDry: Bool = false, status: HTTPResponse.Status = .ok
  ) throws -> Response {
    var response = try Response.json(
      ChangeReport(
        layer: "\(name)", revision: version?.revision, dryRun: isDry, changes: proposal.changes,
        faults: proposal.faults.map(Problem.Item.init)), status: status)
    response.headers[.eTag] = version?.entityTag
    return response
  }

  private var sharedConfiguration: any SharedConfiguration {
    get throws(Problem) {
      guard let shared = sources.sharedConfiguration else {
        throw Problem(
          .notFound, "this node is in no fleet: its configuration is its own file",
          type: .notConfigured)
      }
      return shared
    }
  }

  private func layers(of shared: any SharedConfiguration) async throws(Problem) -> [SharedLayer] {
    do throws(SharedConfigurationFault) {
      return try await shared.layers()
    } catch {
      throw Problem(error)
    }
  }

  private func layerName(of request: Request) throws(Problem) -> SharedLayerName {
    let path = percentDecoded(request.uri.path.dropFirst("/v1/config/".count))
    guard let name = path.flatMap({ SharedLayerName(path: $0) }) else {
      throw Problem(
        .notFound, "a layer is global, region/REGION, zone/REGION/ZONE or node/NODE")
    }
    return name
  }
}

/// How a layer is to be changed, and under what condition.
private struct LayerWishes {
  var isDry = false
  var isForced = false
  /// Entity tags of which the layer must have one; nil: any, or none.
  private var match: [String]?
  private var mustBeNew = false

  init(_ request: Request) throws(Problem) {
    var query = QueryReader(request, known: ["dry_run", "force"])
    isDry = query.flag("dry_run")
    isForced = query.flag("force")
    guard query.errors.isEmpty else { throw query.problem }
    match = request.headers[.ifMatch].map { tags in
      tags.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
    }
    if let tag = request.headers[.ifNoneMatch] {
      guard tag == "*" else { throw Problem(.badRequest, "If-None-Match wants * here") }
      mustBeNew = true
    }
  }

  /// RFC 9110 §13.1.
  func check(_ present: SharedLayer?) throws(Problem) {
    let tag = present?.version.entityTag
    let isMatch = match.map { tags in tag.map { tags.contains($0) || tags == ["*"] } ?? false }
    if isMatch == false || (mustBeNew && present != nil) {
      var headers: HTTPFields = [:]
      headers[.eTag] = tag
      throw Problem(
        .preconditionFailed, present == nil ? "there is no such layer" : "the layer is another now",
        type: .overtaken,
        headers: headers)
    }
  }
}

private struct LayerReport: Encodable {
  var layer: String
  var revision: Int64
  var etag: String

  init(_ layer: SharedLayer) {
    self.layer = "\(layer.name)"
    revision = layer.version.revision
    etag = layer.version.entityTag
  }
}

private struct ChangeReport: Encodable {
  var layer: String
  /// The store's, of the layer's last change; nil: it is not there.
  var revision: Int64?
  /// Nothing was written.
  var dryRun: Bool
  /// For whoever reads the layer.
  var changes: [LayerProposal.Change]
  var faults: [Problem.Item]
}

extension Problem {
  init(_ fault: SharedConfigurationFault) {
    switch fault {
    case .unavailable(let reason):
      self.init(
        .serviceUnavailable, "the fleet's store does not answer: \(reason)",
        type: .storeUnavailable,
        headers: [.retryAfter: "5"])
    case .forbidden(let reason):
      self.init(.forbidden, "the node's user of the store may not: \(reason)", type: .storeForbids)
    case .rollingOut:
      self.init(
        .conflict, "a text of this layer is being rolled out: finish or abandon that first",
        type: .rolloutUnderWay,
        headers: [.location: "/v1/rollout"])
    }
  }
}
