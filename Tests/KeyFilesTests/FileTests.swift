import DNSWire
import Foundation
import KeyFiles
import Testing

@Suite struct `Key files` {
  /// As dnssec-keygen of BIND 9.18 wrote them.
  static let keyText = """
    ; This is a zone-signing key, keyid 5742, for example.org.
    ; Created: 20261126072217 (Thu Nov 26 07:22:17 2026)
    example.org. IN DNSKEY 256 3 13 F/pXi2a4MIn9PUrwamFr5Oy6UDruN/4rHnlqb+aIZPu6MwSckgIIbvcO \
    yCprtf+Qm3czCjAjyWyz3TCCiI02oA==

    """
  static let privateText = """
    Private-key-format: v1.3
    Algorithm: 13 (ECDSAP256SHA256)
    PrivateKey: wwdB7N8zsFL1Z62fJoLZOjV18cTshTAMhhraBH6ness=
    Created: 20261126072217
    Publish: 20261127072217
    Activate: 20261128072217
    Inactive: 20261226072217
    Delete: 20270105072217

    """

  private func reader() throws -> KeyFileReader {
    KeyFileReader(zone: try DomainName("example.org."))
  }

  private func folder(
    key: String = keyText, private privateText: String = privateText, mode: Int = 0o600
  ) throws -> Folder {
    let folder = try Folder()
    try folder.write("K.key", key, mode: 0o644)
    try folder.write("K.private", privateText, mode: mode)
    return folder
  }

  @Test(arguments: ["K", "K.key", "K.private"])
  func `are named by either of them, or by what both have`(name: String) throws {
    let folder = try folder()
    let key = try reader().pair("\(folder.path)/\(name)")
    #expect(key.record.tag == 5742)
    #expect(!key.record.isSecureEntryPoint)
    #expect(try reader().published("\(folder.path)/\(name)") == key.record)
  }

