import Places
import Securing

/// The sessions of a connection on which TLS begins or ends here, and what they have met.
final class SecuredEnds {
  /// nil: the client speaks no TLS with us.
  var client: TLSSession?
  /// nil: the endpoint speaks no TLS with us, or there is none yet.
  var upstream: TLSSession?
  /// What was agreed on with the client, once it was.
  var facts: TLSFacts?
  /// What a session broke of, for the log.
  var reason: String?

  subscript(side: Side) -> TLSSession? { side == .client ? client : upstream }

  /// How a stream came to an end that is none.
  func closeReason(of side: Side, _ cause: TLSBreak) -> CloseReason {
    switch (side, cause) {
    case (.client, .reset): return .clientReset
    case (.upstream, .reset): return .upstreamReset
    case (.client, .truncated): return .clientTruncated
    case (.upstream, .truncated): return .upstreamTruncated
    case (_, .failed):
      reason = self[side]?.reason
      return side == .client ? .clientTLS : .upstreamTLS
    }
  }
}

extension Transfer {
  /// What became of a read or a write of a session: its cause is kept where it is no transfer.
  init(_ result: TLSResult, cause: inout TLSBreak?) {
    switch result {
    case .done(let count): self = .moved(count)
    case .wantsRead, .wantsWrite: self = .wouldBlock
    case .ended: self = .ended
    case .broken(let why):
      cause = why
      self = .broken
    }
  }
}

extension CloseReason {
  /// Whether a side sees FIN at this end, and no reset. A cut stream is passed on as cut: over TLS
  /// FIN alone says so, for close_notify is missing (RFC 8446 §6.1). FIN comes also after an alert
  /// of ours, which a reset could overtake.
  func endsOrderly(_ side: Side, isSecured: Bool) -> Bool {
    switch self {
    case .clientTruncated, .upstreamTruncated: isSecured
    case .clientTLS: isSecured && side == .client
    case .upstreamTLS: isSecured
    default: isOrderly
    }
  }
}

extension AccessLine {
  /// What is known of TLS; nothing where bytes are passed on as they are.
  mutating func add(_ ends: SecuredEnds) {
    if let facts = ends.facts {
      add("tls", facts.version == .tls13 ? "1.3" : "1.2")
      add("tls_cipher", facts.cipher)
      add("tls_protocol", facts.applicationProtocol)
      add("tls_client", facts.commonName)
      add("tls_resumed", facts.isResumed ? 1 : 0)
    }
    if let reason = ends.reason { add("tls_fault", reason) }
  }
}

extension IPAddress {
  /// In network order: 4 or 16.
  var octets: [UInt8] {
    switch self {
    case .ipv4(let bits): (0..<4).reversed().map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    case .ipv6(let bits): (0..<16).reversed().map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    }
  }
}
