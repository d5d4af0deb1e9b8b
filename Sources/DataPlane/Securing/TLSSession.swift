import CTLS

/// What an operation on a session came to.
package enum TLSResult: Sendable, Equatable {
  /// So many bytes; of what moves none, 0.
  case done(Int)
  /// Nothing happens before epoll says that the socket can be read.
  case wantsRead
  /// Nothing happens before it can be written.
  case wantsWrite
  /// The peer has sent close_notify (RFC 8446 §6.1): its stream is whole.
  case ended
  case broken(TLSBreak)
}

/// Why a session is over that has not ended.
package enum TLSBreak: Sendable, Equatable {
  /// The peer has sent FIN without close_notify: what it sent may be cut.
  case truncated
  /// The connection is gone.
  case reset
  /// TLS was not agreed on, or a certificate is not good; ``TLSSession/reason`` says why.
  case failed
}

/// TLS on a socket, for one thread. The socket stays its owner's and is non-blocking; the
/// session never closes it.
///
/// Every operation may want the socket to be readable or writable, whichever direction it moves
/// bytes in.
@safe package final class TLSSession {
  private let session: OpaquePointer
  /// Whether anything was said.
  package private(set) var hasBegun = false

  /// Of a client that has connected to us; nil: there is no memory.
  package init?(server context: TLSServerContext, on descriptor: Int32) {
    guard let session = unsafe az_tls_accept(context.context, descriptor) else { return nil }
    unsafe self.session = session
  }

  /// To an endpoint that we have connected to; nil: there is no memory, or `name` is none.
  ///
  /// - Parameters:
  ///   - name: asked for and to be proven; nil: `address` is to be proven.
  ///   - address: 4 or 16 octets.
  package init?(
    client context: TLSClientContext, on descriptor: Int32, name: String?, address: [UInt8]
  ) {
    guard
      let session = unsafe az_tls_connect(
        context.context, descriptor, name, address, address.count)
    else { return nil }
    unsafe self.session = session
  }

  deinit { unsafe az_tls_free(session) }

  /// Goes on with the handshake.
  package func handshake() -> TLSResult {
    hasBegun = true
    return TLSResult(unsafe az_tls_handshake(session))
  }

  /// Reads up to as many bytes as `buffer` holds, over record boundaries. What is met behind bytes
  /// that were read comes with the next call.
  package func read(into buffer: inout MutableRawSpan) -> TLSResult {
    // The span's memory is its own for the call, and as long as it says.
    TLSResult(
      unsafe buffer.withUnsafeMutableBytes {
        unsafe az_tls_read(session, $0.baseAddress, $0.count)
      })
  }

  /// Writes as much as the socket takes. What was not taken comes first in the next call, which is
  /// no shorter.
  package func write(_ bytes: RawSpan) -> TLSResult {
    // Read for the call only, as long as it says.
    TLSResult(
      unsafe bytes.withUnsafeBytes { unsafe az_tls_write(session, $0.baseAddress, $0.count) })
  }

  /// Says that we send no more; reading goes on.
  package func finish() -> TLSResult { TLSResult(unsafe az_tls_finish(session)) }

  /// Whether ``read(into:)`` may give more before epoll says so. A FIN that epoll has told of comes
  /// on top.
  package var hasMore: Bool { unsafe az_tls_has_more(session) != 0 }

  /// Such as "certificate has expired".
  package var reason: String { unsafe String(cString: az_tls_reason(session)) }

  /// What the handshake has agreed on.
  package var facts: TLSFacts {
    // OpenSSL's names live as long as the process or the session, and are copied here.
    let serverName = unsafe az_tls_server_name(session).map { unsafe String(cString: $0) }
    var length = 0
    let agreed = unsafe az_tls_protocol(session, &length).map { start in
      unsafe String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
    }
    return TLSFacts(
      version: TLSVersion(rawValue: UInt16(clamping: unsafe az_tls_version(session))) ?? .tls12,
      cipher: unsafe String(cString: az_tls_cipher(session)),
      serverName: serverName, applicationProtocol: agreed,
      isResumed: unsafe az_tls_is_resumed(session) != 0,
      hasCertificate: unsafe az_tls_has_certificate(session) != 0, commonName: commonName)
  }

  /// RFC 5280 §A.1: at most 64 characters.
  private var commonName: String? {
    var name = [CChar](repeating: 0, count: 256)
    let count = unsafe az_tls_common_name(session, &name, name.count)
    guard count > 0 else { return nil }
    return String(decoding: name[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// What the two ends of a session have agreed on.
package struct TLSFacts: Sendable, Equatable {
  package var version: TLSVersion
  /// As OpenSSL names it, such as `TLS_AES_256_GCM_SHA384`.
  package var cipher: String
  /// What the client asked for.
  package var serverName: String?
  package var applicationProtocol: String?
  /// Whether an earlier session was taken up again.
  package var isResumed: Bool
  /// Whether the peer has shown a certificate. It is good, where certificates are verified.
  package var hasCertificate: Bool
  /// In that certificate's subject.
  package var commonName: String?
}

extension TLSResult {
  fileprivate init(_ result: Int) {
    self =
      switch result {
      case 0...: .done(result)
      case Int(AZ_TLS_WANTS_READ): .wantsRead
      case Int(AZ_TLS_WANTS_WRITE): .wantsWrite
      case Int(AZ_TLS_ENDED): .ended
      case Int(AZ_TLS_TRUNCATED): .broken(.truncated)
      case Int(AZ_TLS_RESET): .broken(.reset)
      default: .broken(.failed)
      }
  }
}
