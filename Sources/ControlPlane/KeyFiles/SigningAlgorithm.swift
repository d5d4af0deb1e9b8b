/// What zones are signed with. Both make signatures of 64 bytes and are what RFC 8624 §3.1
/// recommends; RSA's would not fit beside the answer into a packet of 1,232 bytes as often.
package enum SigningAlgorithm: UInt8, Sendable, CaseIterable {
  /// RFC 6605 §1.
  case ecdsaP256 = 13
  /// RFC 8080 §1.
  case ed25519 = 15

  /// IANA's.
  package var mnemonic: String {
    switch self {
    case .ecdsaP256: "ECDSAP256SHA256"
    case .ed25519: "ED25519"
    }
  }

  /// Of a private key, and of a signature twice as much.
  static let secretByteCount = 32
}
