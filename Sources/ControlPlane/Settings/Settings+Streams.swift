package import Places

extension Settings {
  /// What connections may take, of DNS over TCP or over TLS.
  package struct Streams: Sendable, Equatable {
    package var maximumConnections: Int
    /// For one IPv4 address or IPv6 /64.
    package var maximumConnectionsPerClient: Int
    package var idleTimeout: Duration
    /// For the whole of a message, of a TLS handshake, of a proxy's header.
    package var receiveTimeout: Duration
    /// How long a peer may read nothing of what it was sent.
    package var sendTimeout: Duration
  }

  /// DNS over TLS (RFC 7858 §3.1).
  package struct EncryptedDNS: Sendable, Equatable {
    package var listen: [SocketAddress]
    package var files: CertificateFiles
    package var streams: Streams

    /// Whether all but the certificate and its key is the same: those are read anew by a reload.
    package func listensLike(_ other: EncryptedDNS) -> Bool {
      listen == other.listen && streams == other.streams
    }
  }
}
