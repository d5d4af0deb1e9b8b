import HTTPTypes

/// An error as RFC 9457 has it: what a client reads instead of the answer.
struct Problem: Error, Sendable {
  var status: HTTPResponse.Status
  /// nil: its status says all that there is (`about:blank`).
  var type: ProblemType?
  /// A sentence on this occurrence.
  var detail: String
  /// Every single thing that is wrong, where there can be several (RFC 9457 §3).
  var errors: [Item] = []
  /// Of ``/readyz``.
  var conditions: [ReadinessCondition]?
  var headers: HTTPFields = [:]

  /// - Parameter type: nil: for 400 and 422 that the request is not understood.
  init(
    _ status: HTTPResponse.Status, _ detail: String, type: ProblemType? = nil,
    errors: [Item] = [], headers: HTTPFields = [:]
  ) {
    self.status = status
    let isMisunderstanding = [.badRequest, .unprocessableContent].contains(status)
    self.type = type ?? (isMisunderstanding ? .notUnderstood : nil)
    self.detail = detail
    self.errors = errors
    self.headers = headers
  }

  /// The successor would not know of it. It answers in a moment.
  static let handingOver = Problem(
    .serviceUnavailable, "another process is taking over; ask again", type: .handingOver,
    headers: [.retryAfter: "1"])

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

  /// The JSON.
  struct Document: Encodable {
    /// `about:blank`, or where the node explains it.
    var type: String
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
      type: type?.uri ?? "about:blank", title: type?.title ?? status.reasonPhrase,
      status: status.code, detail: detail, instance: instance,
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
