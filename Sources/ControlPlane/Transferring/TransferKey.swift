import Crypto
package import DNSWire

/// A secret that two servers share, by which each signs what it says to the other (RFC 8945 §1).
package struct TransferKey: Sendable, Hashable {
  /// RFC 8945 §6. MD5 and SHA-1 are not offered.
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha256 = "hmac-sha256"
    case sha384 = "hmac-sha384"
    case sha512 = "hmac-sha512"

    /// Of a MAC that is not truncated.
    package var byteCount: Int {
      switch self {
      case .sha256: 32
      case .sha384: 48
      case .sha512: 64
      }
    }

    /// RFC 8945 §5.2.2.1: fewer bytes are no truncation but a format error.
    var leastByteCount: Int { max(10, byteCount / 2) }

    /// The name in wire form, in lower case.
    package var wire: [UInt8] { [UInt8(rawValue.utf8.count)] + Array(rawValue.utf8) + [0] }

    init?(wire: [UInt8]) {
      guard let found = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
      self = found
    }
  }

  package var name: DomainName
  package var algorithm: Algorithm
  package var secret: [UInt8]

  package init(name: DomainName, algorithm: Algorithm, secret: [UInt8]) {
    self.name = name
    self.algorithm = algorithm
    self.secret = secret
  }

  /// The whole MAC.
  func code(of bytes: [UInt8]) -> [UInt8] {
    let secret = SymmetricKey(data: secret)
    return switch algorithm {
    case .sha256: Array(HMAC<SHA256>.authenticationCode(for: bytes, using: secret))
    case .sha384: Array(HMAC<SHA384>.authenticationCode(for: bytes, using: secret))
    case .sha512: Array(HMAC<SHA512>.authenticationCode(for: bytes, using: secret))
    }
  }

  /// Whether `code` is the MAC of `bytes`, or the beginning of it. Takes as long whatever differs.
  func isCode(_ code: [UInt8], of bytes: [UInt8]) -> Bool {
    let right = self.code(of: bytes)
    guard code.count <= right.count else { return false }
    var difference: UInt8 = 0
    for (left, right) in zip(code, right) { difference |= left ^ right }
    return difference == 0
  }
}
