package import DNSWire

/// The secondary's side of one connection to a primary: asks for the SOA, and if it is newer for
/// the difference or for the whole zone. Bytes in, bytes to send or the result out.
package struct TransferSession: Sendable {
  package enum Step: Sendable, Equatable {
    /// Wait for the next message.
    case wait
    case send([UInt8])
    case finished(Result)
  }

  package enum Result: Sendable, Equatable {
    case upToDate
    /// The new version, and how it came from the one before; no differences: it came whole.
    case zone(ZoneContents, differences: [ZoneDifference])
  }

  private enum Phase: Equatable { case asking, incremental, whole }

  private let zone: DomainName
  private let current: ZoneContents?
  private let key: TransferKey?
  private let limits: TransferReader.Limits
  private var id: UInt16
  private var phase = Phase.asking
  private var verifier: ResponseVerifier?
  private var reader: TransferReader

  /// - Parameters:
  ///   - current: the version in force; nil: there is none.
  ///   - id: of the first query, random.
  package init(
    zone: DomainName, current: ZoneContents?, key: TransferKey?, limits: TransferReader.Limits,
    id: UInt16
  ) {
    self.zone = zone
    self.current = current
    self.key = key
    self.limits = limits
    self.id = id
    reader = TransferReader(zone: zone, since: nil, limits: limits)
  }

  /// The first query.
  package mutating func start(now: UInt64) -> [UInt8] { query(.soa, now: now) }

  /// Takes one message.
  ///
  /// - Throws: why it comes to nothing; the connection is to be closed then.
  package mutating func receive(_ bytes: [UInt8], now: UInt64) throws(TransferFault) -> Step {
    let message: WireMessage
    do throws(WireFault) {
      message = try WireMessage(bytes)
    } catch {
      throw .wire(error)
    }
    guard message.id == id, message.isResponse, message.opcode == .query else {
      throw .notAnswer
    }
    do throws(SignatureFault) {
      try verifier?.check(bytes, message, now: now)
    } catch {
      // The code tells more than the signature that is missing with it.
      if error == .missing, message.responseCode != 0 { throw .code(message.responseCode) }
      throw .signature(error)
    }
    if phase == .incremental, [1, 4].contains(message.responseCode) {
      // RFC 1995 §4: a primary that does not know IXFR is asked for the whole zone.
      return .send(query(.axfr, now: now))
    }
    guard message.responseCode == 0 else { throw .code(message.responseCode) }
    guard !message.isTruncated else { throw .truncated }
    if let question = message.questions.first, question.name != zone { throw .notAnswer }
    return phase == .asking
      ? try takeSOA(message, now: now) : try takeTransfer(message, now: now)
  }

  private mutating func takeSOA(
    _ message: WireMessage, now: UInt64
  ) throws(TransferFault) -> Step {
    guard message.isAuthoritative else { throw .notAuthoritative }
    let found = message[.answer].filter { $0.type == .soa && $0.owner == zone }
    guard found.count == 1, message[.answer].count == 1,
      let authority = Authority(ttlSeconds: found[0].ttlSeconds, data: found[0].data)
    else { throw .noSOA }
    guard let ours = current?.authority.serial else { return .send(query(.axfr, now: now)) }
    if authority.serial == ours { return .finished(.upToDate) }
    guard authority.serial.isNewer(than: ours) else {
      throw .older(theirs: authority.serial, ours: ours)
    }
    return .send(query(.ixfr, now: now))
  }

  private mutating func takeTransfer(
    _ message: WireMessage, now: UInt64
  ) throws(TransferFault) -> Step {
    try reader.take(message[.answer])
    guard let result = reader.result else { return .wait }
    // RFC 8945 §5.3.1: the last message is signed.
    if let verifier, !verifier.isSettled { throw .signature(.missing) }
    switch result {
    case .upToDate: return .finished(.upToDate)
    case .whole(let contents):
      if let ours = current?.authority.serial, !contents.authority.serial.isNewer(than: ours) {
        throw .older(theirs: contents.authority.serial, ours: ours)
      }
      return .finished(.zone(contents, differences: []))
    case .differences(let differences):
      guard var contents = current else { throw .serials }
      for difference in differences {
        do throws(DifferenceFault) {
          contents = try contents.applying(difference)
        } catch {
          // RFC 1995 §4 leaves one way out: the whole zone.
          return .send(query(.axfr, now: now))
        }
      }
      guard contents.recordCount <= limits.records, contents.byteCount <= limits.bytes else {
        throw .tooLarge
      }
      return .finished(.zone(contents, differences: differences))
    }
  }

  /// The next query, and what is to be expected from now on.
  private mutating func query(_ type: RecordType, now: UInt64) -> [UInt8] {
    id &+= 1
    let authority = type == .ixfr ? current?.authority : nil
    switch type {
    case .ixfr: phase = .incremental
    case .axfr: phase = .whole
    default: phase = .asking
    }
    reader = TransferReader(zone: zone, since: authority?.serial, limits: limits)
    var builder = MessageBuilder(
      id: id, flags: 0, question: WireMessage.Question(name: zone, type: type))
    if let authority {
      // RFC 1995 §3: the SOA of the version that we have.
      builder.append(
        zone, .soa, ttlSeconds: authority.ttlSeconds, data: authority.data, to: .authority)
    }
    guard let key else { return builder.bytes }
    let (verifier, request) = ResponseVerifier.signing(builder.bytes, with: key, now: now)
    self.verifier = verifier
    return request
  }
}
