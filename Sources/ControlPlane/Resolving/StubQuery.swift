import DNSWire
package import Editions
package import Places
import Transferring

/// A question of ours to a resolver, and what its answers say.
package struct StubQuery: Sendable {
  package var id: UInt16
  package var question: ResolvedNames.Question

  /// As many as an answer of ours may have (``Settings/Service/maximumAddresses``).
  static let mostAddresses = 32
  /// The longest chain of aliases that is believed.
  static let mostAliases = 8

  package init(id: UInt16, question: ResolvedNames.Question) {
    self.id = id
    self.question = question
  }

  private var wireQuestion: WireMessage.Question {
    WireMessage.Question(
      name: DomainName(wire: question.name) ?? .root, type: question.isIPv6 ? .aaaa : .a)
  }

  /// Recursion desired, and up to 1,232 bytes over UDP (RFC 9715 §3.1).
  package var bytes: [UInt8] {
    var builder = MessageBuilder(id: id, flags: 0x0100, question: wireQuestion)
    builder.append(
      .root, .opt, recordClass: RecordClass(rawValue: 1_232), ttlSeconds: 0, data: [],
      to: .additional)
    return builder.bytes
  }

  package enum Reading: Sendable, Equatable {
    /// None: the name has no address of the family (RFC 2308 §2.2).
    case addresses([IPAddress], ttlSeconds: UInt32)
    /// To be asked over TCP.
    case truncated
    case failure(String)
  }

  /// What an answer says; nil if it is none to this question: forged, late or damaged.
  package func reading(of bytes: [UInt8]) -> Reading? {
    guard let message = try? WireMessage(bytes), message.isResponse, message.id == id,
      message.opcode == .query, message.questions == [wireQuestion]
    else { return nil }
    if message.isTruncated { return .truncated }
    switch message.responseCode {
    case 0: return reading(of: message)
    case 2: return .failure("the resolver failed (SERVFAIL)")
    // A name that serves and does not exist is a fault of somebody's, which may pass.
    case 3: return .failure("the name does not exist (NXDOMAIN)")
    case 5: return .failure("the resolver refused")
    case let code: return .failure("the resolver answered with code \(code)")
    }
  }

  private func reading(of message: WireMessage) -> Reading {
    var name = wireQuestion.name
    var ttlSeconds = UInt32.max
    let records = message[.answer].filter { $0.recordClass == .internet }
    for _ in 0...Self.mostAliases {
      let addresses = records.filter { $0.owner == name && $0.type == wireQuestion.type }
      if !addresses.isEmpty {
        ttlSeconds = addresses.reduce(ttlSeconds) { min($0, ttl($1)) }
        let sorted = Set(addresses.map(\.data)).sorted { $0.lexicographicallyPrecedes($1) }
        return .addresses(
          sorted.prefix(Self.mostAddresses).map(IPAddress.init(data:)), ttlSeconds: ttlSeconds)
      }
      guard let alias = records.first(where: { $0.owner == name && $0.type == .cname }),
        let next = DomainName(wire: alias.data)
      else { return noData(message, ttlSeconds: ttlSeconds) }
      ttlSeconds = min(ttlSeconds, ttl(alias))
      name = next
    }
    return .failure("the chain of aliases is longer than \(Self.mostAliases)")
  }

  /// RFC 2308 §2.2, §5: only with an SOA is it known that there is nothing, and for how long.
  private func noData(_ message: WireMessage, ttlSeconds: UInt32) -> Reading {
    guard let authority = message[.authority].first(where: { $0.type == .soa }),
      authority.data.count >= 4
    else { return .failure("the resolver did not answer the question") }
    let minimum = authority.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return .addresses([], ttlSeconds: min(ttlSeconds, ttl(authority), minimum))
  }

  /// RFC 2181 §8: with the highest bit set, a TTL is zero.
  private func ttl(_ record: WireMessage.Record) -> UInt32 {
    record.ttlSeconds > UInt32(Int32.max) ? 0 : record.ttlSeconds
  }
}

extension IPAddress {
  /// The data of an A or AAAA record, whose length has been checked.
  fileprivate init(data: [UInt8]) {
    let bits = data.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    self = data.count == 4 ? .ipv4(UInt32(truncatingIfNeeded: bits)) : .ipv6(bits)
  }
}
