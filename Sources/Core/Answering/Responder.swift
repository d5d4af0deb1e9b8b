public import Counters
import DNSWire
public import Editions
public import Places
public import RateLimiting
import Routing
import Signing
import Zones

/// The road: query bytes in, answer bytes out, in the same buffer.
///
///     decode ─► find the name ─┬─ records, referral, nothing ───────────► copy ─► OPT, header
///                              ├─ alias ─► find the target, and so on
///                              └─ steered ─► route the client ─► copy its prepared records
///
/// One for each thread: it counts into the thread's own shard. Allocates only when it meets an
/// edition for the first time.
///
/// Its functions are mutating even where they change nothing: for others the compiler copies the
/// whole responder for every call (35 instructions each).
public struct Responder: ~Copyable {
  public enum Transport: Sendable, BitwiseCopyable { case udp, tcp, tls }

  /// What becomes of a message.
  public enum Disposal: Sendable, Equatable, BitwiseCopyable {
    /// The answer stands in the first so many bytes of the buffer.
    case answer(byteCount: Int)
    /// Nothing is to be sent.
    case silence
    /// No plain question: NOTIFY, a transfer, or signed (RFC 8945 §5.1). The buffer is as it was.
    case uncommon

    /// 0 unless there is an answer.
    public var answerByteCount: Int {
      if case .answer(let byteCount) = self { byteCount } else { 0 }
    }
  }

  /// How much longer than the longest query and the longest answer a buffer must be.
  public static let slackByteCount = Query.slackByteCount
  /// The most bytes of an answer over TCP (RFC 1035 §4.2.2).
  public static let maximumTCPBytes = 65_535

  /// How long a connection may be idle, in units of 100 ms, for clients that ask (RFC 7828 §3.1).
  public var keepaliveTenths: UInt16 = 0

  let transport: Transport
  let shard: CounterShard
  var counters: ResponderCounters
  let limiter: RateLimiter
  /// Of the edition's rules, what every query asks for.
  var maximumUDPBytes = 512
  var usesClientSubnet = false
  private var usesCookies = false
  private var usesRateLimits = false
  private var adoptedNumber: UInt64 = .max
  /// Of the query that is being answered, if it has any.
  var options = AnswerOptions()
  /// Of answers that were one too many.
  var limitedCount = 0
  private let handsOverUncommon: Bool
  /// nil until there is a zone whose answers are signed.
  var signer: AnswerSigner?
  private var usesSigners = false
  /// Whether the query that is being answered wants signatures, and some zone has them.
  var signs = false
  /// Of such a query: the name does not exist, which NSEC says in place of the code.
  var isCompactNameError = false
  /// When such a query came.
  var nowSeconds: UInt64 = 0

  /// - Parameters:
  ///   - shard: of the thread that this answers on.
  ///   - limiter: shared by all threads.
  ///   - handsOverUncommon: whether somebody takes what is ``Disposal/uncommon``; else it is
  ///     refused.
  public init(
    transport: Transport, board: CounterBoard, shard: CounterShard, limiter: RateLimiter,
    handsOverUncommon: Bool = false
  ) {
    self.transport = transport
    self.shard = shard
    self.limiter = limiter
    self.handsOverUncommon = handsOverUncommon
    counters = ResponderCounters(board: board, transport: transport)
  }

  /// Makes ready for an edition; kept out of line, since it runs once for each.
  @inline(never)
  private mutating func adopt(_ edition: Edition) {
    adoptedNumber = edition.number
    maximumUDPBytes = edition.rules.maximumUDPBytes
    usesClientSubnet = edition.rules.usesClientSubnet
    usesCookies = edition.rules.cookies != nil
    usesRateLimits = edition.rules.rateLimits != nil
    usesSigners = !edition.signers.isEmpty
    if usesSigners && signer?.signatureCount != edition.rules.signatureCount {
      signer = AnswerSigner(
        signatureCount: edition.rules.signatureCount, secret: edition.rules.signatureSecret)
    }
    counters.decisions.register(edition)
  }

