import Foundation
import TestSupport
import Testing

/// A key that all servers of a test share, or one that none of the others knows.
struct SharedKey {
  static let sha256 = SharedKey(
    name: "transfer.test", algorithm: "hmac-sha256",
    secret: "xvKZBtI8dFkjnJ1MKyVLPrBNiqOI5tWPo5TKMHJAWxg=")
  static let sha512 = SharedKey(
    name: "transfer.test", algorithm: "hmac-sha512",
    secret: "TmV2ZXIgdXNlIHRoaXMgc2VjcmV0IGFueXdoZXJlIGVsc2UsIGl0IGlzIHB1YmxpYyBub3chISEhISEhIQ==")

  var name: String
  var algorithm: String
  var secret: String

  /// The same key by name, with another secret.
  var forged: SharedKey {
    SharedKey(
      name: name, algorithm: algorithm, secret: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
  }

  /// As `dig -y` takes it.
  var text: String { "\(algorithm):\(name):\(secret)" }
}

/// A name server of Debian's, on a free port in a folder of its own.
///
/// It runs as a copy of its program: profiles of AppArmor go by the path, and would keep it out of
/// the folder.
final class NameServer {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case knot, bind
    var testDescription: String { rawValue }

    /// Each with another algorithm.
    var key: SharedKey { self == .knot ? .sha256 : .sha512 }
  }

  /// What it does with `zone.test`.
  enum Role {
    case primary(secondary: Int)
    case secondary(primary: Int)
  }

  static let zone = "zone.test"

  let kind: Kind
  let port: Int
  private let folder: URL
  private var process: RunningProcess?

  /// - Parameters:
  ///   - role: with the port of the other one.
  ///   - records: of a primary, without the SOA.
  init(_ kind: Kind, port: Int, role: Role, key: SharedKey, serial: Int = 1, records: String = "")
    throws
  {
    self.kind = kind
    self.port = port
    folder = try temporaryFolder()
    try write(serial: serial, records: records)
    let configuration = kind == .knot ? knot(role, key) : bind(role, key)
    try configuration.write(
      to: folder.appending(path: "configuration"), atomically: true, encoding: .utf8)
    let program = folder.appending(path: "server").path
    try FileManager.default.copyItem(
      atPath: kind == .knot ? "/usr/sbin/knotd" : "/usr/sbin/named", toPath: program)
    let file = folder.appending(path: "configuration").path
    process = try RunningProcess(
      program, kind == .knot ? ["-c", file] : ["-g", "-n", "1", "-c", file])
    eventually("\(kind) listens") {
      guard process?.isRunning == true else { throw World.Ended(log: log) }
      return try DNSClient(port: port, timeoutMilliseconds: 200)
        .ask(DNSQuestion(Self.zone, type: RecordType.soa)).isResponse
    }
  }

  deinit {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }

  var log: String { process?.all ?? "" }

  func stop() {
    process?.signal(SIGKILL)
    process = nil
  }

  /// Replaces the zone of a primary.
  func update(serial: Int, records: String) throws {
    try write(serial: serial, records: records)
    process?.signal(SIGHUP)
  }

  private func write(serial: Int, records: String) throws {
    let text = """
      $ORIGIN \(Self.zone).
      $TTL 300
      @ SOA ns1 hostmaster \(serial) 3600 5 86400 60
      @ NS ns1
      ns1 A 192.0.2.53
      \(records)

      """
    try text.write(to: folder.appending(path: "zone"), atomically: true, encoding: .utf8)
  }

  private func knot(_ role: Role, _ key: SharedKey) -> String {
    let zone: String
    let other: Int
    switch role {
    case .primary(let port):
      other = port
      zone = """
            notify: other
            zonefile-load: difference
            journal-content: changes
        """
    case .secondary(let port):
      other = port
      zone = "    master: other"
    }
    return """
      server:
          rundir: "\(folder.path)"
          listen: 127.0.0.1@\(port)
          udp-workers: 1
          tcp-workers: 1
          background-workers: 1
      database:
          storage: "\(folder.path)"
      control:
          listen: "\(folder.path)/control"
      log:
        - target: stderr
          any: info
      key:
        - id: \(key.name)
          algorithm: \(key.algorithm)
          secret: \(key.secret)
      remote:
        - id: other
          address: 127.0.0.1@\(other)
          key: \(key.name)
      acl:
        - id: other
          key: \(key.name)
          action: [notify, transfer]
        - id: unsigned
          address: 127.0.0.1
          action: notify
      zone:
        - domain: \(Self.zone)
          storage: "\(folder.path)"
          file: zone\(isSecondary(role) ? ".copy" : "")
          acl: [other, unsigned]
      \(zone)

      """
  }

