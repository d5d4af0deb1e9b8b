import Crypto
import DNSWire

/// The SHA-256 of a token: what is kept in its place, so that whoever reads the configuration or
/// the memory cannot ask with it.
///
/// A slow, salted hash is for passwords, which people choose and others guess. A token of 256
/// random bits is not guessed however fast the hash is, and equal ones do not happen.
package struct TokenHash: Sendable, Equatable {
  private let bytes: [UInt8]

  /// Of a token, as it is shown.
  package init(of token: some Sequence<UInt8>) { bytes = Array(SHA256.hash(data: Array(token))) }

  /// - Parameter hex: nil unless it is 64 digits of either case.
  package init?(hex: String) {
    let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == 64, hex.utf8.count == 64 else { return nil }
    bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  /// 64 digits, as the configuration has it.
  package var hex: String { hexadecimalText(bytes) }

  /// In a time that does not depend on what the two are.
  package static func == (left: Self, right: Self) -> Bool {
    zip(left.bytes, right.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