  /// Answers the query in the first `queryByteCount` bytes of the buffer.
  ///
  /// - Parameters:
  ///   - buffer: at least ``slackByteCount`` longer than the query; the answer is at most
  ///     ``slackByteCount`` shorter than it.
  ///   - source: where the query came from.
  ///   - nowMicroseconds: since 1970; may be some milliseconds old.
  public mutating func answer(
    _ buffer: inout MutableRawSpan, queryByteCount: Int, source: IPAddress,
    nowMicroseconds: UInt64, edition: Edition
  ) -> Disposal {
    if edition.number != adoptedNumber { adopt(edition) }
    shard.add(to: counters.queries)
    guard edition.isReady else {
      shard.add(to: counters.droppedNotReady)
      return .silence
    }
    let query: Query
    do throws(QueryFault) {
      query = try Query.decode(buffer.bytes, byteCount: queryByteCount)
    } catch {
      return answerUnreadable(
        error, source: source, nowMicroseconds: nowMicroseconds, edition: edition, into: &buffer)
    }
    if handsOverUncommon && isUncommon(query) { return .uncommon }
    let refusal = refusal(of: query)
    let hasOptions = !query.extras.isEmpty
    var sender = Sender(address: source, nowMicroseconds: nowMicroseconds)
    if hasOptions { gatherOptions(of: query, in: buffer.bytes, sender: &sender, edition: edition) }
    let repeatsSubnet =
      usesClientSubnet && (refusal == nil || refusal?.code == .refused)
    var reply = Reply(
      writer: AnswerWriter(
        query: query, repeatsSubnet: repeatsSubnet,
        optionByteCount: hasOptions ? options.byteCount : 0,
        limit: limit(
          for: query, bufferByteCount: buffer.byteCount)),
      outcome: AnswerWriter.Outcome(
        code: refusal?.code ?? .noError, isAuthoritative: refusal == nil,
        extendedError: refusal?.extendedError))
    signs = usesSigners && query.wantsDNSSEC
    if signs { prepareToSign(nowMicroseconds: nowMicroseconds) }
    if refusal == nil {
      if query.recordClass == .internet {
        resolve(query, source: source, edition: edition, reply: &reply, into: &buffer)
      } else {
        resolveApart(query, sender: sender, edition: edition, reply: &reply, into: &buffer)
      }
    }
    if usesRateLimits && transport == .udp && !sender.isProven {
      guard admit(query, sender: sender, edition: edition, reply: &reply) else { return .silence }
    }
    shard.add(to: counters.answers(reply.outcome.code))
    if reply.writer.isTruncated { shard.add(to: counters.truncated) }
    if hasOptions || reply.outcome.extendedError != nil {
      return .answer(
        byteCount: finish(
          &reply, query: query, hasOptions: hasOptions, edition: edition, into: &buffer))
    }
    return .answer(
      byteCount: reply.writer.finish(
        reply.outcome, query: query, payloadByteCount: maximumUDPBytes,
        into: &buffer))
  }

  /// Who asks, and when.
  struct Sender {
    var address: IPAddress
    var nowMicroseconds: UInt64
    /// A cookie has proved that the sender is where it says.
    var isProven = false
    var hasInvalidCookie = false
  }

  struct Reply {
    var writer: AnswerWriter
    var outcome: AnswerWriter.Outcome
    /// The zone that the answer comes from; -1: none.
    var zone = -1
  }

  private mutating func answerUnreadable(
    _ fault: QueryFault, source: IPAddress, nowMicroseconds: UInt64, edition: Edition,
    into buffer: inout MutableRawSpan
  ) -> Disposal {
    let code: ResponseCode
    switch fault {
    case .tooShort:
      shard.add(to: counters.droppedTooShort)
      return .silence
    case .isResponse:
      // Whoever answers a response can be made to talk to itself for ever.
      shard.add(to: counters.droppedResponse)
      return .silence
    case .notify where handsOverUncommon: return .uncommon
    case .notify, .unknownOpcode: code = .notImplemented
    case .questionCount, .question: code = .formatError
    }
    let sender = Sender(address: source, nowMicroseconds: nowMicroseconds)
    guard admitUnreadable(sender, edition: edition) else { return .silence }
    shard.add(to: counters.answers(code))
    return .answer(byteCount: writeHeaderOnly(code: code, into: &buffer))
  }

