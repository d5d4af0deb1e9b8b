package import Places

/// How the message travelled, as dnstap tells it.
public enum TapTransport: UInt8, Sendable, BitwiseCopyable { case udp, tcp, tls }

/// What a ring keeps of one exchange, in front of the bytes of the query and the answer.
package struct TapHeader: Sendable, BitwiseCopyable {
  /// Since 1970.
  package var queryNanoseconds: UInt64 = 0
  package var answerNanoseconds: UInt64 = 0
  /// IPv4 in the low 32 bits.
  package var clientBits: UInt128 = 0
  package var serverBits: UInt128 = 0
  /// Of a DNS message: at most 65,535 (RFC 1035 §4.2.2).
  package var queryByteCount: UInt16 = 0
  package var answerByteCount: UInt16 = 0
  package var clientPort: UInt16 = 0
  package var serverPort: UInt16 = 0
  package var transport = TapTransport.udp
  package var isIPv6 = false
  /// Whether the server's address is known.
  package var hasServer = false
  /// Whether the query is told.
  package var hasQuery = false
  /// Whether there was an answer, and it is told.
  package var hasAnswer = false

  package init() {}

  package var frameCount: UInt64 { (hasQuery ? 1 : 0) + (hasAnswer ? 1 : 0) }

  /// The room that a record takes in a ring: a whole number of lines of the cache.
  package var recordByteCount: Int {
    let count = TapRing.headerByteCount + Int(queryByteCount) + Int(answerByteCount)
    return (count + TapRing.lineByteCount - 1) / TapRing.lineByteCount * TapRing.lineByteCount
  }

  package mutating func setClient(_ client: SocketAddress) {
    clientPort = client.port
    isIPv6 = client.address.isIPv6
    clientBits = client.address.bits
  }

  /// Of the client's family, or it is not told: behind a proxy they may differ, and a message of
  /// dnstap has one family.
  package mutating func setServer(_ server: SocketAddress?) {
    guard let server, server.address.isIPv6 == isIPv6 else { return }
    hasServer = true
    serverPort = server.port
    serverBits = server.address.bits
  }
}

extension IPAddress {
  /// IPv4 in the low 32 bits.
  fileprivate var bits: UInt128 {
    switch self {
    case .ipv4(let bits): UInt128(bits)
    case .ipv6(let bits): bits
    }
  }
}
