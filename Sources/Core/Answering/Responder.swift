public import Counters
import DNSWire
public import Editions
public import Places
import Routing
import Zones

/// The road: query bytes in, answer bytes out, in the same buffer.
///
///     decode ─► find the name ─┬─ records, referral, nothing ───────────► copy ─► OPT, header
///                              ├─ alias ─► find the target, and so on
///                              └─ steered ─► route the client ─► copy its prepared records
///
/// One for each thread: it counts into the thread's own shard. Allocates only when it meets an
/// edition for the first time.
public struct Responder: ~Copyable {
  /// What listeners say of themselves.
  public struct Limits: Sendable {
    /// Most bytes of a UDP answer, 512...4096 (RFC 9715 §3.1); also said to clients in OPT.
    public var maximumUDPBytes: Int
    /// Whether client subnets (RFC 7871) are heeded and repeated; else they are ignored.
    public var usesClientSubnet: Bool

    public init(maximumUDPBytes: Int = 1_232, usesClientSubnet: Bool = true) {
      self.maximumUDPBytes = min(max(maximumUDPBytes, 512), 4_096)
      self.usesClientSubnet = usesClientSubnet
    }
  }

  public enum Transport: Sendable, BitwiseCopyable { case udp, tcp }

  /// How much longer than the longest query and the longest answer a buffer must be.
  public static let slackByteCount = Query.slackByteCount
  /// The most bytes of an answer over TCP (RFC 1035 §4.2.2).
  public static let maximumTCPBytes = 65_535

  private let limits: Limits
  private let transport: Transport
  private let shard: CounterShard
  private var counters: ResponderCounters

  /// - Parameter shard: of the thread that this answers on.
  public init(transport: Transport, limits: Limits, board: CounterBoard, shard: CounterShard) {
    self.transport = transport
    self.limits = limits
    self.shard = shard
    counters = ResponderCounters(board: board, transport: transport)
  }

  /// Answers the query in the first `queryByteCount` bytes of the buffer.
  ///
  /// - Parameters:
  ///   - buffer: at least ``slackByteCount`` longer than the query; the answer is at most
  ///     ``slackByteCount`` shorter than it.
  ///   - source: where the query came from.
  /// - Returns: the length of the answer, which stands in the buffer then; 0: nothing is to be
  ///   sent.
  public mutating func answer(
    _ buffer: inout MutableRawSpan, queryByteCount: Int, source: ClientAddress, edition: Edition
  ) -> Int {
    counters.adopt(edition)
    shard.add(to: counters.queries)
    guard edition.isReady else {
      shard.add(to: counters.droppedNotReady)
      return 0
    }
    let query: Query
    do throws(QueryFault) {
      query = try Query.decode(buffer.bytes, byteCount: queryByteCount)
    } catch {
      return answerUnreadable(error, into: &buffer)
    }
    let refusal = refusal(of: query)
    var reply = Reply(
      writer: AnswerWriter(
        query: query,
        repeatsSubnet: limits.usesClientSubnet && (refusal == nil || refusal == .refused),
        limit: limit(for: query, bufferByteCount: buffer.byteCount)),
      outcome: AnswerWriter.Outcome(code: refusal ?? .noError, isAuthoritative: refusal == nil))
    if refusal == nil {
      resolve(query, source: source, edition: edition, reply: &reply, into: &buffer)
    }
    shard.add(to: counters.answers(reply.outcome.code))
    if reply.writer.isTruncated { shard.add(to: counters.truncated) }
    return reply.writer.finish(
      reply.outcome, query: query, payloadByteCount: limits.maximumUDPBytes, into: &buffer)
  }

  private struct Reply {
    var writer: AnswerWriter
    var outcome: AnswerWriter.Outcome
  }

  private func answerUnreadable(
    _ fault: QueryFault, into buffer: inout MutableRawSpan
  ) -> Int {
    let code: ResponseCode
    switch fault {
    case .tooShort:
      shard.add(to: counters.droppedTooShort)
      return 0
    case .isResponse:
      // Whoever answers a response can be made to talk to itself for ever.
      shard.add(to: counters.droppedResponse)
      return 0
    case .unknownOpcode: code = .notImplemented
    case .questionCount, .question: code = .formatError
    }
    shard.add(to: counters.answers(code))
    return writeHeaderOnly(code: code, into: &buffer)
  }

  /// Why a query is not looked up at all; nil if it is.
  private func refusal(of query: Query) -> ResponseCode? {
    if query.isMalformed { return .formatError }
    // RFC 6891 §6.1.3: before the options, whose meaning the version decides.
    if query.ednsVersion != 0 { return .badVersion }
    if query.subnetState == .malformed && limits.usesClientSubnet { return .formatError }
    guard query.recordClass == .internet, query.type != .axfr, query.type != .ixfr else {
      return .refused
    }
    return nil
  }

