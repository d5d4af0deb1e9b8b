/// A private key that signs sets of records (RFC 4034 §3). What holds it does the arithmetic: the
/// core knows only how to ask.
public struct SigningKey: Sendable {
  /// Of a signature, whatever the algorithm: ECDSA on P-256 (RFC 6605 §4), Ed25519 (RFC 8080 §4).
  public static let signatureByteCount = 64

  /// IANA's number.
  let algorithm: UInt8
  /// RFC 4034 Appendix B: what tells validators which key to try.
  let tag: UInt16
  let sign: @Sendable (_ message: [UInt8]) -> [UInt8]?

  /// - Parameters:
  ///   - algorithm: 13 or 15: signatures have 64 bytes.
  ///   - sign: the signature of a message as RRSIG has it; nil if it could not be made.
  public init(
    algorithm: UInt8, tag: UInt16, sign: @escaping @Sendable (_ message: [UInt8]) -> [UInt8]?
  ) {
    self.algorithm = algorithm
    self.tag = tag
    self.sign = sign
  }
}
