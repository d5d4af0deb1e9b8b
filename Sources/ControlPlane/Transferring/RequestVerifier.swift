import DNSWire

/// What a server finds of a request's signature, in the order of RFC 8945 §5.2: key, MAC, time,
/// length of the MAC.
package enum RequestVerdict: Sendable {
  case unsigned
  /// Right: the request without its signature, who signed, and what signs the answer.
  case signed(request: [UInt8], signer: AnswerSigner)
  /// The answer to a request that cannot be taken, whole.
  case refused([UInt8], TransactionError)
  /// FORMERR.
  case malformed

  /// - Parameters:
  ///   - bytes: the request whole; `message` is the same, read.
  ///   - now: seconds since 1970.
  package init(
    _ bytes: [UInt8], _ message: WireMessage, keys: [TransferKey], now: UInt64
  ) {
    let signed: SignedMessage
    switch SignedMessage.find(in: bytes, message) {
    case .unsigned:
      self = .unsigned
      return
    case .malformed:
      self = .malformed
      return
    case .signed(let found): signed = found
    }
    let signature = signed.signature
    guard let key = keys.first(where: { $0.name == signature.key }),
      key.algorithm.wire == signature.algorithm
    else {
      self = .refused(Self.unsignedError(.badKey, message, signature), .badKey)
      return
    }
    guard (key.algorithm.leastByteCount...key.algorithm.byteCount).contains(signature.code.count)
    else {
      self = .malformed
      return
    }
    guard key.isCode(signature.code, of: signed.bytes + signature.variables) else {
      self = .refused(Self.unsignedError(.badSignature, message, signature), .badSignature)
      return
    }
    var signer = AnswerSigner(key: key, requestCode: signature.code)
    if signature.signedAt.distance(from: now) > UInt64(signature.fudgeSeconds) {
      // RFC 8945 §5.2.3: the client's time, so that the client can check the MAC, and ours.
      signer.error = .badTime
      signer.otherData = Self.time(now)
      let answer = signer.signed(Self.errorAnswer(message), now: signature.signedAt)
      self = .refused(answer, .badTime)
    } else if signature.code.count < key.algorithm.byteCount {
      // RFC 8945 §5.2.4: our policy is that MACs are whole.
      signer.error = .badTruncation
      self = .refused(signer.signed(Self.errorAnswer(message), now: now), .badTruncation)
    } else {
      var request = signed.bytes
      request.replace(at: 0, with: message.id)
      self = .signed(request: request, signer: signer)
    }
  }

  /// NOTAUTH with the request's question.
  private static func errorAnswer(_ message: WireMessage) -> [UInt8] {
    MessageBuilder(
      id: message.id, flags: message.answerFlags(.notAuthoritative),
      question: message.questions.first
    ).bytes
  }

  /// RFC 8945 §5.3.2: of a key or a MAC that is wrong the answer says so without a MAC.
  private static func unsignedError(
    _ error: TransactionError, _ message: WireMessage, _ signature: TransactionSignature
  ) -> [UInt8] {
    var answer = TransactionSignature(
      key: signature.key, algorithm: signature.algorithm, signedAt: signature.signedAt,
      originalID: message.id, error: error)
    answer.fudgeSeconds = signature.fudgeSeconds
    return answer.appended(to: errorAnswer(message))
  }

  private static func time(_ seconds: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt16(truncatingIfNeeded: seconds >> 32))
    bytes.append(UInt32(truncatingIfNeeded: seconds))
    return bytes
  }
}

/// Signs the answer to one request, or all messages of it, each MAC going into the next
/// (RFC 8945 §5.3, §5.3.1).
package struct AnswerSigner: Sendable {
  package let key: TransferKey
  private var previousCode: [UInt8]
  private var isFirst = true
  var error = TransactionError.none
  var otherData: [UInt8] = []

  init(key: TransferKey, requestCode: [UInt8]) {
    self.key = key
    previousCode = requestCode
  }

  /// How much longer ``signed(_:now:)`` makes a message.
  package var byteCount: Int {
    unsigned(at: 0, id: 0).byteCount(withCode: key.algorithm.byteCount)
  }

  /// - Parameter now: seconds since 1970.
  package mutating func signed(_ message: [UInt8], now: UInt64) -> [UInt8] {
    var signature = unsigned(at: now, id: message.uint16(at: 0))
    signature.code = key.code(
      of: previousCode.prefixedWithCount + message
        + (isFirst ? signature.variables : signature.time))
    previousCode = signature.code
    isFirst = false
    return signature.appended(to: message)
  }

  private func unsigned(at now: UInt64, id: UInt16) -> TransactionSignature {
    TransactionSignature(
      key: key.name, algorithm: key.algorithm.wire, signedAt: now, originalID: id, error: error,
      otherData: otherData)
  }
}

/// The response codes of the messages here (RFC 1035 §4.1.1, RFC 2136 §2.2).
package enum AnswerCode: UInt16, Sendable {
  case noError = 0
  case formatError = 1
  case serverFailure = 2
  case notImplemented = 4
  case refused = 5
  case notAuthoritative = 9
}

extension WireMessage {
  /// QR, the opcode and RD as they came, and a code.
  func answerFlags(_ code: AnswerCode, isAuthoritative: Bool = false) -> UInt16 {
    0x8000 | flags & 0x7900 | (isAuthoritative ? 0x0400 : 0) | code.rawValue
  }
}

extension UInt64 {
  /// Without overflow, whichever is greater.
  func distance(from other: UInt64) -> UInt64 { self > other ? self - other : other - self }
}
