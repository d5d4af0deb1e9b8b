/// Why a database is refused.
package struct MaxMindFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The path as it was given.
  package var file: String
  /// A sentence: what was found, what is wanted.
  package var reason: String

  package var description: String { "\(file): \(reason)" }
}

/// What is wrong inside, before it is said of which file.
struct MalformedDatabase: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
