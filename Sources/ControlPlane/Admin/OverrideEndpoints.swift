import Announcing
import Editions
import HTTPTypes
import Hummingbird
import Logging
import Places
import Publishing
import Routing
import Settings

extension AdminServer {
  /// A body longer than this is refused.
  static let maximumBodyByteCount = 16 * 1024

  /// `GET /v1/overrides[?limit=[&cursor=]]`.
  func overrideList(_ request: Request) async throws -> Response {
    struct List: Encodable {
      var overrides: [OverrideReport]
    }
    let page = try Page(await overrideReports, of: request) { $0.target }
    return try Response.cacheable(
      json: List(overrides: page.elements), for: request, headers: page.headers)
  }

  /// `GET /v1/overrides/{target}`.
  func override(_ request: Request) async throws -> Response {
    let target = try target(of: request)
    let report = await overrideReports.first { $0.target == target.description }
    guard let report else { throw Problem(.notFound, "no override is set for \(target)") }
    return try Response.cacheable(json: report, for: request)
  }

  /// `PUT /v1/overrides/{target}`: 201 where there was none, else 200 (RFC 9110 §9.3.4).
  func setOverride(_ request: Request, by author: String) async throws -> Response {
    let target = try target(of: request)
    let query = QueryReader(request, lists: ["override_rule"])
    guard query.errors.isEmpty else { throw query.problem }
    try checkIsJSON(request)
    let bytes = try await request.bytes(atMost: Self.maximumBodyByteCount)
    let body = try OverrideBody(
      bytes, isRegion: target.isRegion, author: author,
      now: sources.now())
    let override = body.override(of: target)
    let allowed = try allowedRules(query, body)
    let broken = await sources.publisher.brokenRules(by: override)
    if let rule = broken.first(where: { !allowed.contains($0.rule) }) {
      throw Problem(
        .conflict,
        "the safety rule \(rule.rule.rawValue) stands against it: \(rule); if that is meant, ask "
          + "with ?override_rule=\(rule.rule.rawValue)", type: .safetyRule)
    }
    let isNew = await !sources.publisher.overrides.contains { $0.target == target }
    let report = try await set(override)
    logger.notice(
      "override set",
      metadata: [
        "target": "\(target)", "state": "\(override.state.rawValue)",
        "dial": "\(override.dial.map { "\($0)" } ?? "as configured")",
        "reason": "\(override.reason)", "author": "\(override.author)", "token": "\(author)",
        "expires_at": "\(override.expiresAt.map { Timestamp(seconds: $0).description } ?? "never")",
        "rules_broken": "\(broken.map(\.rule.rawValue).joined(separator: " "))",
      ])
    let isCreated = isNew && (override.state != .auto || override.dial != nil)
    return try Response.json(report, status: isCreated ? .created : .ok)
  }

  /// The safety rules that may be broken: those of the body, and of `?override_rule=`.
  private func allowedRules(
    _ query: QueryReader, _ body: OverrideBody
  ) throws(Problem) -> Set<SafetyRule> {
    var rules = body.allowedRules
    for value in query.all("override_rule") {
      guard let rule = SafetyRule(rawValue: value) else {
        let known = SafetyRule.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem(
          .unprocessableContent, "there is no safety rule \(value); known are \(known)")
      }
      rules.insert(rule)
    }
    return rules
  }

  /// For the fleet, if there is one.
  private func set(_ override: Override) async throws -> OverrideReport {
    do {
      if let shared = sources.sharedOverrides {
        guard await sources.publisher.isKnown(override.target) else {
          throw PublishingError.unknownTarget(override.target.description)
        }
        let entry = try await shared.say(override)
        return OverrideReport(entry.override ?? override, entry)
      }
      try await sources.publisher.set(override)
      return OverrideReport(override)
    } catch PublishingError.handingOver {
      throw Problem.handingOver
    } catch PublishingError.unknownTarget(let name) {
      let near = nearTarget(name, in: sources.publisher.desk.take().model)
      throw Problem(
        .notFound,
        "there is no region, availability zone, pool or endpoint \(name)"
          + (near.map { "; did you mean \($0)?" } ?? ""))
    } catch let refusal as SharedOverrideRefusal {
      throw Problem(refusal, target: override.target)
    }
  }

