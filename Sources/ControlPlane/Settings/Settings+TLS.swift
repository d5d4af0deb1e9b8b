extension Settings {
  /// The absolute paths of PEM files, and where they are named: for faults that only their reader
  /// finds.
  package struct CertificateFiles: Sendable, Equatable {
    package var certificate: String
    package var key: String
    package var certificateOrigin: Origin
    package var keyOrigin: Origin
  }

  /// The absolute path of a PEM file with certificates that are trusted.
  package struct RootsFile: Sendable, Equatable {
    package var path: String
    package var origin: Origin
  }

  package enum TLSVersion: Sendable, Equatable { case tls12, tls13 }

  /// TLS that ends at a listener of the proxy.
  package struct ListenerTLS: Sendable, Equatable {
    package enum Clients: Sendable, Equatable { case off, optional, required }

    /// The first one is for clients whose name no other is for.
    package var certificates: [CertificateFiles]
    package var minimumVersion: TLSVersion
    /// Names of ALPN (RFC 7301 §3.1), best first.
    package var protocols: [String]
    /// Whether clients show certificates.
    package var clients: Clients
    /// There if they do.
    package var clientRoots: RootsFile?
    package var origin: Origin
  }

  /// TLS between the proxy and the endpoints of a pool.
  package struct EndpointTLS: Sendable, Equatable {
    /// nil: the name that the client has asked for, else the endpoint's address.
    package var serverName: String?
    package var isVerified: Bool
    /// nil: the roots of the system.
    package var roots: RootsFile?
    /// What endpoints are shown that ask.
    package var certificate: CertificateFiles?
    package var minimumVersion: TLSVersion
    package var protocols: [String]
    package var origin: Origin
  }
}
