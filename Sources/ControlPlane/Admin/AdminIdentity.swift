import NIOCore
package import NIOSSL
package import Settings
import Synchronization

/// The certificate that the admin server shows, and whose certificates it asks for. New connections
/// take the pair that is current when they begin.
package final class AdminIdentity: Sendable {
  private struct Pair {
    var chain: [NIOSSLCertificateSource]
    var key: NIOSSLPrivateKeySource
  }

  private let current: Mutex<Pair>
  private let clientRoots: String?

  /// - Throws: what is wrong with a file, or that the key does not belong to the certificate.
  package init(_ tls: Settings.Admin.TLS) throws(Faults) {
    let files = tls.files
    let pair = Pair(chain: try Self.chain(files), key: try Self.key(files))
    current = Mutex(pair)
    clientRoots = tls.clientRoots?.path
    if let roots = tls.clientRoots {
      guard let certificates = try? NIOSSLCertificate.fromPEMFile(roots.path), !certificates.isEmpty
      else {
        throw Faults([Fault(origin: roots.origin, message: "\(roots.path) holds no certificate")])
      }
    }
    do {
      _ = try NIOSSLContext(configuration: configuration)
    } catch {
      throw Faults([
        Fault(origin: files.keyOrigin, message: "\(files.key) does not belong to the certificate")
      ])
    }
  }

  /// Takes the certificate and the key of another one for all connections to come. Whose
  /// certificates are asked for stays.
  package func adopt(_ other: AdminIdentity) {
    let pair = other.current.withLock { $0 }
    current.withLock { $0 = pair }
  }

  /// For a server: with client roots, nobody gets further than the handshake without a certificate
  /// that they have signed.
  package var configuration: TLSConfiguration {
    let pair = current.withLock { $0 }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: pair.chain, privateKey: pair.key)
    configuration.minimumTLSVersion = .tlsv12
    if let clientRoots {
      configuration.trustRoots = .file(clientRoots)
      // There is no name that a client should have.
      configuration.certificateVerification = .noHostnameVerification
    }
    configuration.sslContextCallback = { [self] _, promise in
      let pair = current.withLock { $0 }
      var override = NIOSSLContextConfigurationOverride()
      override.certificateChain = pair.chain
      override.privateKey = pair.key
      promise.succeed(override)
    }
    return configuration
  }

  private static func chain(
    _ files: Settings.CertificateFiles
  ) throws(Faults) -> [NIOSSLCertificateSource] {
    guard let chain = try? NIOSSLCertificate.fromPEMFile(files.certificate), !chain.isEmpty else {
      throw Faults([
        Fault(
          origin: files.certificateOrigin,
          message: "\(files.certificate) is no readable PEM certificate")
      ])
    }
    return chain.map { .certificate($0) }
  }

  private static func key(_ files: Settings.CertificateFiles) throws(Faults)
    -> NIOSSLPrivateKeySource
  {
    do {
      return .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
    } catch {
      throw Faults([
        Fault(origin: files.keyOrigin, message: "\(files.key) is no readable PEM private key")
      ])
    }
  }
}