  /// Why a query is not looked up at all.
  struct Refusal {
    var code: ResponseCode
    var extendedError: ExtendedError?
  }

  private mutating func refusal(of query: Query) -> Refusal? {
    if query.isMalformed { return Refusal(code: .formatError) }
    // RFC 6891 §6.1.3: before the options, whose meaning the version decides.
    if query.ednsVersion != 0 { return Refusal(code: .badVersion) }
    if query.subnetState == .malformed && usesClientSubnet {
      return Refusal(code: .formatError)
    }
    // RFC 7873 §5.2.2.
    if query.extras.contains(.malformedCookie) && usesCookies {
      return Refusal(code: .formatError)
    }
    if query.recordClass == .internet && !query.type.isMetaQuestion { return nil }
    return refusalOfUnusual(query, usesCookies: usesCookies)
  }

  private mutating func limit(for query: Query, bufferByteCount: Int) -> Int {
    let most =
      switch transport {
      case .udp: min(query.payloadByteCount, maximumUDPBytes)
      case .tcp, .tls: Self.maximumTCPBytes
      }
    return min(most, bufferByteCount &- Self.slackByteCount)
  }
}

// MARK: - Looking up

extension Responder {
  /// The longest chain of aliases that is followed.
  private static let maximumAliasCount = 8
  /// Of a record, before its data: owner pointer, type, class, TTL, length.
  private static let recordHeadByteCount = 12

  private mutating func resolve(
    _ query: Query, source: IPAddress, edition: Edition, reply: inout Reply,
    into buffer: inout MutableRawSpan
  ) {
    var name = Name(offset: Query.nameOffset, byteCount: query.nameByteCount)
    let asksForKeys = usesSigners && query.type == .dnskey
    for aliasCount in 0...Self.maximumAliasCount {
      let finding = edition.zones.find(
        buffer.bytes, at: name.offset, nameByteCount: name.byteCount, type: query.type)
      if finding.kind != .notOurs { reply.zone = finding.zone }
      if asksForKeys && appendKeys(finding, name, edition, &reply, &buffer) { return }
      switch finding.kind {
      case .records:
        _ = append(
          finding.records, owner: name, zone: finding.zone, edition, &reply, &buffer)
        return
      case .steered:
        _ = steer(
          query, name: name, finding: finding, source: source, edition: edition, reply: &reply,
          into: &buffer)
        return
      case .steeredAlias:
        steerAlias(
          query, name: name, finding: finding, source: source, edition: edition, reply: &reply,
          into: &buffer)
        return
      case .steeredByKey, .steeredAliasByKey:
        steerByKey(
          query, name: name, finding: finding, source: source, edition: edition, reply: &reply,
          into: &buffer)
        return
      case .alias:
        guard
          let record = append(
            finding.records, owner: name, zone: finding.zone, edition, &reply, &buffer)
        else { return }
        name = Name(
          offset: record &+ Self.recordHeadByteCount,
          byteCount: finding.records.byteCount &- Self.recordHeadByteCount)
      case .redirection:
        guard let target = redirect(query, name, finding, edition, &reply, &buffer) else { return }
        name = target
      case .unavailable:
        if aliasCount == 0 {
          reply.outcome.code = .serverFailure
          reply.outcome.isAuthoritative = false
          reply.outcome.extendedError = .noZoneData
        }
        return
      case .noData:
        return appendSOA(query, finding, name, edition, &reply, &buffer)
      case .nameError:
        // RFC 6604 §3: of a chain the code belongs to the last name.
        reply.outcome.code = .nameError
        return appendSOA(query, finding, name, edition, &reply, &buffer)
      case .referral:
        // Below an alias the answer ends here: what is said of it so far is ours.
        if aliasCount == 0 { refer(finding, name, edition, &reply, &buffer) }
        return
      case .notOurs:
        if aliasCount == 0 {
          reply.outcome.code = .refused
          reply.outcome.isAuthoritative = false
          reply.outcome.extendedError = .notAuthoritative
        }
        return
      }
    }
  }

