import DNSWire
import Editions

// What is answered without the zones: questions about this server, and questions that are none.

extension Responder {
  /// Whether this is for those who keep zones and keys.
  func isUncommon(_ query: Query) -> Bool {
    if query.extras.contains(.signature) { return true }
    return query.recordClass == .internet && (query.type == .axfr || query.type == .ixfr)
  }

  /// Of classes other than IN, and of types that no record has.
  @inline(never)
  mutating func refusalOfUnusual(_ query: Query, usesCookies: Bool) -> Refusal? {
    guard query.hasQuestion else {
      // RFC 7873 §5.4 speaks of servers with cookies only.
      return usesCookies ? nil : Refusal(code: .formatError)
    }
    switch query.recordClass {
    case .chaos: return nil
    case .internet: break
    default: return Refusal(code: .refused)
    }
    switch query.type {
    case .any: return nil
    case .axfr, .ixfr: return Refusal(code: .refused, extendedError: .prohibited)
    // RFC 6895 §3.1: OPT, TKEY, TSIG and the like; MAILA and MAILB are obsolete (RFC 1035 §3.2.3).
    default: return Refusal(code: .formatError, extendedError: .notAType)
    }
  }

  /// Class CH, or no question at all.
  @inline(never)
  mutating func resolveApart(
    _ query: Query, sender: Sender, edition: Edition, reply: inout Reply,
    into buffer: inout MutableRawSpan
  ) {
    reply.outcome.isAuthoritative = false
    guard query.hasQuestion else {
      // RFC 7873 §5.4: who sends an invalid server cookie along learns that it is.
      if sender.hasInvalidCookie { reply.outcome.code = .badCookie }
      return
    }
    let name = buffer.bytes.chaosName(byteCount: query.nameByteCount)
    let text: [UInt8] =
      switch name {
      case .identity: edition.rules.identity
      case .version: edition.rules.version
      case nil: []
      }
    guard query.type == .txt || query.type == .any, !text.isEmpty else {
      reply.outcome.code = .refused
      return
    }
    reply.outcome.isAuthoritative = true
    // Owner, type, class, a TTL of 0 (RFC 4892 §2), length, one character string.
    let head: [UInt8] = [0xC0, UInt8(Query.nameOffset), 0, 16, 0, 3, 0, 0, 0, 0, 0]
    let record = head + [UInt8(text.count + 1), UInt8(text.count)] + text
    _ = unsafe reply.writer.append(
      record.span.bytes, from: 0, byteCount: record.count, recordCount: 1,
      ownerOffset: Query.nameOffset, to: .answer, into: &buffer)
  }
}

/// The names of class CH that we know.
private enum ChaosName { case identity, version }

extension RawSpan {
  /// RFC 4892 §2, and what BIND has always called the same.
  fileprivate func chaosName(byteCount: Int) -> ChaosName? {
    let known: [(name: String, meaning: ChaosName)] = [
      ("\u{2}id\u{6}server\0", .identity), ("\u{8}hostname\u{4}bind\0", .identity),
      ("\u{7}version\u{4}bind\0", .version), ("\u{7}version\u{6}server\0", .version),
    ]
    return known.first { isName($0.name, byteCount: byteCount) }?.meaning
  }

  private func isName(_ name: String, byteCount: Int) -> Bool {
    guard name.utf8.count == byteCount else { return false }
    return zip(Query.nameOffset..<(Query.nameOffset + byteCount), name.utf8).allSatisfy {
      let asked = byte(at: $0)
      let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(asked)
      return (isUpper ? asked | 0x20 : asked) == $1
    }
  }
}
