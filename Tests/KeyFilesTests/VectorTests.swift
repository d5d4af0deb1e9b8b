import DNSWire
import KeyFiles
import Testing

/// An example of an RFC: one key, and one set that it signed.
struct Vector: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var zone: String
  /// Of the files that dnssec-keygen would have written.
  var keyText: String
  var privateText: String
  /// What the RFC has.
  var tag: UInt16
  var delegation: String
  /// RRSIG's data but its signature, and the set, as they are signed (RFC 4034 §3.1.8.1).
  var signed: [UInt8]
  var signature: String

  static let all: [Vector] = [
    Vector(
      testDescription: "RFC 6605 §6.1", zone: "example.net.",
      keyText: """
        example.net. 3600 IN DNSKEY 257 3 13 (
                GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb
                krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA== )
        """,
      privateText: """
        Private-key-format: v1.2
        Algorithm: 13 (ECDSAP256SHA256)
        PrivateKey: GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=
        """,
      tag: 55648,
      delegation: "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
      signed: signed(
        type: .a, algorithm: 13, labels: 3, expires: 1_284_026_679, begins: 1_281_607_479,
        tag: 55648, signer: "example.net.", owner: "www.example.net.", data: [192, 0, 2, 1]),
      signature: "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXA"
        + "yGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw=="),
    Vector(
      testDescription: "RFC 8080 §6.1, the first", zone: "example.com.",
      keyText: "example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
      privateText: """
        Private-key-format: v1.2
        Algorithm: 15 (ED25519)
        PrivateKey: ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=
        """,
      tag: 3613,
      delegation: "3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
      signed: exampleMail(tag: 3613),
      signature: "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeR"
        + "AvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg=="),
    Vector(
      testDescription: "RFC 8080 §6.1, the second", zone: "example.com.",
      keyText: "example.com. 3600 IN DNSKEY 257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
      privateText: """
        Private-key-format: v1.2
        Algorithm: 15 (ED25519)
        PrivateKey: DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=
        """,
      tag: 35217,
      delegation: "35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c",
      signed: exampleMail(tag: 35217),
      signature: "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT4"
        + "10QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg=="),
  ]

  private static func exampleMail(tag: UInt16) -> [UInt8] {
    signed(
      type: .mx, algorithm: 15, labels: 2, expires: 1_440_021_600, begins: 1_438_207_200,
      tag: tag, signer: "example.com.", owner: "example.com.",
      data: [0, 10] + name("mail.example.com."))
  }

  private static func name(_ text: String) -> [UInt8] { (try? DomainName(text))?.wire ?? [] }

  private static func signed(
    type: RecordType, algorithm: UInt8, labels: UInt8, expires: UInt32, begins: UInt32,
    tag: UInt16, signer: String, owner: String, data: [UInt8]
  ) -> [UInt8] {
    let rules = bytes(type.rawValue) + [algorithm, labels] + bytes(UInt32(3600))
    let times = bytes(expires) + bytes(begins) + bytes(tag)
    let record = name(owner) + bytes(type.rawValue) + [0, 1] + bytes(UInt32(3600))
    return rules + times + name(signer) + record + bytes(UInt16(data.count)) + data
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}

@Suite struct `Keys of RFCs` {
  private func key(_ vector: Vector) throws -> ZoneKey {
    let folder = try Folder()
    try folder.write("K.key", vector.keyText)
    try folder.write("K.private", vector.privateText)
    return try KeyFileReader(zone: DomainName(vector.zone)).pair("\(folder.path)/K")
  }

  @Test(arguments: Vector.all)
  func `have the tag and the DS of the example (RFC 4034 Appendix B, RFC 4509 §2)`(
    vector: Vector
  ) throws {
    let record = try key(vector).record
    #expect(record.tag == vector.tag)
    let delegation = record.delegation(of: try DomainName(vector.zone), digest: .sha256)
    #expect(RecordData.text(.ds, delegation).lowercased() == vector.delegation)
  }

  @Test func `a digest of SHA-384 has 48 bytes (RFC 6605 §6.2)`() throws {
    let record = try key(Vector.all[0]).record
    let delegation = record.delegation(of: try DomainName("EXAMPLE.net."), digest: .sha384)
    #expect(delegation.count == 4 + 48 && delegation[3] == 4)
    #expect(delegation == record.delegation(of: try DomainName("example.net."), digest: .sha384))
  }

  /// Ed25519 has one signature of a message; ECDSA another each time, so that these are checked by
  /// validators in tests of the whole program.
  @Test(arguments: Vector.all.filter { $0.zone == "example.com." })
  func `make the signature of the example (RFC 8080 §6.1)`(vector: Vector) throws {
    let signature = try #require(try key(vector).sign(vector.signed))
    #expect(RecordData.text(.openpgpkey, signature) == vector.signature)
  }

  @Test func `of P-256 the signature is r and s, 64 bytes, and verifies (RFC 6605 §4)`() throws {
    let vector = Vector.all[0]
    let key = try key(vector)
    let signature = try #require(key.sign(vector.signed))
    #expect(signature.count == 64)
    #expect(key.record.verifies(signature, of: vector.signed))
    let example = try RecordData.encode(.openpgpkey, text: vector.signature, origin: .root)
    #expect(key.record.verifies(example, of: vector.signed), "the example's, by our key")
    #expect(!key.record.verifies(example, of: vector.signed + [0]))
  }
}
