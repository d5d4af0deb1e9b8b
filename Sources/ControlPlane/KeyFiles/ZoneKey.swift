import Crypto
import FoundationEssentials

/// Both halves of a key that signs.
package struct ZoneKey: Sendable {
  package let record: KeyRecord
  package let schedule: KeySchedule
  private let secret: Secret

  private enum Secret: Sendable {
    case ecdsaP256(P256.Signing.PrivateKey)
    case ed25519(Curve25519.Signing.PrivateKey)
  }

  /// nil: `secret` is no private key of the algorithm.
  ///
  /// - Parameter secret: 32 bytes.
  package init?(
    algorithm: SigningAlgorithm, flags: UInt16, secret: [UInt8], schedule: KeySchedule = .always
  ) {
    self.schedule = schedule
    let publicKey: [UInt8]
    switch algorithm {
    case .ecdsaP256:
      guard let key = try? P256.Signing.PrivateKey(rawRepresentation: secret) else { return nil }
      publicKey = Array(key.publicKey.rawRepresentation)
      self.secret = .ecdsaP256(key)
    case .ed25519:
      guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: secret) else {
        return nil
      }
      publicKey = Array(key.publicKey.rawRepresentation)
      self.secret = .ed25519(key)
    }
    record = KeyRecord(flags: flags, algorithm: algorithm.rawValue, publicKey: publicKey)
  }

  /// A key that nobody has had before.
  static func random(_ algorithm: SigningAlgorithm) -> [UInt8] {
    switch algorithm {
    case .ecdsaP256: Array(P256.Signing.PrivateKey().rawRepresentation)
    case .ed25519: Array(Curve25519.Signing.PrivateKey().rawRepresentation)
    }
  }

  /// The signature as RRSIG has it: r and s (RFC 6605 §4), or Ed25519's (RFC 8080 §4). nil: the
  /// library failed.
  package func sign(_ message: [UInt8]) -> [UInt8]? {
    switch secret {
    case .ecdsaP256(let key): (try? key.signature(for: message)).map { Array($0.rawRepresentation) }
    case .ed25519(let key): (try? key.signature(for: message)).map { Array($0) }
    }
  }
}
