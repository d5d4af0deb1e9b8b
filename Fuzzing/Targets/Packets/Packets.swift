import Answering
import CFuzzing
import FuzzSupport
import Glibc

// Whole packets through the responder: the first byte says who asks, the rest is what was sent. The
// answer is read by a reader of its own and held against what the RFCs ask of every answer.

nonisolated(unsafe) private var world = {
  do { return try PacketWorld() } catch { fatalError("\(error)") }
}()

func allocationCount() -> UInt { allocations_made() }

@main enum Packets {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let first = input.first, input.count <= 1_500 else { return false }
  let asker = PacketAsker(first)
  let packet = Array(input.dropFirst())
  let (disposal, answer, allocated) = world.answer(packet, to: asker)
  let query: ReferenceQuery
  do throws(ReferenceQuery.Failure) {
    query = try ReferenceQuery(packet)
  } catch {
    insist(allocated == 0, "the road asks for no memory")
    judge(disposal, answer, to: packet, asker, failure: error)
    return true
  }
  // Questions about this server (class CH) are not the road, nor is making a signature.
  insist(
    allocated == 0 || query.hasQuestion && query.recordClass == 3
      || asker.mood == .signing && query.wantsDNSSEC, "the road asks for no memory")
  if !query.isMalformed {
    let isUncommon = query.isSigned || query.isTransfer
    insist(
      (disposal == .uncommon) == (isUncommon && asker.mood == .handingOver),
      "transfers and signed messages are handed over, and nothing else")
  }
  if disposal == .uncommon {
    insist(asker.mood == .handingOver && answer == packet, "handed over as it came")
  } else {
    insist(!answer.isEmpty, "a query is answered")
    judge(AnswerReader(answer), to: query, asker)
  }
  return true
}

private func judge(_ answer: AnswerReader, to query: ReferenceQuery, _ asker: PacketAsker) {
  judgeHeader(answer, query.bytes)
  judgeQuestion(answer, query)
  judgeSignatures(answer.records, query, asker)
  judgeSize(answer, query, asker)
  judgeOptions(answer, query, asker)
}

/// Of what has no question that can be read.
private func judge(
  _ disposal: Responder.Disposal, _ bytes: [UInt8], to packet: [UInt8], _ asker: PacketAsker,
  failure: ReferenceQuery.Failure
) {
  switch failure {
  case .tooShort, .isResponse: insist(disposal == .silence, "\(failure) is not answered")
  case .opcode(4) where asker.mood == .handingOver:
    insist(disposal == .uncommon, "NOTIFY is handed over")
  case .opcode, .questionCount, .question:
    if asker.mood == .limited && asker.transport == .udp {
      return insist(disposal == .silence, "\(failure) is not answered beyond the rate")
    }
    let answer = AnswerReader(bytes)
    judgeHeader(answer, packet)
    insist(bytes.count == 12, "\(failure) is answered by a header alone")
    let wanted = if case .opcode = failure { 4 } else { 1 }
    insist(answer.code == wanted, "\(failure) is answered by code \(answer.code)")
  }
}

/// RFC 1035 §4.1.1, RFC 4035 §3.1.6.
private func judgeHeader(_ answer: AnswerReader, _ packet: [UInt8]) {
  insist(answer.bytes[..<2] == packet[..<2], "the id is the query's")
  let asked = Int(packet[2]) << 8 | Int(packet[3])
  insist(answer.flags & 0x8000 != 0, "QR is set")
  insist(answer.flags & 0x7910 == asked & 0x7910, "opcode, RD and CD are the query's")
  insist(answer.flags & 0x00E0 == 0, "RA, Z and AD are clear")
}

private func judgeQuestion(_ answer: AnswerReader, _ query: ReferenceQuery) {
  insist(answer.questionCount == (query.hasQuestion ? 1 : 0), "the question is repeated")
  insist(answer.questionEnd == query.questionEnd, "the question ends where it did")
  insist(
    answer.bytes[12..<query.questionEnd] == query.bytes[12..<query.questionEnd],
    "the question is the query's, case and all")
  let records = answer.records.filter { $0.type != 41 }
  let isTruncated = answer.flags & 0x0200 != 0
  if isTruncated { insist(records.isEmpty, "TC means empty sections") }
  if query.isMalformed || query.version != 0 {
    insist(records.isEmpty, "what cannot be read is not looked up")
    insist(
      answer.code == (query.isMalformed ? 1 : 16), "code \(answer.code) to what cannot be read")
  }
  if answer.code == 3 && !isTruncated {
    insist(records.contains { $0.type == 6 }, "NXDOMAIN has SOA")
  }
  judgeSets(records)
}