  private func limit(for query: Query, bufferByteCount: Int) -> Int {
    let most =
      switch transport {
      case .udp: min(query.payloadByteCount, limits.maximumUDPBytes)
      case .tcp: Self.maximumTCPBytes
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

  private func resolve(
    _ query: Query, source: ClientAddress, edition: Edition, reply: inout Reply,
    into buffer: inout MutableRawSpan
  ) {
    var name = Name(offset: Query.nameOffset, byteCount: query.nameByteCount)
    for aliasCount in 0...Self.maximumAliasCount {
      let finding = edition.zones.find(
        buffer.bytes, at: name.offset, nameByteCount: name.byteCount, type: query.type)
      switch finding.kind {
      case .records:
        _ = edition.zones.append(
          finding.records, ownerOffset: name.offset, to: .answer, writer: &reply.writer,
          into: &buffer)
        return
      case .steered, .steeredAlias:
        steer(
          query, name: name, finding: finding, source: source, edition: edition, reply: &reply,
          into: &buffer)
        return
      case .alias:
        guard
          let record = edition.zones.append(
            finding.records, ownerOffset: name.offset, to: .answer, writer: &reply.writer,
            into: &buffer)
        else { return }
        name = Name(
          offset: record &+ Self.recordHeadByteCount,
          byteCount: finding.records.byteCount &- Self.recordHeadByteCount)
      case .noData: return appendSOA(finding, name, edition, &reply, &buffer)
      case .nameError:
        // RFC 6604 §3: of a chain the code belongs to the last name.
        reply.outcome.code = .nameError
        return appendSOA(finding, name, edition, &reply, &buffer)
      case .referral:
        // Below an alias the answer ends here: what is said of it so far is ours.
        if aliasCount == 0 { refer(finding, name, edition, &reply, &buffer) }
        return
      case .notOurs:
        if aliasCount == 0 {
          reply.outcome.code = .refused
          reply.outcome.isAuthoritative = false
        }
        return
      }
    }
  }

  /// An uncompressed name in the message.
  private struct Name {
    var offset: Int
    var byteCount: Int

    /// Where its last so many bytes stand.
    func suffixOffset(byteCount suffix: Int) -> Int { offset &+ byteCount &- suffix }
  }

  private func appendSOA(
    _ finding: ZoneTable.Finding, _ name: Name, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) {
    let soa = edition.zones.startOfAuthority(ofZone: finding.zone)
    _ = edition.zones.append(
      soa.records, ownerOffset: name.suffixOffset(byteCount: soa.ownerByteCount),
      to: .authority, writer: &reply.writer, into: &buffer)
  }

  /// RFC 1034 §4.3.2 step 3b.
  private func refer(
    _ finding: ZoneTable.Finding, _ name: Name, _ edition: Edition, _ reply: inout Reply,
    _ buffer: inout MutableRawSpan
  ) {
    reply.outcome.isAuthoritative = false
    let servers = edition.zones.append(
      finding.records, ownerOffset: name.suffixOffset(byteCount: finding.cutByteCount),
      to: .authority, writer: &reply.writer, into: &buffer)
    guard servers != nil, finding.glue.recordCount > 0 else { return }
    // RFC 9471 §3: glue that does not fit means TC. Its owners are written out.
    _ = edition.zones.append(
      finding.glue, ownerOffset: Query.nameOffset, to: .additional, writer: &reply.writer,
      into: &buffer)
  }
}

// MARK: - Steering

extension Responder {
  private func steer(
    _ query: Query, name: Name, finding: ZoneTable.Finding, source: ClientAddress,
    edition: Edition, reply: inout Reply, into buffer: inout MutableRawSpan
  ) {
    let subnet = query.subnet
    // RFC 7871 §7.1.2: with a source prefix of 0 bits the client asks us not to use it.
    let usesSubnet =
      limits.usesClientSubnet && query.subnetState == .valid && subnet.sourceBits > 0
    let client = usesSubnet ? ClientAddress(subnet) : source
    var trace = SilentTrace()
    let decision = edition.steering.route(client, to: finding.service, trace: &trace)
    if usesSubnet { reply.outcome.scopeBits = decision.scopeBits }
    shard.add(to: counters.steered(outcome: decision.outcome))
    let entry = edition.answers.entry(outcome: decision.outcome, isIPv6: query.type == .aaaa)
    reply.outcome.extendedError = extendedError(for: entry)
    if entry.disposition == .fail {
      reply.writer.removeRecords()
      reply.outcome.code = .serverFailure
      reply.outcome.isAuthoritative = false
    } else if entry.recordCount > 0 {
      append(entry, of: edition.answers, name: name, reply: &reply, into: &buffer)
    } else {
      appendSOA(finding, name, edition, &reply, &buffer)
    }
  }

  private func append(
    _ entry: AnswerTable.Entry, of answers: borrowing AnswerTable, name: Name,
    reply: inout Reply, into buffer: inout MutableRawSpan
  ) {
    _ = unsafe reply.writer.append(
      answers.bytes.span.bytes, from: Int(entry.offset), byteCount: Int(entry.byteCount),
      recordCount: Int(entry.recordCount), ownerOffset: name.offset, to: .answer, into: &buffer)
  }

  private func extendedError(for entry: AnswerTable.Entry) -> ExtendedError? {
    switch entry.basis {
    case .healthy, .degraded, .unknown: nil
    case .fencedOut: .fencedOut
    case .panic, .lastResort: entry.recordCount > 0 ? .lastResort : .noHealthyRegion
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
