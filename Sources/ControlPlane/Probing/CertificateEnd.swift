import Glibc
import NIOCore
import NIOSSL
import NIOTLS

/// Notes whether the endpoint's certificate ends soon, once TLS has come about.
final class CertificateHandler: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  private let margin: Duration
  private let shortfall: NIOLoopBoundBox<String?>

  /// - Parameter shortfall: what is wrong with the end, for people; stays nil if nothing is.
  init(margin: Duration, shortfall: NIOLoopBoundBox<String?>) {
    self.margin = margin
    self.shortfall = shortfall
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent,
      let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    {
      shortfall.value = certificateShortfall(
        end: certificate.notValidAfter, now: time(nil), margin: margin)
    }
    context.fireUserInboundEventTriggered(event)
  }
}

/// - Parameters:
///   - end, now: seconds since 1970.
///   - margin: how long a certificate should hold from now on.
/// - Returns: nil if it does.
func certificateShortfall(end: Int, now: Int, margin: Duration) -> String? {
  let left = end - now
  guard left <= Int(margin.components.seconds) else { return nil }
  if left < 0 { return "certificate has expired" }
  let day = 86_400
  if left >= 2 * day { return "certificate ends in \(left / day) days" }
  let hours = left / 3_600
  return hours == 1 ? "certificate ends in 1 hour" : "certificate ends in \(hours) hours"
}
