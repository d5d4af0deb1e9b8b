import NIOSSL
import Settings
import Synchronization

/// TLS contexts by what they verify; reading a file of roots takes milliseconds, so each is kept.
final class TLSContexts: Sendable {
  private struct Key: Hashable {
    var isVerified: Bool
    var rootsFile: String?
    var protocols: [String]
  }
  private let contexts = Mutex<[Key: NIOSSLContext]>([:])

  /// The next probe reads its roots anew.
  func forget() { contexts.withLock { $0 = [:] } }

  /// Throws if the roots cannot be read.
  /// - Parameter protocols: offered by ALPN.
  func context(
    for verification: Settings.Monitor.TLSVerification, protocols: [String]
  ) throws -> NIOSSLContext {
    let key = Key(
      isVerified: verification.isVerified, rootsFile: verification.rootsFile,
      protocols: protocols)
    return try contexts.withLock { contexts in
      if let context = contexts[key] { return context }
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.certificateVerification = key.isVerified ? .fullVerification : .none
      configuration.applicationProtocols = key.protocols
      if let file = key.rootsFile { configuration.trustRoots = .file(file) }
      let context = try NIOSSLContext(configuration: configuration)
      contexts[key] = context
      return context
    }
  }
}
