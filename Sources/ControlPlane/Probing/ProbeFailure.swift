import Glibc
import NIOCore
import NIOHTTP2
import NIOSSL

/// What an error of a probe's connection says of the endpoint, in words for people.
/// - Parameter certificate: what the endpoint showed, if TLS came so far.
func probeFailure(_ error: any Error, certificate: NIOSSLCertificate? = nil) -> ProbeOutcome {
  switch error {
  case let error as IOError: failure(ofSystemCall: error.errnoCode, "\(error)")
  case let error as any NIOHTTP2Error: .failure("HTTP/2: \(error)")
  case let error as NIOSSLError: failure(ofTLS: error, certificate: certificate)
  case let error as NIOSSLExtraError where error == .failedToValidateHostname:
    .failure("certificate: not for the wanted name (\(error))")
  case ChannelError.eof, ChannelError.inputClosed, ChannelError.ioOnClosedChannel:
    .failure("connection closed before a response")
  default: .failure("\(error)")
  }
}

/// Many servers end TLS without saying so; what was received counts all the same.
func isUncleanTLSEnd(_ error: any Error) -> Bool {
  if case .uncleanShutdown? = error as? NIOSSLError { true } else { false }
}

/// - Parameters:
///   - code: an error number.
///   - words: for one that has no name of ours; nil: the system's.
func failure(ofSystemCall code: Int32, _ words: @autoclosure () -> String? = nil) -> ProbeOutcome {
  switch code {
  case ECONNREFUSED: .failure("connection refused")
  case ECONNRESET, EPIPE: .failure("connection reset")
  case ETIMEDOUT: .failure("connection timed out")
  case EHOSTUNREACH: .failure("no route to host")
  case ENETUNREACH: .failure("network unreachable")
  case EMFILE, ENFILE: .inconclusive("no file descriptor left")
  case ENOBUFS, ENOMEM: .inconclusive("no memory left for a socket")
  case EADDRNOTAVAIL: .inconclusive("no local port or address left")
  default: .failure(words() ?? String(cString: strerror(code)))
  }
}

private func failure(
  ofTLS error: NIOSSLError, certificate: NIOSSLCertificate?
) -> ProbeOutcome {
  switch error {
  case .handshakeFailed(.sslError([.eofDuringHandshake])):
    return .failure("connection closed in the TLS handshake")
  case .handshakeFailed(.sslError(let stack)):
    let reasons = stack.map(reason)
    if reasons.contains("CERTIFICATE_VERIFY_FAILED") {
      return .failure("certificate: \(distrust(of: certificate))")
    }
    return .failure("TLS: \(reasons.joined(separator: ", "))")
  case .unableToValidateCertificate, .noCertificateToValidate, .cannotMatchULabel:
    return .failure("certificate: \(error)")
  case .uncleanShutdown: return .failure("connection closed before a response")
  case .handshakeFailed(let cause): return .failure("TLS: \(cause)")
  default: return .failure("TLS: \(error)")
  }
}

/// The library does not tell why; the dates do where they are the reason.
private func distrust(of certificate: NIOSSLCertificate?) -> String {
  let now = time(nil)
  guard let certificate else { return "expired, or not signed by a trusted root" }
  if certificate.notValidAfter < now { return "expired" }
  if certificate.notValidBefore > now { return "not valid yet" }
  return "not signed by a trusted root"
}

/// The reason alone of `… error:100000f7:SSL routines:OPENSSL_internal:REASON at FILE:LINE`.
private func reason(_ error: BoringSSLInternalError) -> String {
  let text = "\(error)"
  guard let part = text.split(separator: ":").first(where: { $0.contains(" at ") }) else {
    return text
  }
  return String(part.prefix { $0 != " " })
}