  typealias Name = MessageName

  /// Appends a set to the answer, and its signatures if they are wanted.
  ///
  /// - Returns: where its first record is; nil if they do not fit.
  @inline(__always)
  private mutating func append(
    _ records: RecordRun, owner: Name, zone: Int, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) -> Int? {
    let offset = edition.zones.append(
      records, ownerOffset: owner.offset, to: .answer, writer: &reply.writer, into: &buffer)
    if signs, let offset {
      let set = MessageSet(owner: owner, offset: offset, recordCount: records.recordCount)
      sign(set, in: .answer, zone: zone, edition, &reply, &buffer)
    }
    return offset
  }

  /// RFC 6672 §3.2: the DNAME, the CNAME that it means, and what that leads to.
  ///
  /// - Returns: nil if the answer ends here.
  @inline(never)
  private mutating func redirect(
    _ query: Query, _ name: Name, _ finding: ZoneTable.Finding, _ edition: Edition,
    _ reply: inout Reply, _ buffer: inout MutableRawSpan
  ) -> Name? {
    let owner = name.suffix(byteCount: finding.cutByteCount)
    guard
      let record = append(
        finding.records, owner: owner, zone: finding.zone, edition, &reply, &buffer)
    else { return nil }
    let redirection = reply.writer.appendAlias(
      of: name, redirectedBy: record, ownerByteCount: finding.cutByteCount, into: &buffer)
    switch redirection {
    case .to(let target):
      // The CNAME is the answer to who asks for it or for anything.
      return query.type == .cname || query.type == .any ? nil : target
    case .tooLong:
      reply.outcome.code = .nameTooLong
      return nil
    case .truncated: return nil
    }
  }

  private mutating func appendSOA(
    _ query: Query, _ finding: ZoneTable.Finding, _ name: Name, _ edition: Edition,
    _ reply: inout Reply, _ buffer: inout MutableRawSpan
  ) {
    let soa = edition.zones.startOfAuthority(ofZone: finding.zone)
    let owner = name.suffix(byteCount: soa.ownerByteCount)
    if signs && query.type == .nsec && reply.outcome.code == .noError,
      answerDenial(
        name, isApex: name.byteCount == owner.byteCount, zone: finding.zone, edition, &reply,
        &buffer)
    {
      return
    }
    let offset = edition.zones.append(
      soa.records, ownerOffset: owner.offset, to: .authority, writer: &reply.writer,
      into: &buffer)
    if signs, let offset {
      let set = MessageSet(owner: owner, offset: offset, recordCount: 1)
      deny(query, name, startOfAuthority: set, zone: finding.zone, edition, &reply, &buffer)
    }
  }

  /// RFC 1034 §4.3.2 step 3b.
  private mutating func refer(
    _ finding: ZoneTable.Finding, _ name: Name, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) {
    reply.outcome.isAuthoritative = false
    let cut = name.suffix(byteCount: finding.cutByteCount)
    let servers = edition.zones.append(
      finding.records, ownerOffset: cut.offset, to: .authority, writer: &reply.writer,
      into: &buffer)
    if signs && servers != nil {
      signReferral(to: cut, zone: finding.zone, edition, &reply, &buffer)
    }
    guard servers != nil, finding.glue.recordCount > 0 else { return }
    // RFC 9471 §3: glue that does not fit means TC. Its owners are written out.
    _ = edition.zones.append(
      finding.glue, ownerOffset: Query.nameOffset, to: .additional, writer: &reply.writer,
      into: &buffer)
  }
}

// MARK: - Steering

