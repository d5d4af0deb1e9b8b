import Crypto
package import DNSWire

/// What a zone tells of a key: the data of a DNSKEY record (RFC 4034 §2.1).
///
///     0       2        3         4
///     | flags | 3      | algo-   | the public key: x and y of P-256 (RFC 6605 §4),
///     |       |        | rithm   | or the 32 bytes of Ed25519 (RFC 8080 §3)
package struct KeyRecord: Sendable, Equatable {
  /// 256: of a zone. With 1 for a secure entry point, the key that the parent names.
  package static let zoneKey: UInt16 = 256
  package static let secureEntryPoint: UInt16 = 257

  package let flags: UInt16
  /// As IANA numbers it: not only one that we sign with, since others may sign too.
  package let algorithm: UInt8
  package let publicKey: [UInt8]

  package init(flags: UInt16, algorithm: UInt8, publicKey: [UInt8]) {
    self.flags = flags
    self.algorithm = algorithm
    self.publicKey = publicKey
  }

  /// nil: it is no data of a key that a zone may have (RFC 4034 §2.1.1, §2.1.2).
  package init?(data: [UInt8]) {
    guard data.count > 4, data[2] == 3 else { return nil }
    flags = UInt16(data[0]) << 8 | UInt16(data[1])
    algorithm = data[3]
    publicKey = Array(data[4...])
    guard flags & Self.zoneKey != 0 else { return nil }
  }

  package var data: [UInt8] {
    [UInt8(flags >> 8), UInt8(truncatingIfNeeded: flags), 3, algorithm] + publicKey
  }

  package var isSecureEntryPoint: Bool { flags & 1 != 0 }

  /// RFC 5011 §2.1: a key that nobody is to trust any more.
  package var isRevoked: Bool { flags & 0x80 != 0 }

  /// Tells keys apart, nearly always (RFC 4034 Appendix B).
  package var tag: UInt16 {
    var sum: UInt32 = 0
    for (index, byte) in data.enumerated() {
      sum += index.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
    }
    sum += sum >> 16
    return UInt16(truncatingIfNeeded: sum)
  }

  /// How a parent names the key.
  package enum Digest: UInt8, Sendable, CaseIterable {
    /// RFC 4509 §2.1.
    case sha256 = 2
    /// RFC 6605 §2.
    case sha384 = 4
  }

  /// The data of the DS record (RFC 4034 §5.1.4).
  ///
  /// - Parameter zone: whose key it is.
  package func delegation(of zone: DomainName, digest: Digest) -> [UInt8] {
    let named = zone.loweredWire + data
    let hash =
      switch digest {
      case .sha256: Array(SHA256.hash(data: named))
      case .sha384: Array(SHA384.hash(data: named))
      }
    return [UInt8(tag >> 8), UInt8(truncatingIfNeeded: tag), algorithm, digest.rawValue] + hash
  }
}
