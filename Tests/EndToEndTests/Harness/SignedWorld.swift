import Foundation
import Testing

/// Keys of one zone, and how a test changes them.
final class KeyFolder {
  let path: String

  init() throws { path = try temporaryFolder().path }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A key as our program makes it.
  ///
  /// - Returns: the path of its files without their ends.
  func make(_ zone: String, _ options: String = "") throws -> String {
    try run("azimuth dnssec keygen \(zone) --folder \(path) \(options)")
  }

  /// A key as BIND's makes it.
  func bind(_ zone: String, _ options: String) throws -> String {
    "\(path)/" + (try run("dnssec-keygen -q -K \(path) \(options) \(zone)"))
  }

  /// dnssec-settime.
  func setTime(_ key: String, _ options: String) throws {
    _ = try run("dnssec-settime \(options) \(key)")
  }

  private func run(_ command: String) throws -> String {
    let finished = try Program.shell(command)
    try #require(finished.status == 0, "\(command): \(finished.all)")
    return finished.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// The demo, its zone signed, with more in it: aliases, wildcards, delegations with keys and
/// without.
///
/// Safe to share: the tests of a suite that share one run one after the other.
final class SignedWorld: @unchecked Sendable {
  /// What signs the zone.
  enum Keys: String, CaseIterable, CustomTestStringConvertible {
    case one = "one key, made by azimuth dnssec keygen"
    case pair = "KSK and ZSK, made by dnssec-keygen"
    case algorithms = "keys of two algorithms"
    var testDescription: String { rawValue }
  }

  let world: World
  let folder: KeyFolder
  /// The zone's keys at the start.
  let keys: [String]
  /// What validators trust: DS records, as `azimuth dnssec ds` prints them.
  let anchors: [String]

  init(_ keys: Keys) throws {
    folder = try KeyFolder()
    let own = try Self.make(keys, in: folder)
    let child = try folder.make("secure.example.org")
    world = try World {
      Self.signed($0, keys: own, child: child, delegation: "")
    }
    // The parent's DS has to be known before it can be served.
    let delegation = try Self.delegations(of: world, zone: "secure.example.org")[0]
    try world.rewrite(
      Self.signed(Self.unsigned(world), keys: own, child: child, delegation: delegation))
    let response = try world.reload()
    try #require(response.status / 100 == 2, "\(response.text)")
    anchors = try Self.delegations(of: world, zone: "example.org").map { "example.org. DS \($0)" }
    self.keys = own
  }

  private static func unsigned(_ world: World) throws -> String {
    try world.ports.demoConfiguration()
  }

  private static func make(_ keys: Keys, in folder: KeyFolder) throws -> [String] {
    switch keys {
    case .one: [try folder.make("example.org")]
    case .pair:
      [
        try folder.bind("example.org", "-a ED25519 -f KSK"),
        try folder.bind("example.org", "-a ED25519"),
      ]
    case .algorithms:
      [
        try folder.bind("example.org", "-a ECDSAP256SHA256 -f KSK"),
        try folder.bind("example.org", "-a ECDSAP256SHA256"),
        try folder.make("example.org", "--algorithm ed25519"),
      ]
    }
  }

  /// The demo's configuration with signed zones.
  static func signed(
    _ demo: String, keys: [String], child: String, delegation: String
  ) -> String {
    let secure = delegation.isEmpty ? "" : "\n      - \"secure DS \(delegation)\""
    return demo.replacing(
      "    ns: [ns1, ns2]\n",
      with: "    ns: [ns1, ns2]\n    dnssec: {keys: [\(keys.joined(separator: ", "))]}\n"
    ).replacing("    records:  ", with: "    records:\(secure)\n\(records)\n  ", maxReplacements: 1)
      .replacing("policy: nearest, pool: web, ttl: 20s}", with: binding, maxReplacements: 1)
      .replacing("policies:\n", with: "policies:\n\(ledgerPolicy)\n", maxReplacements: 1)
      .replacing(
        "services:\n", with: "services:\n  ledger: {policy: ledger, pool: web}\n",
        maxReplacements: 1
      )
      .replacing("      www: web\n", with: "      www: web\n      ledger: ledger\n")
      .replacing("\ndns:\n", with: "\(zones(child: child))\ndns:\n", maxReplacements: 1)
  }

  private static let ledgerPolicy = "  ledger: {type: primary, order: [frankfurt, dublin]}"
  private static let binding = "policy: nearest, pool: web, ttl: 20s, https: '1 . alpn=h2'}"

  private static let records = """
          - "old DNAME new"
          - "a.new A 192.0.2.77"
          - "*.wild TXT wild"
          - "*.alias CNAME mail"
          - "secure NS ns.secure"
          - "ns.secure A 192.0.2.54"
          - "insecure NS ns.insecure"
          - "ns.insecure A 192.0.2.55"
    """

  private static func zones(child: String) -> String {
    """
      secure.example.org:
        soa: {primary: ns}
        records: ["ns A 192.0.2.54", "a A 192.0.2.78"]
        dnssec: {keys: [\(child)]}
      insecure.example.org:
        soa: {primary: ns}
        records: ["ns A 192.0.2.55", "a A 192.0.2.79"]

    """
  }

  /// The data of DS records.
  static func delegations(of world: World, zone: String) throws -> [String] {
    struct Entry: Decodable { var ds: String }
    let finished = try Program.run(
      ["dnssec", "ds", world.file.path, zone, "--output", "json"])
    try #require(finished.status == 0, "\(finished.all)")
    return try JSONDecoder().decode([Entry].self, from: Data(finished.output.utf8)).map(\.ds)
  }

  /// Signs the zone with other keys from now on.
  func sign(with keys: [String], publishing published: [String] = []) throws {
    let text = try String(contentsOf: world.file, encoding: .utf8)
    let section =
      "dnssec: {keys: [\(keys.joined(separator: ", "))], "
      + "publish: [\(published.joined(separator: ", "))]}"
    try world.rewrite(
      text.replacing(#/dnssec: \{.*\}\n/#, with: section + "\n", maxReplacements: 1))
    let response = try world.reload()
    try #require(response.status / 100 == 2, "\(response.text)")
  }

  /// What validators may trust of the keys that are there now.
  func currentAnchors() throws -> [String] {
    try Self.delegations(of: world, zone: "example.org").map { "example.org. DS \($0)" }
  }

  /// The tags of the keys that sign a set.
  func signers(_ question: String) throws -> [String] {
    let text = try Program.shell(
      "kdig @127.0.0.1 -p \(world.ports.dns) +norec +dnssec \(question)"
    ).all
    return text.matches(of: #/RRSIG\s+(?:\S+ ){6}(\d+) /#).map { String($0.1) }
  }

  /// What delv says, trusting the anchors alone.
  func delv(
    _ question: String, from source: String = "127.0.0.1", trusting anchors: [String]? = nil
  ) throws -> String {
    try Self.delv(
      question, port: world.ports.dns, from: source, trusting: anchors ?? self.anchors)
  }

  static func delv(
    _ question: String, port: Int, from source: String = "127.0.0.1", trusting anchors: [String]
  ) throws -> String {
    let file = try temporaryFolder().appending(path: "anchors")
    defer { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }
    try anchorFile(anchors).write(to: file, atomically: true, encoding: .utf8)
    let zone = anchors[0].split(separator: " ")[0]
    return try Program.shell(
      "delv -b \(source) @127.0.0.1 -p \(port) -a \(file.path) +root=\(zone) \(question) || true"
    ).all
  }

  /// What delv reads its trust from.
  static func anchorFile(_ anchors: [String]) -> String {
    let lines = anchors.map { anchor in
      let words = anchor.split(separator: " ")
      let digest = words[5...].joined()
      return "\(words[0]) static-ds \(words[2]) \(words[3]) \(words[4]) \"\(digest)\";"
    }
    return "trust-anchors { \(lines.joined(separator: " ")) };\n"
  }
}