  private func isSecondary(_ role: Role) -> Bool {
    if case .secondary = role { true } else { false }
  }

  private func bind(_ role: Role, _ key: SharedKey) -> String {
    let zone: String
    switch role {
    case .primary(let other):
      zone = """
        type primary; file "zone"; ixfr-from-differences yes;
        allow-transfer { key "\(key.name)"; };
        notify explicit; also-notify { 127.0.0.1 port \(other) key "\(key.name)"; };
        """
    case .secondary(let other):
      zone = """
        type secondary; file "zone.copy"; notify no;
        primaries { 127.0.0.1 port \(other) key "\(key.name)"; };
        """
    }
    return """
      options {
        directory "\(folder.path)"; pid-file none; session-keyfile none;
        listen-on port \(port) { 127.0.0.1; }; listen-on-v6 { none; };
        recursion no; dnssec-validation no; managed-keys-directory "\(folder.path)";
        notify-delay 0; min-refresh-time 1; min-retry-time 1;
      };
      controls { };
      key "\(key.name)" { algorithm \(key.algorithm); secret "\(key.secret)"; };
      zone "\(Self.zone)" { \(zone) };

      """
  }
}

/// Azimuth with a configuration of the test's.
final class Node {
  let dns: Int
  let admin: Int
  let folder: URL
  private var process: RunningProcess?

  /// - Parameter zones: the configuration's part with keys and zones.
  init(dns: Int, zones: String) throws {
    self.dns = dns
    admin = Ports().admin
    folder = try temporaryFolder()
    try configure(zones)
    try start()
  }

  deinit {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }

  var log: String { process?.all ?? "" }

  func start() throws {
    process = try RunningProcess(Program.path, ["serve", folder.appending(path: "c.yaml").path])
    eventually("readiness") {
      guard process?.isRunning == true else { throw World.Ended(log: log) }
      return try HTTPConnection(port: admin).request("GET", "/readyz").status == 200
        && DNSClient(port: dns, timeoutMilliseconds: 200)
          .ask(DNSQuestion(NameServer.zone, type: RecordType.soa)).isResponse
    }
  }

  func stop() {
    process?.signal(SIGKILL)
    process = nil
  }

  func configure(_ zones: String) throws {
    let text = """
      node: {id: node}
      regions: {here: {location: [50, 8]}}
      pools: {web: {endpoints: {here: ["192.0.2.80:80"]}}}
      policies: {near: {type: failover, order: [here]}}
      services: {web: {policy: near, pool: web, ttl: 20s}}
      dns: {listen: ["127.0.0.1:\(dns)"], threads: 1}
      admin: {listen: "127.0.0.1:\(admin)", token: token}
      state: state
      \(zones)

      """
    try text.write(to: folder.appending(path: "c.yaml"), atomically: true, encoding: .utf8)
  }

  func reload() throws {
    let response = try HTTPConnection(port: admin).request(
      "POST", "/v1/reload", headers: ["Authorization": "Bearer token"])
    try #require(response.status / 100 == 2, "\(response.text)")
  }

  func metrics() throws -> String {
    try HTTPConnection(port: admin).request("GET", "/metrics").text
  }

  func zones() throws -> [ZoneState] {
    try HTTPConnection(port: admin).request("GET", "/v1/zones").decoded(as: ZoneList.self).zones
  }

  struct ZoneList: Decodable { var zones: [ZoneState] }

  struct ZoneState: Decodable {
    var name: String
    var kind: String
    var state: String
    var serial: Int?
  }
}
