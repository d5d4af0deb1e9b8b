package import DNSWire

/// The TSIG record of a message (RFC 8945 §4.2).
package struct TransactionSignature: Sendable, Equatable {
  static let type = RecordType(rawValue: 250)
  /// RFC 8945 §10: the fudge that is recommended, in seconds.
  static let fudgeSeconds: UInt16 = 300

  package var key: DomainName
  /// In wire form, in lower case.
  package var algorithm: [UInt8]
  /// Seconds since 1970, 48 bits.
  package var signedAt: UInt64
  package var fudgeSeconds: UInt16
  package var code: [UInt8]
  package var originalID: UInt16
  package var error: TransactionError
  package var otherData: [UInt8]

  /// A MAC that nobody has made yet.
  init(
    key: DomainName, algorithm: [UInt8], signedAt: UInt64, originalID: UInt16,
    error: TransactionError = .none, otherData: [UInt8] = []
  ) {
    self.key = key
    self.algorithm = algorithm
    self.signedAt = signedAt
    fudgeSeconds = Self.fudgeSeconds
    code = []
    self.originalID = originalID
    self.error = error
    self.otherData = otherData
  }

  /// From the data of a TSIG record; nil if it is not as it should be.
  init?(owner: DomainName, data: [UInt8]) {
    var reader = WireReader(data)
    do throws(WireFault) {
      key = owner
      algorithm = try reader.name().loweredWire
      signedAt = UInt64(try reader.uint16()) << 32 | UInt64(try reader.uint32())
      fudgeSeconds = try reader.uint16()
      code = Array(try reader.bytes(Int(try reader.uint16())))
      originalID = try reader.uint16()
      error = TransactionError(rawValue: try reader.uint16())
      otherData = Array(try reader.bytes(Int(try reader.uint16())))
    } catch {
      return nil
    }
    guard reader.offset == data.count else { return nil }
  }

  var data: [UInt8] {
    var bytes = algorithm + time
    bytes.append(UInt16(code.count))
    bytes += code
    bytes.append(originalID)
    bytes.append(error.rawValue)
    bytes.append(UInt16(otherData.count))
    return bytes + otherData
  }

  /// The time and the fudge: all that is signed with the later messages of a transfer
  /// (RFC 8945 §5.3.1).
  var time: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt16(truncatingIfNeeded: signedAt >> 32))
    bytes.append(UInt32(truncatingIfNeeded: signedAt))
    bytes.append(fudgeSeconds)
    return bytes
  }

  /// What is signed of the record itself (RFC 8945 §4.3.3).
  var variables: [UInt8] {
    // Class ANY and a TTL of zero.
    var bytes = key.loweredWire + [0, 255, 0, 0, 0, 0] + algorithm + time
    bytes.append(error.rawValue)
    bytes.append(UInt16(otherData.count))
    return bytes + otherData
  }

  /// The most that the record can take behind an answer: name, head, data with the longest MAC and
  /// the other data of BADTIME.
  func byteCount(withCode codeByteCount: Int) -> Int {
    key.wire.count + 10 + algorithm.count + 16 + codeByteCount + otherData.count
  }

  /// `message` with this record behind it.
  func appended(to message: [UInt8]) -> [UInt8] {
    var bytes = message
    bytes += key.wire
    bytes.append(Self.type.rawValue)
    bytes += [0, 255, 0, 0, 0, 0]
    let data = data
    bytes.append(UInt16(data.count))
    bytes += data
    bytes.replace(at: 10, with: message.uint16(at: 10) &+ 1)
    return bytes
  }
}

/// The error of a TSIG record (RFC 8945 §3).
package struct TransactionError: RawRepresentable, Sendable, Equatable, CustomStringConvertible {
  package var rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let none = TransactionError(rawValue: 0)
  package static let badSignature = TransactionError(rawValue: 16)
  package static let badKey = TransactionError(rawValue: 17)
  package static let badTime = TransactionError(rawValue: 18)
  package static let badTruncation = TransactionError(rawValue: 22)

  package var description: String {
    switch self {
    case .none: "NOERROR"
    case .badSignature: "BADSIG"
    case .badKey: "BADKEY"
    case .badTime: "BADTIME"
    case .badTruncation: "BADTRUNC"
    default: "TSIG error \(rawValue)"
    }
  }
}

/// A message whose TSIG record was taken off.
struct SignedMessage: Sendable {
  /// As it was signed: without the record, one additional record less, and with the id that it had
  /// then (RFC 8945 §4.3.2).
  var bytes: [UInt8]
  var signature: TransactionSignature

  enum Finding: Sendable {
    /// No TSIG record.
    case unsigned
    case signed(SignedMessage)
    /// A TSIG record that is not the last of the additional section, or not the only one, or not
    /// as it should be: RFC 8945 §5.1, FORMERR.
    case malformed
  }

  static func find(in bytes: [UInt8], _ message: WireMessage) -> Finding {
    let count = WireMessage.Section.allCases.reduce(0) { sum, section in
      sum + message[section].count { $0.type == TransactionSignature.type }
    }
    guard count > 0 else { return .unsigned }
    guard count == 1, let record = message[.additional].last,
      record.type == TransactionSignature.type, record.recordClass.rawValue == 255,
      record.ttlSeconds == 0,
      let signature = TransactionSignature(owner: record.owner, data: record.data)
    else { return .malformed }
    var stripped = Array(bytes[..<record.offset])
    stripped.replace(at: 10, with: bytes.uint16(at: 10) - 1)
    stripped.replace(at: 0, with: signature.originalID)
    return .signed(SignedMessage(bytes: stripped, signature: signature))
  }
}

extension [UInt8] {
  /// A MAC as it goes into the next one: its length in front (RFC 8945 §4.3.1).
  var prefixedWithCount: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt16(count))
    return bytes + self
  }
}