extension Responder {
  /// - Returns: the records that were appended; nil if there are none.
  @inline(__always)
  mutating func steer(
    _ query: Query, name: Name, finding: ZoneTable.Finding, source: IPAddress, edition: Edition,
    reply: inout Reply, into buffer: inout MutableRawSpan
  ) -> (offset: Int, byteCount: Int)? {
    let subnet = query.subnet
    // RFC 7871 §7.1.2: with a source prefix of 0 bits the client asks us not to use it.
    let usesSubnet =
      usesClientSubnet && query.subnetState == .valid && subnet.sourceBits > 0
    let client = usesSubnet ? ClientAddress(subnet) : source.client
    var trace = SilentTrace()
    let decision = edition.steering.route(client, to: finding.service, trace: &trace)
    if usesSubnet { reply.outcome.scopeBits = decision.scopeBits }
    shard.add(to: counters.decisions[decision.outcome])
    shard.addDemand(
      .answers, row: edition.steering.row(of: decision, service: finding.service))
    let entry = edition.answers.entry(outcome: decision.outcome, slot: .init(query.type))
    reply.outcome.extendedError = entry.extendedError
    if entry.isFailure {
      reply.writer.removeRecords()
      reply.outcome.code = .serverFailure
      reply.outcome.isAuthoritative = false
    } else if entry.recordCount > 0 {
      let offset = append(entry, of: edition.answers, name: name, reply: &reply, into: &buffer)
      if signs, let offset {
        let set = MessageSet(owner: name, offset: offset, recordCount: Int(entry.recordCount))
        sign(set, in: .answer, zone: finding.zone, edition, &reply, &buffer)
      }
      return offset.map { ($0, Int(entry.byteCount)) }
    } else {
      if entry.isForEveryone { reply.outcome.scopeBits = 0 }
      appendSOA(query, finding, name, edition, &reply, &buffer)
    }
    return nil
  }

  private mutating func append(
    _ entry: AnswerTable.Entry, of answers: borrowing AnswerTable, name: Name,
    reply: inout Reply, into buffer: inout MutableRawSpan
  ) -> Int? {
    unsafe reply.writer.append(
      answers.bytes.span.bytes, from: Int(entry.offset), byteCount: Int(entry.byteCount),
      recordCount: Int(entry.recordCount), ownerOffset: name.offset, to: .answer, into: &buffer)
  }

  /// A steered CNAME, and what it leads to in our zones if that is the same for every client. What
  /// another policy steers has a scope of its own, and what does not exist must not be said of some
  /// clients only: then the resolver asks for the target itself.
  @inline(never)
  mutating func steerAlias(
    _ query: Query, name owner: Name, finding: ZoneTable.Finding, source: IPAddress,
    edition: Edition, reply: inout Reply, into buffer: inout MutableRawSpan
  ) {
    let record = steer(
      query, name: owner, finding: finding, source: source, edition: edition, reply: &reply,
      into: &buffer)
    guard let record, query.type != .cname, query.type != .any else { return }
    var name = Name(
      offset: record.offset &+ Self.recordHeadByteCount,
      byteCount: record.byteCount &- Self.recordHeadByteCount)
    for _ in 0..<Self.maximumAliasCount {
      let finding = edition.zones.find(
        buffer.bytes, at: name.offset, nameByteCount: name.byteCount, type: query.type)
      guard finding.kind == .records || finding.kind == .alias else { return }
      let record = append(
        finding.records, owner: name, zone: finding.zone, edition, &reply, &buffer)
      guard finding.kind == .alias, let record else { return }
      name = Name(
        offset: record &+ Self.recordHeadByteCount,
        byteCount: finding.records.byteCount &- Self.recordHeadByteCount)
    }
  }
}

extension ClientAddress {
  fileprivate init(_ subnet: ClientSubnet) {
    if subnet.isIPv6 {
      self.init(ipv6: UInt128(subnet.high) << 64 | UInt128(subnet.low))
    } else {
      self.init(ipv4: UInt32(truncatingIfNeeded: subnet.high >> 32))
    }
  }
}