  private var overrideReports: [OverrideReport] {
    get async {
      guard let shared = sources.sharedOverrides else {
        return await sources.publisher.overrides.map { OverrideReport($0) }
      }
      return await shared.entries().compactMap { entry in
        entry.override.map { OverrideReport($0, entry) }
      }
    }
  }

  /// `DELETE /v1/overrides/{target}`.
  func removeOverride(_ request: Request, by author: String) async throws -> Response {
    let target = try target(of: request)
    guard try await remove(target, by: author) else {
      throw Problem(.notFound, "no override is set for \(target)")
    }
    logger.notice(
      "override removed", metadata: ["target": "\(target)", "token": "\(author)"])
    return Response(status: .noContent)
  }

  /// - Returns: false: there was none.
  private func remove(_ target: Override.Target, by author: String) async throws -> Bool {
    guard let shared = sources.sharedOverrides else {
      return await sources.publisher.removeOverride(of: target)
    }
    guard await overrideReports.contains(where: { $0.target == target.description }) else {
      return false
    }
    let removal = Override(
      target: target, state: .auto, reason: "taken back", author: author, expiresAt: nil,
      setAt: sources.now())
    do {
      _ = try await shared.say(removal)
      return true
    } catch {
      throw Problem(error, target: target)
    }
  }

  /// `POST /v1/failback/{region}`: what is held returns.
  func failback(_ request: Request, by author: String) async throws -> Response {
    struct Report: Encodable {
      var region: String
      /// In which the region was held.
      var pools: [String]
    }
    let path = request.uri.path.dropFirst("/v1/failback/".count)
    guard let name = percentDecoded(path),
      let pools = await sources.publisher.failback(region: name)
    else { throw Problem(.notFound, "there is no such region") }
    guard !pools.isEmpty else {
      throw Problem(.conflict, "region \(name) is not held in any pool", type: .notHeld)
    }
    logger.notice(
      "fail-back",
      metadata: ["region": "\(name)", "pools": "\(pools)", "token": "\(author)"])
    return try Response.json(Report(region: name, pools: pools))
  }

  private func target(of request: Request) throws(Problem) -> Override.Target {
    try target(request.uri.path.dropFirst("/v1/overrides/".count))
  }

  /// - Parameter path: percent-encoded.
  func target(_ path: Substring) throws(Problem) -> Override.Target {
    guard let text = percentDecoded(path), var target = Override.Target(text) else {
      throw Problem(
        .notFound, "a target is region, region/@zone, region/pool or region/pool/address:port")
    }
    // Endpoints are known by one form of their address, whichever was asked with.
    if let socket = target.socket.flatMap({ Places.SocketAddress($0) }) {
      target.socket = socket.description
    }
    return target
  }

  func checkIsJSON(_ request: Request) throws(Problem) {
    let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
    guard type.split(separator: " ").first == "application/json" else {
      throw Problem(
        .unsupportedMediaType, "the body must be application/json",
        headers: [.accept: "application/json"])
    }
  }
}

/// The target that was most likely meant.
private func nearTarget(_ text: String, in model: RoutingModel) -> String? {
  var names = Set(model.endpoints.map(\.id))
  for endpoint in model.endpoints {
    let region = model.regions[endpoint.region].name
    names.insert("\(region)/\(model.pools[endpoint.pool].name)")
    if let zone = endpoint.availabilityZone { names.insert("\(region)/@\(zone)") }
  }
  let all = model.regions.map(\.name) + names.sorted()
  // Of many endpoints most differ by a digit: there a guess is none.
  guard all.count <= 1000 else { return nil }
  return nearSpelling(of: text, among: all)
}

/// RFC 3986 §2.1; nil where a `%` has no two digits behind it, or the bytes are not UTF-8.
func percentDecoded(_ text: Substring) -> String? {
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    let digits = rest.prefix(2)
    guard digits.count == 2, digits.first != UInt8(ascii: "+"),
      let decoded = UInt8(Substring(digits), radix: 16)
    else { return nil }
    bytes.append(decoded)
    rest = rest.dropFirst(2)
  }
  return String(validating: bytes, as: UTF8.self)
}
