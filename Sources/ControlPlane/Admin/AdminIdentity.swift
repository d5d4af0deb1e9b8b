import NIOSSL
package import Settings
import Synchronization

/// The certificate that the admin server shows, and whose certificates it asks for. New connections
/// take what is current when they begin.
package final class AdminIdentity: Sendable {
  private let current: Mutex<NIOSSLContext>

  /// - Throws: what is wrong with a file, or that the key does not belong to the certificate.
  package init(_ tls: Settings.Admin.TLS) throws(Faults) {
    let files = tls.files
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try Self.chain(files), privateKey: try Self.key(files))
    configuration.minimumTLSVersion = .tlsv12
    if let roots = tls.clientRoots {
      // Nobody gets further than the handshake without a certificate that they have signed.
      configuration.trustRoots = .certificates(try Self.certificates(roots))
      // There is no name that a client should have.
      configuration.certificateVerification = .noHostnameVerification
    }
    do {
      current = Mutex(try NIOSSLContext(configuration: configuration))
    } catch {
      throw Faults([
        Fault(origin: files.keyOrigin, message: "\(files.key) does not belong to the certificate")
      ])
    }
  }

  /// Takes all of another one for the connections to come. None of them resumes a session of
  /// before: who was let in by roots that are gone shows a certificate again.
  package func adopt(_ other: AdminIdentity) {
    let context = other.context
    current.withLock { $0 = context }
  }

  /// For the next connection.
  var context: NIOSSLContext { current.withLock { $0 } }

  private static func certificates(
    _ roots: Settings.RootsFile
  ) throws(Faults) -> [NIOSSLCertificate] {
    guard let certificates = try? NIOSSLCertificate.fromPEMFile(roots.path), !certificates.isEmpty
    else {
      throw Faults([Fault(origin: roots.origin, message: "\(roots.path) holds no certificate")])
    }
    return certificates
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
