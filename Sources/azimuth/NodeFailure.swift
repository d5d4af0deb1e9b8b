import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A node has answered, and not as nodes do.
struct Unanswered: Error, CustomStringConvertible {
  var description: String
}

/// Why nothing is to be had of a node, in words that follow its address and "cannot be asked: ".
func reasonOfSilence(_ error: any Error) -> String {
  switch error {
  case let fault as Unanswered: fault.description
  case let fault as HTTPClientError: reason(fault)
  case let fault as IOError where fault.errnoCode == ECONNREFUSED: "nobody listens there"
  case let fault as IOError where fault.errnoCode == ENOENT: "there is no such socket"
  case let fault as IOError where fault.errnoCode == ENOTSOCK: "it is no socket"
  case let fault as IOError: String(cString: strerror(fault.errnoCode)).lowercased()
  case let fault as NIOConnectionError: reason(fault)
  case is DecodingError, is NIOTooManyBytesError, is HTTPParserError: otherwise
  case is NIOSSLError, is NIOSSLExtraError: reasonOfTLS("\(error)")
  case is ChannelError: closed
  default: "\(error)"
  }
}

private let closed =
  "it closes the connection; perhaps it wants https://, or a certificate (--admin-certificate)"

private let otherwise = "what it says is no answer of a node, or of one of another version"

private func reason(_ fault: HTTPClientError) -> String {
  switch fault {
  case .connectTimeout, .deadlineExceeded, .readTimeout, .getConnectionFromPoolTimeout:
    "it does not answer"
  case .remoteConnectionClosed, .uncleanShutdown: closed
  case .tlsHandshakeTimeout: "it does not speak TLS"
  default: otherwise
  }
}

/// - Parameter text: what NIOSSL prints, with the names of OpenSSL's faults in it.
private func reasonOfTLS(_ text: String) -> String {
  if text.contains("CERTIFICATE_VERIFY_FAILED") {
    return "its certificate is of nobody who is trusted here; --admin-roots says who is"
  }
  if text.contains("EOF during handshake") || text.contains("uncleanShutdown") {
    return "it ends the handshake of TLS; perhaps it wants a certificate (--admin-certificate)"
  }
  if text.contains("failedToValidateHostname") { return "its certificate is for another name" }
  if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
    return "it does not speak TLS; perhaps it wants http://"
  }
  let name = text.firstMatch(of: #/OPENSSL_internal:(\w+)/#).map { String($0.1).lowercased() }
  return "TLS fails\(name.map { " (\($0.replacing("_", with: " ")))" } ?? "")"
}

private func reason(_ fault: NIOConnectionError) -> String {
  if fault.connectionErrors.isEmpty { return "there is no address of \(fault.host)" }
  let reasons = fault.connectionErrors.map { reasonOfSilence($0.error) }
  return reasons.allSatisfy { $0 == reasons[0] } ? reasons[0] : reasons.joined(separator: "; ")
}
