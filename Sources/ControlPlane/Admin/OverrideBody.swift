import Announcing
import HTTPTypes
import Publishing
import Routing
import Settings

/// The body of a PUT: `{"state": "down", "reason": "…", "author": "…", "expires_in": "30m"}`, or
/// `expires_at` with an RFC 3339 time; for a region also `dial`, a share such as `"30%"`.
/// Read strictly, and with all its errors at once.
struct OverrideBody {
  /// Of a reason and an author, in Unicode scalars, as JSON Schema counts.
  static let maximumTextCount = 500
  /// Whoever means longer than a year means without end.
  static let maximumExpirySeconds = 366.0 * 86_400

  private static let keys = [
    "state", "dial", "reason", "author", "expires_in", "expires_at", "override_rule",
  ]

  private let now: Double
  private let members: [String: JSONValue]
  private var errors: [Problem.Item] = []
  private var state = OverrideState.auto
  private var dial: Double?
  private var reason = ""
  private var author: String
  private var expiresAt: Double?
  /// Safety rules that are meant to be broken.
  private(set) var allowedRules: Set<SafetyRule> = []

  /// - Parameters:
  ///   - isRegion: whether the target is a whole region, which alone has a dial.
  ///   - author: who it is if the body does not say.
  ///   - now: seconds since 1970.
  /// - Throws: 400 where it is no JSON object, 422 with every member that is wrong.
  init(
    _ bytes: [UInt8], isRegion: Bool, author: String, now: Double
  ) throws(Problem) {
    guard let value = JSONValue(bytes: bytes) else {
      throw Problem(.badRequest, "the body is not JSON")
    }
    guard case .object(let members) = value else {
      throw Problem(.unprocessableContent, "the body is not a JSON object")
    }
    self.now = now
    self.author = author
    self.members = members
    for key in members.keys.sorted() where !Self.keys.contains(key) {
      report(key, "unknown member; known are \(Self.keys.joined(separator: ", "))")
    }
    readState()
    readDial(isRegion: isRegion)
    if let reason = text("reason", isRequired: true) { self.reason = reason }
    if let author = text("author", isRequired: false) { self.author = author }
    readExpiry()
    readRule()
    guard errors.isEmpty else {
      throw Problem(.unprocessableContent, "the override is not understood", errors: errors)
    }
  }

  func override(of target: Override.Target) -> Override {
    Override(
      target: target, state: state, dial: dial, reason: reason, author: author,
      expiresAt: expiresAt,
      setAt: now)
  }

  private mutating func readState() {
    let wanted = "wants one of auto, up, down, drain"
    guard let value = members["state"] else {
      // A dial alone leaves it to the checks whether the region is up.
      if members["dial"] == nil { report("state", "missing: \(wanted)") }
      return
    }
    guard case .string(let text) = value, let state = OverrideState(rawValue: text) else {
      return report("state", wanted)
    }
    self.state = state
  }

  private mutating func readDial(isRegion: Bool) {
    guard let value = members["dial"] else { return }
    guard isRegion else { return report("dial", "is for whole regions only") }
    guard case .string(let text) = value, let dial = parsedShare(text), (0...1).contains(dial)
    else { return report("dial", "wants a share from \"0%\" to \"100%\"") }
    self.dial = dial
  }

  /// A line of text: it ends up in logs and on terminals.
  private mutating func text(_ key: String, isRequired: Bool) -> String? {
    guard let value = members[key] else {
      if isRequired { report(key, "missing: why, for whoever finds it") }
      return nil
    }
    guard let line = Self.line(value) else {
      report(key, Self.wantedLine)
      return nil
    }
    return line
  }

  static let wantedLine = "wants one line of 1 to \(maximumTextCount) characters"

  /// What a person says; nil: it is no such line.
  static func line(_ value: JSONValue) -> String? {
    guard case .string(let text) = value, text.contains(where: { !$0.isWhitespace }),
      text.unicodeScalars.count <= maximumTextCount,
      !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { return nil }
    return text
  }

  private mutating func readExpiry() {
    if members["expires_in"] != nil && members["expires_at"] != nil {
      return report("expires_at", "goes without expires_in: give one of them")
    }
    if let value = members["expires_in"] {
      guard case .string(let text) = value, let duration = parsedDuration(text) else {
        return report("expires_in", "wants a duration such as 90s, 30m, 12h or 7d")
      }
      let seconds =
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
      setExpiry(now + seconds, key: "expires_in")
    } else if let value = members["expires_at"] {
      guard case .string(let text) = value, let moment = Timestamp(text) else {
        return report("expires_at", "wants an RFC 3339 time such as 2030-01-31T12:00:00Z")
      }
      setExpiry(moment.seconds, key: "expires_at")
    }
  }

  private mutating func readRule() {
    guard let value = members["override_rule"] else { return }
    guard case .string(let text) = value, let rule = SafetyRule(rawValue: text) else {
      let known = SafetyRule.allCases.map(\.rawValue).joined(separator: ", ")
      return report("override_rule", "wants the name of a safety rule: \(known)")
    }
    allowedRules.insert(rule)
  }

  private mutating func setExpiry(_ moment: Double, key: String) {
    guard moment > now else { return report(key, "wants a time that is still to come") }
    guard moment <= now + Self.maximumExpirySeconds else {
      return report(key, "wants at most 366 days; leave it out for an override without end")
    }
    expiresAt = moment
  }

  /// RFC 6901 §3: `~` and `/` in a key are written `~0` and `~1`.
  private mutating func report(_ key: String, _ detail: String) {
    let escaped = key.flatMap { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }
    errors.append(Problem.Item(detail: detail, pointer: "/\(String(escaped))"))
  }
}
