package import DNSWire
package import Places
import Synchronization

/// Answers the messages that are no plain queries: AXFR, IXFR, NOTIFY, and whatever is signed.
/// May be called on any thread; waits for nothing.
///
///     message ─ signature ─┬─ NOTIFY ───────► heeded, or not
///                          ├─ AXFR, IXFR ───► the zone, message by message
///                          └─ signed query ─► the ordinary answer, signed
package final class TransferDesk: Sendable {
  package enum Transport: Sendable { case udp, tcp }

  /// Of answers over UDP that say no, for each second: whoever sends under forged addresses is not
  /// to make much of us. They are no longer than what they answer.
  static let refusalsPerSecond = 200
  /// A request has at most the SOA of an IXFR or a NOTIFY, OPT and TSIG; this leaves room for more.
  static let mostRecords = 16

  /// What the edition of the moment serves, for one message.
  package struct Serving: Sendable {
    /// A zone by its name; nil: it is not ours.
    package var zone: @Sendable (DomainName) -> ServedZone?
    /// The whole answer to an unsigned query from this address.
    package var answer: @Sendable ([UInt8], IPAddress) -> [UInt8]?
    /// The most bytes that are sent over UDP.
    package var maximumUDPBytes: Int

    package init(
      maximumUDPBytes: Int, zone: @escaping @Sendable (DomainName) -> ServedZone?,
      answer: @escaping @Sendable ([UInt8], IPAddress) -> [UInt8]?
    ) {
      self.maximumUDPBytes = maximumUDPBytes
      self.zone = zone
      self.answer = answer
    }

    /// The records of a name and a type for a client of whom nothing is known.
    @Sendable func everybodysRecords(_ question: WireMessage.Question) -> [ZoneRecord] {
      let query = MessageBuilder(id: 0, flags: 0, question: question).bytes
      guard let bytes = answer(query, .ipv4(0)), let answer = try? WireMessage(bytes) else {
        return []
      }
      return answer[.answer].map {
        ZoneRecord(owner: $0.owner, ttlSeconds: $0.ttlSeconds, type: $0.type, data: $0.data)
      }
    }
  }

  private let rules: Mutex<TransferRules>
  private let journals = Mutex<[DomainName: [ZoneDifference]]>([:])
  private let slots = TransferSlots()
  private let tally = Mutex(TransferCounts())
  private let refusals = Mutex((second: UInt64(0), count: 0))
  private let now: @Sendable () -> Double
  private let notified: @Sendable (DomainName, IPAddress) -> Void

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - notified: is told of every NOTIFY that is heeded, with its source.
  package init(
    _ rules: TransferRules, now: @escaping @Sendable () -> Double,
    notified: @escaping @Sendable (DomainName, IPAddress) -> Void
  ) {
    self.rules = Mutex(rules)
    self.now = now
    self.notified = notified
  }

  package func replace(_ rules: TransferRules) { self.rules.withLock { $0 = rules } }

  /// How the version of a zone that is in force came from earlier ones, oldest first; empty: it is
  /// not known.
  package func replace(journal: [ZoneDifference], of zone: DomainName) {
    journals.withLock { $0[zone] = journal.isEmpty ? nil : journal }
  }

  /// The differences that lead from one serial to the other; empty if they are not known.
  func differences(
    of zone: DomainName, since serial: Serial, to newest: Serial
  ) -> [ZoneDifference] {
    journals.withLock { $0[zone] ?? [] }.since(serial, to: newest)
  }

  package var counts: TransferCounts { tally.withLock { $0 } }

  package func count(_ change: (inout TransferCounts) -> Void) { tally.withLock { change(&$0) } }

  /// The answers to one message; nil: silence.
  package func answers(
    to bytes: [UInt8], from source: SocketAddress, over transport: Transport, serving: Serving
  ) -> TransferAnswers? {
    guard bytes.count >= WireMessage.headerByteCount, bytes[2] & 0x80 == 0 else { return nil }
    let answers = judged(bytes, from: source, over: transport, serving: serving)
    guard transport == .udp, answers?.isRefusal == true else { return answers }
    return takeRefusal() ? answers : nil
  }

  private func takeRefusal() -> Bool {
    let now = seconds
    return refusals.withLock { refusals in
      if refusals.second != now { refusals = (now, 0) }
      refusals.count += 1
      return refusals.count <= Self.refusalsPerSecond
    }
  }

  private func judged(
    _ bytes: [UInt8], from source: SocketAddress, over transport: Transport, serving: Serving
  ) -> TransferAnswers? {
    let recordCount = [6, 8, 10].reduce(0) { $0 + Int(bytes.uint16(at: $1)) }
    guard recordCount <= Self.mostRecords, let message = try? WireMessage(bytes) else {
      return TransferAnswers(one: Self.formatError(bytes))
    }
    let rules = rules.withLock { $0 }
    switch RequestVerdict(bytes, message, keys: rules.keys, now: seconds) {
    case .malformed:
      count { $0.badSignatures += 1 }
      return TransferAnswers(one: Self.formatError(bytes))
    case .refused(let answer, _):
      count { $0.badSignatures += 1 }
      return TransferAnswers(one: answer)
    case .unsigned:
      return Request(
        desk: self, rules: rules, bytes: bytes, message: message, signer: nil,
        source: source.address.unmapped, transport: transport, serving: serving
      ).answers()
    case .signed(let stripped, let signer):
      return Request(
        desk: self, rules: rules, bytes: stripped, message: message, signer: signer,
        source: source.address.unmapped, transport: transport, serving: serving
      ).answers()
    }
  }

  var seconds: UInt64 { UInt64(max(0, now())) }

  func heed(_ zone: DomainName, from source: IPAddress) { notified(zone, source) }

  func takeSlot(of client: IPAddress, _ rules: TransferRules) -> TransferSlots.Slot? {
    slots.take(
      client, most: rules.maximumTransfers, mostToClient: rules.maximumTransfersToClient)
  }

  /// FORMERR to a message that cannot be read further than its header.
  private static func formatError(_ bytes: [UInt8]) -> [UInt8] {
    let flags = 0x8000 | bytes.uint16(at: 2) & 0x7900 | AnswerCode.formatError.rawValue
    return MessageBuilder(id: bytes.uint16(at: 0), flags: flags, question: nil).bytes
  }
}

