/// Signs a request and checks the signatures of the messages that answer it (RFC 8945 §5.3.1).
///
///     request ─ MAC ─► first message ─ MAC ─► … ≤ 99 unsigned … ─► signed ─ MAC ─► …
package struct ResponseVerifier: Sendable {
  /// RFC 8945 §5.3.1: at most so many messages in a row may be unsigned.
  static let mostUnsigned = 99

  private let key: TransferKey
  private var previousCode: [UInt8]
  /// What came since the last signature.
  private var pending: [UInt8] = []
  private var unsignedCount = 0
  private var isFirst = true
  /// Whether the last message was signed, as the last of an answer must be.
  package private(set) var isSettled = false

  /// - Returns: the verifier and the request with its signature.
  package static func signing(
    _ request: [UInt8], with key: TransferKey, now: UInt64
  ) -> (verifier: ResponseVerifier, request: [UInt8]) {
    var signature = TransactionSignature(
      key: key.name, algorithm: key.algorithm.wire, signedAt: now,
      originalID: request.uint16(at: 0))
    signature.code = key.code(of: request + signature.variables)
    return (
      ResponseVerifier(key: key, previousCode: signature.code), signature.appended(to: request)
    )
  }

  private init(key: TransferKey, previousCode: [UInt8]) {
    self.key = key
    self.previousCode = previousCode
  }

  /// Takes the next message of the answer.
  ///
  /// - Throws: if it is not the holder of the key who sent it.
  package mutating func check(
    _ bytes: [UInt8], _ message: WireMessage, now: UInt64
  ) throws(SignatureFault) {
    switch SignedMessage.find(in: bytes, message) {
    case .malformed: throw .malformed
    case .unsigned:
      guard !isFirst else { throw .missing }
      unsignedCount += 1
      guard unsignedCount <= Self.mostUnsigned else { throw .missing }
      pending += bytes
      isSettled = false
    case .signed(let signed): try check(signed, now: now)
    }
  }

  private mutating func check(_ signed: SignedMessage, now: UInt64) throws(SignatureFault) {
    let signature = signed.signature
    guard signature.key == key.name, signature.algorithm == key.algorithm.wire else {
      throw .otherKey
    }
    // RFC 8945 §5.3.2: what complains of the key or the MAC has no MAC; it is told, not trusted.
    if signature.code.isEmpty, signature.error != .none { throw .peer(signature.error) }
    let covered =
      previousCode.prefixedWithCount + pending + signed.bytes
      + (isFirst ? signature.variables : signature.time)
    // RFC 8945 §5.2.4: our policy is that MACs are whole.
    guard signature.code.count == key.algorithm.byteCount,
      key.isCode(signature.code, of: covered)
    else { throw .wrong }
    if signature.error != .none { throw .peer(signature.error) }
    guard signature.signedAt.distance(from: now) <= UInt64(signature.fudgeSeconds) else {
      throw .time
    }
    previousCode = signature.code
    pending = []
    unsignedCount = 0
    isFirst = false
    isSettled = true
  }
}

/// Why the signature of an answer was not taken.
package enum SignatureFault: Error, Sendable, Equatable, CustomStringConvertible {
  case missing
  case malformed
  case otherKey
  case wrong
  /// Signed too long ago, or not yet.
  case time
  /// The peer did not take ours.
  case peer(TransactionError)

  package var description: String {
    switch self {
    case .missing: "the answer is not signed"
    case .malformed: "the TSIG record is malformed"
    case .otherKey: "the answer is signed with another key"
    case .wrong: "the signature is wrong"
    case .time: "the answer was signed at another time: is a clock wrong?"
    case .peer(let error): "the peer answers \(error)"
    }
  }
}
