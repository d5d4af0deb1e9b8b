/// A version of TLS that is spoken here: RFC 5246 §1 and RFC 8446 §1. Older ones are not
/// (RFC 8996 §2).
package enum TLSVersion: UInt16, Sendable, CaseIterable {
  case tls12 = 0x0303
  case tls13 = 0x0304
}

/// The paths of a certificate, with those that lead from it to a root, and of its key; both PEM.
package struct CertificateFiles: Sendable, Hashable {
  package var certificate: String
  package var key: String

  package init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// Whether clients show certificates. One that is shown is good, or the connection ends.
package enum ClientCertificates: Sendable, Equatable {
  case off, optional, required
}

/// What a listener wants of TLS.
package struct TLSServerRules: Sendable, Equatable {
  /// At least one.
  package var certificates: [CertificateFiles]
  package var minimumVersion: TLSVersion
  /// Of application protocols (RFC 7301 §3.1), best first; empty: none is agreed on.
  package var protocols: [String]
  package var clientCertificates: ClientCertificates
  /// The path of a PEM file with the roots of clients' certificates.
  package var clientRoots: String?
  /// A session is resumed only where this, the roots and ``clientCertificates`` are the same.
  package var scope: String

  package init(
    certificates: [CertificateFiles], minimumVersion: TLSVersion = .tls12,
    protocols: [String] = [], clientCertificates: ClientCertificates = .off,
    clientRoots: String? = nil, scope: String = ""
  ) {
    self.certificates = certificates
    self.minimumVersion = minimumVersion
    self.protocols = protocols
    self.clientCertificates = clientCertificates
    self.clientRoots = clientRoots
    self.scope = scope
  }
}

/// What connections to endpoints want of TLS.
package struct TLSClientRules: Sendable, Equatable {
  /// What is asked for, and what the endpoint has to prove; nil: what the client asked us for, and
  /// without that the endpoint's address.
  package var serverName: String?
  /// Whether the endpoint has to prove its name.
  package var isVerified: Bool
  /// The path of a PEM file; nil: the roots of the system.
  package var roots: String?
  /// What we show to endpoints that ask.
  package var certificate: CertificateFiles?
  package var minimumVersion: TLSVersion
  package var protocols: [String]

  package init(
    serverName: String? = nil, isVerified: Bool = true, roots: String? = nil,
    certificate: CertificateFiles? = nil, minimumVersion: TLSVersion = .tls12,
    protocols: [String] = []
  ) {
    self.serverName = serverName
    self.isVerified = isVerified
    self.roots = roots
    self.certificate = certificate
    self.minimumVersion = minimumVersion
    self.protocols = protocols
  }
}

/// What is wrong with the files of a context.
package struct TLSFileFault: Error, Sendable, Equatable {
  package enum Part: Sendable, Equatable {
    /// Of the certificates that the rules name, the one at this place.
    case certificate(Int), key(Int)
    case roots
    /// Not a file: the names of application protocols, or memory.
    case other
  }

  package let part: Part
  /// Such as "does not belong to the certificate".
  package let reason: String

  package init(part: Part, reason: String) {
    self.part = part
    self.reason = reason
  }
}