/// RFC 3225 §3, RFC 4035 §3.1.1.
private func judgeSignatures(
  _ records: [AnswerReader.Record], _ query: ReferenceQuery, _ asker: PacketAsker
) {
  let signatures = records.filter { $0.type == 46 && $0.data.count > 18 }
  guard asker.mood == .signing, query.wantsDNSSEC else {
    return insist(signatures.isEmpty, "signatures only for who wants them")
  }
  let owner: [UInt8] = Array("\u{7}example\u{3}org\u{0}".utf8)
  let inner: [UInt8] = Array("\u{5}inner".utf8) + owner
  let redirected = records.contains { $0.type == 39 }
  for record in records where record.section < 2 && [1, 5, 6, 16, 43, 47, 48].contains(record.type)
  {
    let lowered = record.owner.map { (65...90).contains($0) ? $0 | 32 : $0 }
    guard lowered.suffix(owner.count).elementsEqual(owner),
      !lowered.suffix(inner.count).elementsEqual(inner), record.type != 5 || !redirected
    else { continue }
    insist(
      signatures.contains {
        $0.owner == record.owner && $0.section == record.section
          && Int($0.data[0]) << 8 | Int($0.data[1]) == record.type
      }, "a set of type \(record.type) has its signature")
  }
}

/// RFC 2181 §5: within a set one TTL, and no record twice.
private func judgeSets(_ records: [AnswerReader.Record]) {
  for (index, record) in records.enumerated() {
    for other in records[..<index]
    where other.owner == record.owner && other.type == record.type
      && other.section == record.section
    {
      // Signatures have the TTLs of what they sign.
      insist(other.ttlSeconds == record.ttlSeconds || record.type == 46, "a set has one TTL")
      // Aliases that lead in a circle are followed until there are too many.
      insist(
        other.data != record.data || [5, 39, 46].contains(record.type), "a set has no record twice")
    }
  }
}

private func judgeSize(_ answer: AnswerReader, _ query: ReferenceQuery, _ asker: PacketAsker) {
  guard asker.transport == .udp else { return }
  let size = answer.bytes.count
  if asker.mood == .limited && query.cookies.isEmpty {
    insist(answer.flags & 0x0200 != 0, "beyond the rate an answer is cut down")
  }
  if !query.isMalformed {
    insist(
      size <= min(query.payloadByteCount, asker.mood.maximumUDPBytes),
      "\(size) bytes are more than the client takes")
  }
  if !query.hasOPT { insist(size <= 512, "without EDNS an answer has 512 bytes at most") }
  if answer.records.allSatisfy({ $0.type == 41 }) {
    // OPT, a cookie, the instance's name, the zone's version, an extended error.
    insist(size <= query.bytes.count + 11 + 28 + 8 + 10 + 70, "an empty answer amplifies nothing")
  }
}

private func judgeOptions(
  _ answer: AnswerReader, _ query: ReferenceQuery, _ asker: PacketAsker
) {
  let opts = answer.records.filter { $0.type == 41 }
  insist(opts.count <= 1 && opts.allSatisfy { $0.owner == [0] && $0.section == 2 }, "one OPT")
  insist(opts.isEmpty != query.hasOPT, "OPT if, and only if, the query has one")
  guard let opt = opts.first, !query.isMalformed else { return }
  insist(opt.ttlSeconds & 0x00FF_7FFF == 0, "version 0, and no flag but DO")
  insist(
    (opt.ttlSeconds & 0x8000 != 0) == query.wantsDNSSEC, "DO is the query's (RFC 3225 §3)")
  let options = answer.options()
  insist(Set(options.map(\.code)).count == options.count, "no option twice")
  for option in options {
    switch option.code {
    case 3:
      insist(query.optionCodes.contains(3), "NSID only if asked for (RFC 5001 §2.1)")
      insist(option.data == PacketWorld.identity, "NSID is the instance's name")
    case 8: judgeSubnet(option.data, query)
    case 10:
      insist(option.data.count == 24, "a cookie has 24 bytes")
      let client = (query.cookies.first ?? nil)?.client
      insist(Array(option.data[..<8]) == client, "the client's cookie (RFC 7873 §5.2)")
    case 11:
      insist(query.optionCodes.contains(11), "keepalive only if asked for (RFC 7828 §3.3.2)")
      insist(asker.transport != .udp && option.data.count == 2, "keepalive never over UDP")
    case 12:
      insist(query.optionCodes.contains(12), "padding only if padded (RFC 7830 §4)")
      insist(asker.transport == .tls, "padding only where it is encrypted (RFC 7830 §6)")
    case 15: insist((2...80).contains(option.data.count), "an extended error is short")
    case 19: insist(query.optionCodes.contains(19), "version only if asked for (RFC 9660 §3.2)")
    default: insist(false, "an option \(option.code) that nobody asked for")
    }
  }
}

/// RFC 7871 §7.2.1.
private func judgeSubnet(_ data: [UInt8], _ query: ReferenceQuery) {
  guard let subnet = query.subnet else { return insist(false, "a client subnet from nowhere") }
  let count = (subnet.sourceBits + 7) / 8
  insist(data.count == 4 + count, "the address is as long as it was")
  insist(data[0] == 0 && data[1] == (subnet.isIPv6 ? 2 : 1), "the family is the query's")
  insist(Int(data[2]) == subnet.sourceBits, "the source prefix is the query's")
  insist(Array(data[4...]) == Array(subnet.address[..<count]), "the address is the query's")
  insist(data[3] <= (subnet.isIPv6 ? 128 : 32), "the scope is one of the family")
  if subnet.sourceBits == 0 { insist(data[3] == 0, "scope 0 to source 0 (RFC 7871 §7.1.2)") }
}