  @Test func `say when a key is published and when it signs`() throws {
    let folder = try folder()
    let schedule = try reader().pair("\(folder.path)/K").schedule
    let day = 86_400
    let created = 1_795_677_737
    #expect(
      schedule
        == KeySchedule(
          publish: created + day, activate: created + 2 * day, inactive: created + 30 * day,
          delete: created + 40 * day))
  }

  @Test func `without any times are of a key in use; with one of creation alone they are not`()
    throws
  {
    let bare = Self.privateText.split(separator: "\n").prefix(3).joined(separator: "\n")
    let folder = try folder(private: bare)
    #expect(try reader().pair("\(folder.path)/K").schedule.isActive(at: 0))
    try folder.write("K.private", bare + "\nCreated: 20261126072217\n")
    let schedule = try reader().pair("\(folder.path)/K").schedule
    #expect(!schedule.isPublished(at: .max))
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var key = keyText
    var privateText = `Key files`.privateText
    var mode = 0o600
    /// What is said of it.
    var message: String
  }

  static let wrong: [Wrong] = [
    Wrong(
      testDescription: "another zone's",
      key: keyText.replacing("\nexample.org.", with: "\nexample.net."),
      message: "K.key:3: is a key of example.net., and example.org. is to be signed"),
    Wrong(
      testDescription: "no record", key: "; nothing\n",
      message: "K.key: wants one record such as “example.org. DNSKEY …”"),
    Wrong(
      testDescription: "another public key", key: keyText.replacing("F/pXi2a4", with: "F/pXi2a5"),
      message: "does not belong to"),
    Wrong(
      testDescription: "another algorithm", key: keyText.replacing("256 3 13", with: "256 3 15"),
      message: "is of algorithm 13, and"),
    Wrong(
      testDescription: "flags of no zone's key", key: keyText.replacing("256 3", with: "0 3"),
      message: "is no key of a zone"),
    Wrong(
      testDescription: "RFC 5011 §2.1: revoked", key: keyText.replacing("256 3", with: "385 3"),
      message: "revoked keys are not supported"),
    Wrong(
      testDescription: "RSA",
      privateText: "Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\nModulus: AQAB\n",
      message: "K.private:2: is of algorithm 8 (RSASHA256); wants 13"),
    Wrong(
      testDescription: "a key in hardware",
      privateText: "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nLabel: pkcs11\n",
      message: "K.private: states no PrivateKey"),
    Wrong(
      testDescription: "a secret that is too short",
      privateText: privateText.replacing("wwdB7N8zsFL1Z62fJoLZOjV18cTshTAMhhraBH6ness=", with: "="),
      message: "K.private:3: wants 32 bytes in base 64"),
    Wrong(
      testDescription: "a secret that is none",
      privateText: privateText.replacing(
        #/PrivateKey: .*/#, with: "PrivateKey: " + String(repeating: "/", count: 43) + "="),
      message: "holds no private key of ECDSAP256SHA256"),
    Wrong(
      testDescription: "no private key", privateText: "hello\n",
      message: "K.private: is no private key as dnssec-keygen writes it"),
    Wrong(
      testDescription: "a format of the future",
      privateText: privateText.replacing("v1.3", with: "v2.0"),
      message: "K.private:1: is of format v2.0"),
    Wrong(
      testDescription: "a time that is none",
      privateText: privateText.replacing("20261226072217", with: "20260231072217"),
      message: "K.private:7: wants the time of Inactive as 20260131235959"),
    Wrong(
      testDescription: "to be revoked", privateText: privateText + "Revoke: 20270105072217\n",
      message: "K.private:9: is to be revoked"),
    Wrong(
      testDescription: "a field twice", privateText: privateText + "Algorithm: 15\n",
      message: "K.private:9: states Algorithm twice"),
    Wrong(
      testDescription: "a secret that everybody can read", mode: 0o604,
      message: "K.private: can be read or written by every user of this machine"),
  ]

  @Test(arguments: wrong)
  func `are refused by file and line, and never shown`(wrong: Wrong) throws {
    let folder = try folder(key: wrong.key, private: wrong.privateText, mode: wrong.mode)
    let fault = try #require(throws: KeyFileFault.self) {
      try reader().pair("\(folder.path)/K")
    }
    #expect(fault.description.contains(wrong.message), "\(fault)")
    #expect(!fault.description.contains("wwdB7N8z"))
  }

  @Test func `that are not there are refused`() throws {
    let folder = try Folder()
    let fault = try #require(throws: KeyFileFault.self) { try reader().pair("\(folder.path)/K") }
    #expect(fault.description.hasSuffix("K.key: cannot be read: No such file or directory"))
    try folder.write("K.key", Self.keyText)
    let second = try #require(throws: KeyFileFault.self) { try reader().pair("\(folder.path)/K") }
    #expect(second.description.hasSuffix("K.private: cannot be read: No such file or directory"))
  }

  @Test(arguments: SigningAlgorithm.allCases, [true, false])
  func `that are made can be read, by their owner only`(
    algorithm: SigningAlgorithm, isEntryPoint: Bool
  ) throws {
    let folder = try Folder()
    let new = try #require(
      NewKey(
        zone: DomainName("example.org."), algorithm: algorithm, isEntryPoint: isEntryPoint,
        now: 1_795_677_737))
    let base = try new.write(to: folder.path)
    #expect(base.hasPrefix("\(folder.path)/Kexample.org.+0\(algorithm.rawValue)+"))
    #expect(try folder.mode("\(new.name).private") == 0o600)
    let key = try reader().pair(base)
    #expect(key.record == new.record && key.record.isSecureEntryPoint == isEntryPoint)
    #expect(key.schedule.isActive(at: 1_795_677_737))
    #expect(!key.schedule.isPublished(at: 1_795_677_736))
    let again = try #require(throws: KeyFileFault.self) { try new.write(to: folder.path) }
    #expect(again.description.contains("cannot be written: File exists"))
  }

  @Test func `are written as dnssec-keygen writes them`() throws {
    let secret = try RecordData.encode(
      .openpgpkey, text: "wwdB7N8zsFL1Z62fJoLZOjV18cTshTAMhhraBH6ness=", origin: .root)
    let new = try #require(
      NewKey(
        zone: DomainName("example.org."), algorithm: .ecdsaP256, isEntryPoint: false,
        now: 1_795_677_737, secret: secret))
    #expect(new.name == "Kexample.org.+013+05742")
    #expect(
      new.privateText == """
        Private-key-format: v1.3
        Algorithm: 13 (ECDSAP256SHA256)
        PrivateKey: wwdB7N8zsFL1Z62fJoLZOjV18cTshTAMhhraBH6ness=
        Created: 20261126072217
        Publish: 20261126072217
        Activate: 20261126072217

        """)
    #expect(
      new.publicText.hasPrefix(
        """
        ; This is a zone-signing key, keyid 5742, for example.org.
        ; Created: 20261126072217 (Thu Nov 26 07:22:17 2026)
        ; Publish: 20261126072217 (Thu Nov 26 07:22:17 2026)

        """))
  }

  @Test(arguments: [".": "K.+", "a/b.example.": "Ka%2Fb.example.+", "EXAMPLE.": "Kexample.+"])
  func `have names that a file system can bear`(zone: String, start: String) throws {
    let new = try #require(
      NewKey(zone: DomainName(zone), algorithm: .ed25519, isEntryPoint: true, now: 0))
    #expect(new.name.hasPrefix(start))
  }
}
