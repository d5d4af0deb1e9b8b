import Cookies
import DNSWire
import Places
import Testing

/// RFC 9018 Appendix A, and the rules around it.
@Suite struct `Server cookies` {
  static let secret = bytes("e5e973e5a6b2a43f48e7dc849e37bfcf")
  static let client: UInt64 = 0x2464_c4ab_cf10_c957
  static let address = IPAddress.ipv4(0xC633_6464)
  static let issued: UInt32 = 1_559_731_985

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  private func secrets(_ active: [UInt8], accepted: [UInt8]? = nil) throws -> CookieSecrets {
    CookieSecrets(
      active: try #require(CookieSecret(active)), accepted: accepted.flatMap { CookieSecret($0) })
  }

  struct Example: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var secret: String
    var client: UInt64
    var address: String
    var seconds: UInt32
    var head: UInt64
    var hash: UInt64
  }

  @Test(arguments: [
    Example(
      testDescription: "A.1 learning a new server cookie",
      secret: "e5e973e5a6b2a43f48e7dc849e37bfcf", client: 0x2464_c4ab_cf10_c957,
      address: "198.51.100.100", seconds: 1_559_731_985, head: 0x0100_0000_5cf7_9f11,
      hash: 0x1f81_30c3_eee2_9480),
    Example(
      testDescription: "A.2 the same client, a renewed cookie",
      secret: "e5e973e5a6b2a43f48e7dc849e37bfcf", client: 0x2464_c4ab_cf10_c957,
      address: "198.51.100.100", seconds: 1_559_734_385, head: 0x0100_0000_5cf7_a871,
      hash: 0xd4a5_64a1_442a_ca77),
    Example(
      testDescription: "A.3 another client", secret: "e5e973e5a6b2a43f48e7dc849e37bfcf",
      client: 0xfc93_fc62_807d_db86, address: "203.0.113.203", seconds: 1_559_734_700,
      head: 0x0100_0000_5cf7_a9ac, hash: 0xf73a_7810_aca2_381e),
    Example(
      testDescription: "A.4 IPv6, after the secret was rolled",
      secret: "445536bcd2513298075a5d379663c962", client: 0x2268_1ab9_7d52_c298,
      address: "2001:db8:220:1:59de:d0f4:8769:82b8", seconds: 1_559_741_961,
      head: 0x0100_0000_5cf7_c609, hash: 0xa6bb_79d1_6625_507a),
  ])
  func `RFC 9018 Appendix A: a new cookie is the one of the example`(example: Example) throws {
    let verdict = try secrets(Self.bytes(example.secret)).verdict(
      on: ClientCookie(client: example.client, hasServer: false, server: nil),
      from: try #require(IPAddress(example.address)), nowSeconds: example.seconds)
    #expect(!verdict.isValid)
    #expect(verdict.answer == ServerCookie(head: example.head, hash: example.hash))
  }

  @Test func `RFC 9018 A.3: the reserved bytes of others go into the hash`() throws {
    let cookie = ClientCookie(
      client: 0xfc93_fc62_807d_db86, hasServer: true,
      server: ServerCookie(head: 0x01ab_cdef_5cf7_8f71, hash: 0xa314_227b_6679_ebf5))
    let verdict = try secrets(Self.secret).verdict(
      on: cookie, from: .ipv4(0xCB00_71CB), nowSeconds: 1_559_727_985)
    #expect(verdict.isValid)
  }

  @Test(
    arguments: [
      ("at once", 0, true, true), ("from a clock 5 minutes ahead", -300, true, true),
      ("from a clock further ahead", -301, false, false),
      ("after half an hour", 1_800, true, true), ("a little later", 1_801, true, false),
      ("after an hour", 3_600, true, false), ("after more than an hour", 3_601, false, false),
      ("an age later", 1_000_000, false, false),
    ] as [(String, Int64, Bool, Bool)])
  func `RFC 9018 §4.3: a cookie lives for an hour and is renewed after half of it`(
    description: String, age: Int64, isValid: Bool, isKept: Bool
  ) throws {
    let secrets = try secrets(Self.secret)
    let given = secrets.verdict(
      on: ClientCookie(client: Self.client, hasServer: false, server: nil), from: Self.address,
      nowSeconds: Self.issued
    ).answer
    let now = UInt32(truncatingIfNeeded: Int64(Self.issued) + age)
    let verdict = secrets.verdict(
      on: ClientCookie(client: Self.client, hasServer: true, server: given), from: Self.address,
      nowSeconds: now)
    #expect(verdict.isValid == isValid)
    #expect((verdict.answer == given) == isKept)
    if !isKept { #expect(verdict.answer.timestamp == now) }
  }

  @Test(arguments: ["another address", "another client cookie", "another secret", "another hash"])
  func `RFC 9018 §4.4: a cookie is good for its client, its address and its secret only`(
    change: String
  ) throws {
    var secrets = try secrets(Self.secret)
    var cookie = secrets.verdict(
      on: ClientCookie(client: Self.client, hasServer: false, server: nil), from: Self.address,
      nowSeconds: Self.issued
    ).answer
    var client = Self.client
    var address = Self.address
    switch change {
    case "another address": address = .ipv4(0xC633_6465)
    case "another client cookie": client += 1
    case "another secret":
      secrets = try self.secrets(Self.bytes("445536bcd2513298075a5d379663c962"))
    default: cookie = ServerCookie(head: cookie.head, hash: cookie.hash ^ 1)
    }
    let verdict = secrets.verdict(
      on: ClientCookie(client: client, hasServer: true, server: cookie), from: address,
      nowSeconds: Self.issued)
    #expect(!verdict.isValid)
  }

  @Test func `RFC 9018 §5: at every step of a roll each server accepts every other's cookies`()
    throws
  {
    let old = Self.secret
    let new = Self.bytes("445536bcd2513298075a5d379663c962")
    let steps: [(active: [UInt8], accepted: [UInt8]?)] = [
      (old, nil), (old, new), (new, old), (new, nil),
    ]
    for (one, other) in zip(steps, steps.dropFirst()) {
      for (giver, taker) in [(one, other), (other, one)] {
        let given = try secrets(giver.active, accepted: giver.accepted).verdict(
          on: ClientCookie(client: 1, hasServer: false, server: nil), from: Self.address,
          nowSeconds: Self.issued
        ).answer
        let verdict = try secrets(taker.active, accepted: taker.accepted).verdict(
          on: ClientCookie(client: 1, hasServer: true, server: given), from: Self.address,
          nowSeconds: Self.issued)
        #expect(verdict.isValid)
      }
    }
  }

  @Test func `a secret has 16 bytes`() {
    #expect(CookieSecret(Array(repeating: 1, count: 15)) == nil)
    #expect(CookieSecret(Array(repeating: 1, count: 17)) == nil)
  }
}
