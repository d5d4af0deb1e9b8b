import Clustering
import HTTPTypes
import Settings

/// The body of `PUT /v1/rollout`, and of the verbs, which have an author and a reason alone. Read
/// strictly, and with all its errors at once.
///
///     {"layer": "global", "text": "policies: …", "order": ["tokyo", ["oslo", "lima"]],
///      "bake": "10m", "max_errors": "1%", "reason": "…", "author": "…"}
struct RolloutBody {
  /// JSON writes some characters of a text as six.
  static let maximumByteCount = 8 << 20
  private static let words = ["author", "reason"]
  private static let keys = ["layer", "text", "order", "bake", "max_errors"] + words

  private let members: [String: JSONValue]
  private var errors: [Problem.Item] = []
  private(set) var word: Rollout.Word
  private(set) var text = ""
  private(set) var plan: Rollout.Plan?

  /// - Parameters:
  ///   - hasPlan: false: it is that of a verb.
  ///   - author: who it is if the body does not say.
  /// - Throws: 400 where it is no JSON object, 422 with every member that is wrong.
  init(_ bytes: [UInt8], hasPlan: Bool, author: String) throws(Problem) {
    guard let value = JSONValue(bytes: bytes) else {
      throw Problem(.badRequest, "the body is not JSON")
    }
    guard case .object(let members) = value else {
      throw Problem(.unprocessableContent, "the body is not a JSON object")
    }
    self.members = members
    word = Rollout.Word(author: author, reason: "")
    let keys = hasPlan ? Self.keys : Self.words
    for key in members.keys.sorted() where !keys.contains(key) {
      report(key, "unknown member; known are \(keys.joined(separator: ", "))")
    }
    if let reason = line("reason", isRequired: true) { word.reason = reason }
    if let author = line("author", isRequired: false) { word.author = author }
    if hasPlan { readPlan() }
    guard errors.isEmpty else {
      throw Problem(.unprocessableContent, "the rollout is not understood", errors: errors)
    }
  }

  private mutating func readPlan() {
    let layer = string("layer").flatMap { SharedLayerName(path: $0) }
    if layer == nil {
      report("layer", "wants global, region/REGION, zone/REGION/ZONE or node/NODE")
    }
    if let text = string("text"), text.utf8.count <= AdminServer.maximumLayerByteCount {
      self.text = text
    } else {
      report("text", "wants YAML of \(AdminServer.maximumLayerByteCount) bytes at most")
    }
    let order = order ?? []
    let bake = members["bake"].map { _ in string("bake").flatMap(parsedDuration) } ?? .seconds(600)
    let errors =
      members["max_errors"].map { _ in string("max_errors").flatMap(parsedShare) } ?? 0.01
    guard let bake, (.zero...Rollout.longestBake).contains(bake) else {
      return report("bake", "wants a duration such as 10m, of 7d at most")
    }
    guard let errors, (0...1).contains(errors) else {
      return report("max_errors", "wants a share such as \"1%\"")
    }
    guard let layer else { return }
    let plan = Rollout.Plan(layer: layer, order: order, bake: bake, maximumErrors: errors)
    if !plan.isOrderWellFormed {
      report("order", "wants steps such as [\"tokyo\", [\"oslo\", \"lima\"]], each region once")
    }
    self.plan = plan
  }

  /// A step of one region may stand without brackets.
  private var order: [[String]]? {
    guard case .array(let steps) = members["order"] else { return nil }
    let read = steps.map { step -> [String] in
      let names: [JSONValue] = if case .array(let names) = step { names } else { [step] }
      return names.map { if case .string(let name) = $0 { name } else { "" } }
    }
    return read
  }

  private func string(_ key: String) -> String? {
    if case .string(let text) = members[key] { text } else { nil }
  }

  private mutating func line(_ key: String, isRequired: Bool) -> String? {
    guard let value = members[key] else {
      if isRequired { report(key, "missing: why, for whoever finds it") }
      return nil
    }
    let line = OverrideBody.line(value)
    if line == nil { report(key, OverrideBody.wantedLine) }
    return line
  }

  private mutating func report(_ key: String, _ detail: String) {
    errors.append(Problem.Item(detail: detail, pointer: "/\(key)"))
  }
}
