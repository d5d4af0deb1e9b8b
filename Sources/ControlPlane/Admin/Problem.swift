import HTTPTypes

/// An error as RFC 9457 has it: what a client reads instead of the answer.
struct Problem: Error, Sendable {
  var status: HTTPResponse.Status
  /// A sentence on this occurrence.
  var detail: String
  /// Every single thing that is wrong, where there can be several (RFC 9457 §3).
  var errors: [Item] = []
  /// Of ``/readyz``.
  var conditions: [ReadinessCondition]?
  var headers: HTTPFields = [:]

  init(
    _ status: HTTPResponse.Status, _ detail: String, errors: [Item] = [],
    headers: HTTPFields = [:]
  ) {
    self.status = status
    self.detail = detail
    self.errors = errors
    self.headers = headers
  }

  /// The successor would not know of it. It answers in a moment.
  static let handingOver = Problem(
    .serviceUnavailable, "another process is taking over; ask again", headers: [.retryAfter: "1"])

  /// One thing wrong: in the query, in the body, or in a configuration file.
  struct Item: Sendable, Equatable, Encodable {
    var detail: String
    /// A query parameter.
    var parameter: String?
    /// A place in the body (RFC 6901).
    var pointer: String?
    var file: String?
    /// From 1.
    var line: Int?
    /// A key path in the configuration.
    var path: String?
    var suggestion: String?
  }

  /// The JSON: no type of our own is needed, the status says what kind it is (RFC 9457 §4.2.1).
  struct Document: Encodable {
    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    /// The path that was asked for.
    var instance: String
    var errors: [Item]?
    var conditions: [ReadinessCondition]?
  }

  func document(instance: String) -> Document {
    Document(
      title: status.reasonPhrase, status: status.code, detail: detail, instance: instance,
      errors: errors.isEmpty ? nil : errors, conditions: conditions)
  }
}

/// What must hold before this node takes clients; shown by `/readyz?verbose`.
package struct ReadinessCondition: Sendable, Equatable, Encodable {
  package var name: String
  package var isMet: Bool
  /// What is missing, or how it came to be met.
  package var detail: String

  package init(name: String, isMet: Bool, detail: String) {
    self.name = name
    self.isMet = isMet
    self.detail = detail
  }

  enum CodingKeys: String, CodingKey {
    case name, detail
    case isMet = "met"
  }
}
