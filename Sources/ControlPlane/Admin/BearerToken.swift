import HTTPTypes
import Hummingbird

/// The token that whatever changes state asks for (RFC 6750).
struct BearerToken {
  private let expected: [UInt8]

  /// - Parameter token: nil: nothing is let through.
  init(_ token: String?) { expected = Array((token ?? "").utf8) }

  /// Lets a request with the token pass.
  ///
  /// - Throws: 403 where no token is configured, 401 where it is missing or another.
  func check(_ request: Request) throws(Problem) {
    guard !expected.isEmpty else {
      throw Problem(
        .forbidden, "no token configured: set admin.token to allow changes over HTTP")
    }
    guard let given = request.headers[.authorization] else {
      throw Self.unauthorized("a bearer token is needed", challenge: #"Bearer realm="azimuth""#)
    }
    // RFC 9110 §11.1: the scheme's case does not matter.
    let parts = given.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer",
      isEqual(Array(parts[1].utf8))
    else {
      throw Self.unauthorized(
        "this is not the token", challenge: #"Bearer realm="azimuth", error="invalid_token""#)
    }
  }

  /// Takes a time that depends on the length of what was given and on nothing else.
  private func isEqual(_ given: [UInt8]) -> Bool {
    var difference = given.count ^ expected.count
    for (index, byte) in given.enumerated() {
      difference |= Int(byte ^ expected[index % expected.count])
    }
    return difference == 0
  }

  private static func unauthorized(_ detail: String, challenge: String) -> Problem {
    Problem(.unauthorized, detail, headers: [.wwwAuthenticate: challenge])
  }
}