/// One message that is to be answered, its signature taken off.
private struct Request {
  let desk: TransferDesk
  let rules: TransferRules
  let bytes: [UInt8]
  let message: WireMessage
  let signer: AnswerSigner?
  let source: IPAddress
  let transport: TransferDesk.Transport
  let serving: TransferDesk.Serving

  func answers() -> TransferAnswers? {
    switch message.opcode {
    case .notify: return notify()
    case .query: break
    default: return answer(.notImplemented)
    }
    guard let question = message.questions.first, message.questions.count == 1 else {
      return answer(.formatError)
    }
    if question.type == .axfr || question.type == .ixfr { return transfer(question) }
    return signer == nil ? nil : ordinary()
  }

  /// An answer without records.
  private func answer(_ code: AnswerCode, isAuthoritative: Bool = false) -> TransferAnswers {
    var built = MessageBuilder(
      id: message.id, flags: message.answerFlags(code, isAuthoritative: isAuthoritative),
      question: message.questions.first)
    built.appendOPT(answering: message)
    return TransferAnswers(one: signed(built.bytes))
  }

  private func signed(_ bytes: [UInt8]) -> [UInt8] {
    guard var signer else { return bytes }
    return signer.signed(bytes, now: desk.seconds)
  }

  /// RFC 1996 §3.7 to §3.11. What the message says of the new SOA is not believed: the primary is
  /// asked.
  private func notify() -> TransferAnswers {
    guard let question = message.questions.first, message.questions.count == 1,
      question.type == .soa, question.recordClass == .internet
    else { return answer(.formatError) }
    guard let zone = rules.zones[question.name], !zone.primaries.isEmpty else {
      desk.count { $0.notifiesRefused += 1 }
      return answer(.notAuthoritative)
    }
    guard zone.heeds(source, key: signer?.key.name) else {
      desk.count { $0.notifiesRefused += 1 }
      return answer(.refused)
    }
    desk.count { $0.notifiesHeeded += 1 }
    desk.heed(question.name, from: source)
    return answer(.noError, isAuthoritative: true)
  }

