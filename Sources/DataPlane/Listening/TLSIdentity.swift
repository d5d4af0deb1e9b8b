import NIOCore
import NIOSSL
import Synchronization

/// The certificate and the key that DNS over TLS (RFC 7858 §3.1) is served with. New connections
/// take the pair that is current when they begin; the others keep theirs.
public final class TLSIdentity: Sendable {
  private let current: Mutex<NIOSSLContext>

  /// - Throws: ``TLSIdentityFault`` if a file cannot be read or the two do not belong together.
  public init(certificateFile: String, keyFile: String) throws(TLSIdentityFault) {
    current = Mutex(try Self.context(certificateFile: certificateFile, keyFile: keyFile))
  }

  /// Takes the pair of another identity for all connections to come.
  public func adopt(_ other: TLSIdentity) {
    let context = other.context
    current.withLock { $0 = context }
  }

  var context: NIOSSLContext { current.withLock { $0 } }

  private static func context(
    certificateFile: String, keyFile: String
  ) throws(TLSIdentityFault) -> NIOSSLContext {
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(certificateFile)
    } catch {
      throw TLSIdentityFault(part: .certificate, reason: "is no readable PEM certificate")
    }
    guard !chain.isEmpty else {
      throw TLSIdentityFault(part: .certificate, reason: "holds no certificate")
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
    } catch {
      throw TLSIdentityFault(part: .key, reason: "is no readable PEM private key")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["dot"]
    // Whoever does not answer our goodbye holds the connection no longer than this.
    configuration.shutdownTimeout = .seconds(1)
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw TLSIdentityFault(part: .key, reason: "does not belong to the certificate")
    }
  }
}

/// What is wrong with a certificate or its key.
public struct TLSIdentityFault: Error, Sendable, Equatable {
  public enum Part: Sendable { case certificate, key }
  public let part: Part
  /// Such as "does not belong to the certificate".
  public let reason: String
}
