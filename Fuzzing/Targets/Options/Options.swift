import DNSWire
import FuzzSupport
import Glibc

// OPT and its options: the decoder against the reference. The first byte says whether the input is
// a whole packet or the options of a well-formed one.

@main enum Options {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let first = input.first, input.count <= 4_096 else { return false }
  let rest = input.dropFirst()
  compare(first & 1 == 0 ? Array(rest) : packet(options: Array(rest), kind: first))
  return true
}

/// A question, perhaps a record of another kind, and OPT with these options.
private func packet(options: [UInt8], kind: UInt8) -> [UInt8] {
  let other: [UInt8] = [0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 1, 0]
  let hasOther = kind & 2 != 0
  return [7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, hasOther ? 2 : 1, 1, 97, 0, 0, 1, 0, 1]
    + (hasOther ? other : [])
    + [0, 0, 41, kind, 0, 0, kind & 4, kind & 0x80, 0]
    + [UInt8(options.count >> 8), UInt8(options.count & 255)] + options
}

private func compare(_ packet: [UInt8]) {
  let wanted: ReferenceQuery
  do throws(ReferenceQuery.Failure) {
    wanted = try ReferenceQuery(packet)
  } catch {
    return compare(packet, failure: error)
  }
  guard let query = try? decoded(packet) else { fatalError("a query is taken for none") }
  insist(query.hasQuestion == wanted.hasQuestion, "question or none")
  insist(query.questionEnd == wanted.questionEnd, "where the question ends")
  insist(query.isMalformed == wanted.isMalformed, "malformed or not")
  insist(query.hasEDNS == wanted.hasOPT, "with OPT or without")
  if wanted.hasQuestion {
    insist(Int(query.type.rawValue) == wanted.type, "type")
    insist(Int(query.recordClass.rawValue) == wanted.recordClass, "class")
  }
  guard !wanted.isMalformed else { return }
  insist(Int(query.ednsVersion) == wanted.version, "version of EDNS")
  insist(query.wantsDNSSEC == wanted.wantsDNSSEC, "DO")
  insist(query.payloadByteCount == wanted.payloadByteCount, "payload size")
  compareSubnet(query, wanted)
  compareExtras(query, wanted)
}

private func compare(_ packet: [UInt8], failure: ReferenceQuery.Failure) {
  do throws(QueryFault) {
    _ = try decoded(packet)
    fatalError("decoded, but the reference says \(failure)")
  } catch {
    let isSame =
      switch (error, failure) {
      case (.tooShort, .tooShort), (.isResponse, .isResponse), (.question, .question),
        (.questionCount, .questionCount):
        true
      case (.notify, .opcode(4)): true
      case (.unknownOpcode, .opcode(let code)): code != 4
      default: false
      }
    insist(isSame, "\(error), but the reference says \(failure)")
  }
}

private func decoded(_ packet: [UInt8]) throws(QueryFault) -> Query {
  // What stands behind the packet must not matter.
  let buffer = packet + Array(repeating: 0xA5, count: Query.slackByteCount)
  return try Query.decode(buffer.span.bytes, byteCount: packet.count)
}

private func compareSubnet(_ query: Query, _ wanted: ReferenceQuery) {
  guard let subnet = wanted.subnet else {
    insist(
      query.subnetState == (wanted.isSubnetMalformed ? .malformed : .absent), "no client subnet")
    return
  }
  insist(query.subnetState == .valid, "a client subnet")
  let address = (0..<16).map { index -> UInt8 in
    let word = index < 8 ? query.subnet.high : query.subnet.low
    return UInt8(truncatingIfNeeded: word >> UInt64(56 - index % 8 * 8))
  }
  insist(
    ReferenceQuery.Subnet(
      isIPv6: query.subnet.isIPv6, sourceBits: Int(query.subnet.sourceBits), address: address)
      == subnet, "the client subnet")
}

private func compareExtras(_ query: Query, _ wanted: ReferenceQuery) {
  let cookie = wanted.cookies.first
  insist(query.extras.contains(.cookie) == ((cookie ?? nil) != nil), "a cookie")
  insist(query.extras.contains(.malformedCookie) == (cookie == .some(nil)), "a malformed cookie")
  if case .some(.some(let cookie)) = cookie {
    let buffer = wanted.bytes + Array(repeating: 0x5A, count: Query.slackByteCount)
    let decoded = ClientCookie(of: query, in: buffer.span.bytes)
    insist(decoded.client == word(cookie.client), "the client cookie")
    insist(decoded.hasServer == !cookie.server.isEmpty, "a server cookie")
    let server = cookie.server.count == 16 ? cookie.server : []
    insist((decoded.server != nil) == !server.isEmpty, "a server cookie of our kind")
    insist(server.isEmpty || decoded.server?.hash == word(Array(server[8...])), "its hash")
  }
  let extras: [(Query.Extras, Int)] = [
    (.identity, 3), (.keepalive, 11), (.padding, 12), (.zoneVersion, 19),
  ]
  for (extra, code) in extras {
    insist(query.extras.contains(extra) == wanted.optionCodes.contains(code), "option \(code)")
  }
  insist(query.extras.contains(.signature) == wanted.isSigned, "signed or not")
}

private func word(_ bytes: [UInt8]) -> UInt64 { bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) } }