  private func transfer(_ question: WireMessage.Question) -> TransferAnswers {
    // RFC 5936 §4.2: there is no AXFR over UDP.
    if question.type == .axfr && transport == .udp { return answer(.formatError) }
    guard question.recordClass == .internet, let served = serving.zone(question.name) else {
      return answer(.notAuthoritative)
    }
    let zone = rules.zones[question.name] ?? TransferRules.Zone()
    guard zone.allows(source, key: signer?.key.name) else {
      desk.count { $0.refused += 1 }
      return answer(.refused)
    }
    guard let authority = served.authority else { return answer(.serverFailure) }
    var differences: [ZoneDifference] = []
    if question.type == .ixfr {
      guard let known = knownSerial(of: question.name) else { return answer(.formatError) }
      // RFC 1995 §2: nothing newer; over UDP one SOA says that TCP has the rest.
      if transport == .udp || !authority.serial.isNewer(than: known) {
        return current(authority, question)
      }
      if zone.servesDifferences {
        differences = desk.differences(
          of: question.name, since: known, to: authority.serial)
      }
    }
    guard let slot = desk.takeSlot(of: source, rules) else {
      desk.count { $0.refused += 1 }
      return answer(.refused)
    }
    let isWhole = differences.isEmpty
    desk.count { if isWhole { $0.sentWhole += 1 } else { $0.sentDifferences += 1 } }
    return TransferAnswers(
      ZoneStream(
        message: message, question: question, signer: signer, slot: slot,
        items: isWhole ? served.stream(authority) : served.stream(authority, differences),
        answer: serving.everybodysRecords, now: { [desk] in desk.seconds }))
  }

  /// The serial that an IXFR says its sender has (RFC 1995 §3).
  private func knownSerial(of zone: DomainName) -> Serial? {
    let records = message[.authority].filter { $0.type == .soa && $0.owner == zone }
    guard let record = records.first, records.count == 1 else { return nil }
    return Authority(ttlSeconds: record.ttlSeconds, data: record.data)?.serial
  }

  private func current(
    _ authority: Authority, _ question: WireMessage.Question
  ) -> TransferAnswers {
    desk.count { $0.sentCurrent += 1 }
    var built = MessageBuilder(
      id: message.id, flags: message.answerFlags(.noError, isAuthoritative: true),
      question: question)
    built.append(
      question.name, .soa, ttlSeconds: authority.ttlSeconds, data: authority.data)
    built.appendOPT(answering: message)
    return TransferAnswers(one: signed(built.bytes))
  }

  /// The answer that everyone gets, signed (RFC 8945 §5.3).
  private func ordinary() -> TransferAnswers? {
    guard let signer, let answer = serving.answer(bytes, source) else { return nil }
    guard transport == .udp, answer.count + signer.byteCount > payloadByteCount else {
      return TransferAnswers(one: signed(answer))
    }
    // RFC 8945 §5.3: where the signature does not fit, the answer is truncated.
    guard let whole = try? WireMessage(answer) else { return nil }
    var short = MessageBuilder(
      id: whole.id, flags: whole.flags | 0x0200, question: whole.questions.first)
    if let opt = whole.opt {
      short.append(
        opt.owner, .opt, recordClass: opt.recordClass, ttlSeconds: opt.ttlSeconds, data: [],
        to: .additional)
    }
    return TransferAnswers(one: signed(short.bytes))
  }

  /// What the client takes over UDP (RFC 6891 §6.2.3), and we send.
  private var payloadByteCount: Int {
    min(max(512, Int(message.opt?.recordClass.rawValue ?? 512)), serving.maximumUDPBytes)
  }
}

extension [ZoneDifference] {
  /// Those that lead from one serial to the other; empty if they don't.
  fileprivate func since(_ serial: Serial, to newest: Serial) -> [ZoneDifference] {
    guard last?.new.serial == newest,
      let start = lastIndex(where: { $0.old.serial == serial })
    else { return [] }
    return Array(self[start...])
  }
}
