import DNSWire
import TestSupport
import Testing

@testable import Transferring

@Suite struct `Signatures` {
  static let now: UInt64 = 1_700_000_000

  private func query() -> [UInt8] {
    MessageBuilder(
      id: 0x1234, flags: 0x0100, question: WireMessage.Question(name: zone, type: .soa)
    ).bytes
  }

  private func verdict(
    _ bytes: [UInt8], keys: [TransferKey] = [key], now: UInt64 = now
  ) throws -> RequestVerdict {
    RequestVerdict(bytes, try WireMessage(bytes), keys: keys, now: now)
  }

  /// The TSIG record at the end.
  private func signature(of bytes: [UInt8]) throws -> TransactionSignature {
    let record = try #require(try WireMessage(bytes)[.additional].last)
    return try #require(TransactionSignature(owner: record.owner, data: record.data))
  }

  @Test(arguments: TransferKey.Algorithm.allCases)
  func `RFC 8945 §4.3, §5.3: both sides agree on every message of an exchange`(
    algorithm: TransferKey.Algorithm
  ) throws {
    var key = key
    key.algorithm = algorithm
    var (verifier, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    guard case .signed(let stripped, var signer) = try verdict(request, keys: [key]) else {
      Issue.record("the request is not taken")
      return
    }
    #expect(stripped == query())
    for round in 0..<3 {
      let answer = signer.signed(
        Reply(id: 0x1234, type: .soa, records: [try authority(1).record]).bytes, now: Self.now)
      try verifier.check(answer, try WireMessage(answer), now: Self.now + UInt64(round))
      #expect(verifier.isSettled)
    }
  }

  /// Made with dnspython 2.7 (`dns.tsig`): the same request, key and time.
  @Test func `RFC 8945 §4.3.3: the MAC is what others make of it`() throws {
    let (_, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    let code = try signature(of: request).code
    #expect(
      code.map { String($0, radix: 16) }.joined(separator: " ")
        == "65 6a 13 20 21 11 7e 80 33 e4 7c 5e d2 b5 49 c6 53 8a c6 35 7c c4 a9 2b 64 77 7c 69 "
        + "ff a9 f4 39")
  }

  @Test func `RFC 8945 §5.2.1: an unknown key is BADKEY, without a MAC`() throws {
    var other = key
    other.name = name("other.example.")
    let (_, request) = ResponseVerifier.signing(query(), with: other, now: Self.now)
    guard case .refused(let answer, .badKey) = try verdict(request) else {
      Issue.record("taken")
      return
    }
    #expect(try WireMessage(answer).responseCode == 9)
    #expect(try signature(of: answer).error == .badKey)
    #expect(try signature(of: answer).code.isEmpty)
  }

  @Test func `RFC 8945 §5.2.1: a key under another algorithm is BADKEY`() throws {
    var other = key
    other.algorithm = .sha512
    let (_, request) = ResponseVerifier.signing(query(), with: other, now: Self.now)
    guard case .refused(_, .badKey) = try verdict(request) else {
      Issue.record("taken")
      return
    }
  }

  @Test func `RFC 8945 §5.2.2: a request that was changed is BADSIG, without a MAC`() throws {
    let seed: UInt64 = 8945
    var generator = SeededGenerator(seed: seed)
    let (_, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    for _ in 0..<300 {
      var bytes = request
      let place = Int.random(in: 2..<bytes.count, using: &generator)
      bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      guard let message = try? WireMessage(bytes) else { continue }
      switch RequestVerdict(bytes, message, keys: [key], now: Self.now) {
      case .signed(let stripped, _):
        // Case in names and the original id's own bytes mean nothing.
        #expect(stripped == query(), "byte \(place), seed \(seed)")
      case .refused(let answer, .badSignature):
        #expect(try signature(of: answer).code.isEmpty)
      case .refused, .malformed, .unsigned: break
      }
    }
  }

  @Test(arguments: [-301, 301, 100_000] as [Int64])
  func `RFC 8945 §5.2.3: outside the fudge it is BADTIME, signed, with our time`(
    offset: Int64
  ) throws {
    let signedAt = UInt64(Int64(Self.now) + offset)
    var (verifier, request) = ResponseVerifier.signing(query(), with: key, now: signedAt)
    guard case .refused(let answer, .badTime) = try verdict(request) else {
      Issue.record("taken")
      return
    }
    let found = try signature(of: answer)
    #expect(found.signedAt == signedAt)
    #expect(found.otherData.count == 6)
    #expect(found.otherData.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } == Self.now)
    #expect(throws: SignatureFault.peer(.badTime)) {
      try verifier.check(answer, try WireMessage(answer), now: signedAt)
    }
  }

  @Test(arguments: [-300, 0, 300] as [Int64])
  func `RFC 8945 §5.2.3: within the fudge it is taken`(offset: Int64) throws {
    let (_, request) = ResponseVerifier.signing(
      query(), with: key, now: UInt64(Int64(Self.now) + offset))
    guard case .signed = try verdict(request) else {
      Issue.record("refused")
      return
    }
  }

  /// The request with its MAC cut to so many bytes.
  private func truncated(_ count: Int) throws -> [UInt8] {
    let (_, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    var signature = try signature(of: request)
    signature.code = Array(signature.code.prefix(count))
    return signature.appended(to: query())
  }

  @Test(arguments: [16, 20, 31])
  func `RFC 8945 §5.2.4: a MAC that is truncated is BADTRUNC, signed`(count: Int) throws {
    guard case .refused(let answer, .badTruncation) = try verdict(truncated(count)) else {
      Issue.record("taken")
      return
    }
    #expect(try signature(of: answer).code.count == 32)
  }

  @Test(arguments: [0, 1, 10, 15])
  func `RFC 8945 §5.2.2.1: below half of the MAC it is FORMERR`(count: Int) throws {
    guard case .malformed = try verdict(truncated(count)) else {
      Issue.record("taken")
      return
    }
  }

  @Test func `RFC 8945 §5.1: TSIG twice, or not at the end, is FORMERR`() throws {
    let (_, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    let signature = try signature(of: request)
    let twice = signature.appended(to: request)
    guard case .malformed = try verdict(twice) else {
      Issue.record("taken")
      return
    }
    var behind = request + [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]
    behind[11] += 1
    guard case .malformed = try verdict(behind) else {
      Issue.record("taken")
      return
    }
  }

  // MARK: many messages

  private func transfer(
    _ count: Int, signedEvery interval: Int
  ) throws -> (ResponseVerifier, [[UInt8]]) {
    let (verifier, request) = ResponseVerifier.signing(query(), with: key, now: Self.now)
    guard case .signed(_, let signer) = try verdict(request) else { return (verifier, []) }
    var code = try signature(of: request).code
    var pending: [UInt8] = []
    var messages: [[UInt8]] = []
    for index in 0..<count {
      let message = Reply(
        id: 0x1234, type: .axfr, records: [address("n\(index).example.org.")]
      ).bytes
      guard index % interval == 0 || index == count - 1 else {
        pending += message
        messages.append(message)
        continue
      }
      var signature = TransactionSignature(
        key: key.name, algorithm: key.algorithm.wire, signedAt: Self.now, originalID: 0x1234)
      signature.code = signer.key.code(
        of: code.prefixedWithCount + pending + message
          + (index == 0 ? signature.variables : signature.time))
      code = signature.code
      pending = []
      messages.append(signature.appended(to: message))
    }
    return (verifier, messages)
  }

  @Test(arguments: [1, 2, 100])
  func `RFC 8945 §5.3.1: up to 99 messages in a row may be unsigned`(interval: Int) throws {
    var (verifier, messages) = try transfer(301, signedEvery: interval)
    for message in messages { try verifier.check(message, WireMessage(message), now: Self.now) }
    #expect(verifier.isSettled)
  }

  @Test func `RFC 8945 §5.3.1: not 100`() throws {
    var (verifier, messages) = try transfer(301, signedEvery: 101)
    #expect(throws: SignatureFault.missing) {
      for message in messages { try verifier.check(message, WireMessage(message), now: Self.now) }
    }
  }

  @Test(arguments: [0, 1, 5])
  func `RFC 8945 §5.3.1: a message left out, doubled or changed is found`(place: Int) throws {
    let (verifier, messages) = try transfer(12, signedEvery: 4)
    var changed = messages
    changed[place][changed[place].count / 2] ^= 1
    for hostile in [
      messages.filter { $0 != messages[place] }, Array(messages[...place] + messages[place...]),
      changed,
    ] {
      var verifier = verifier
      #expect(throws: (any Error).self) {
        for message in hostile {
          try verifier.check(message, WireMessage(message), now: Self.now)
        }
      }
    }
  }
}
