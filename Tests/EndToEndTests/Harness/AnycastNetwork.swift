import Foundation
import TestSupport
import Testing

/// A node and a router, each in a network namespace of its own, with a wire between them. The
/// router is a BIRD that takes routes by BGP into its kernel's table; the node's machine has a
/// speaker, ExaBGP or BIRD.
final class AnycastNetwork {
  enum Speaker: String, CaseIterable { case exabgp, bird }

  /// The address that is announced, and those of the wire.
  static let address = "192.0.2.53"
  static let nodeAddress = "198.51.100.1"
  private static let routerAddress = "198.51.100.2"
  private static let token = "demo-token"

  private let folder: URL
  /// Each holds a namespace.
  private let machine: RunningProcess
  private let router: RunningProcess
  private var programs: [RunningProcess] = []
  private(set) var node: RunningProcess
  /// What follows the node, or ExaBGP that runs it.
  private(set) var speaker: RunningProcess

  /// - Parameter anycast: of the node's section, beside its prefixes.
  init(_ kind: Speaker, anycast: String) throws {
    folder = try temporaryFolder()
    machine = try RunningProcess("/usr/bin/unshare", ["-n", "sleep", "infinity"])
    router = try RunningProcess("/usr/bin/unshare", ["-n", "sleep", "infinity"])
    let (machine, router, folder) = (machine, router, folder)
    for process in [machine, router] { Self.waitForNamespace(process) }
    try Self.connect(machine, router)
    try Self.configuration(anycast, folder).write(
      to: folder.appending(path: "node.yaml"), atomically: true, encoding: .utf8)
    try Self.routerText.write(
      to: folder.appending(path: "router.conf"), atomically: true, encoding: .utf8)
    programs = [
      try Self.run(in: router, "/usr/sbin/bird", Self.birdArguments(folder, "router"))
    ]
    node = try Self.serve(in: machine, folder)
    switch kind {
    case .exabgp:
      try Self.exabgpText.write(
        to: folder.appending(path: "exabgp.conf"), atomically: true, encoding: .utf8)
      speaker = try Self.run(
        in: machine, "/usr/bin/env",
        ["exabgp.daemon.user=root", "/usr/sbin/exabgp", "\(folder.path)/exabgp.conf"])
    case .bird:
      try Self.birdText(folder).write(
        to: folder.appending(path: "machine.conf"), atomically: true, encoding: .utf8)
      programs.append(
        try Self.run(in: machine, "/usr/sbin/bird", Self.birdArguments(folder, "machine")))
      speaker = try Self.run(
        in: machine, Program.path,
        [
          "anycast", "bird", "--file", "\(folder.path)/routes.conf", "--socket",
          "\(folder.path)/machine.ctl",
        ])
    }
  }

  func stop() {
    for process in [node, speaker] + programs + [machine, router] { process.end(with: SIGKILL) }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Starts a node: a successor of the one that runs, if one does.
  func serve() throws { node = try Self.serve(in: machine, folder) }

  // MARK: what the router has

  /// Its kernel's route to the address; nil: it has none.
  var route: String? {
    get throws {
      let text = try Program.shell(
        "nsenter -t \(router.identifier) -n ip route show \(Self.address)"
      ).output
      return text.isEmpty ? nil : text
    }
  }

  /// The MED of the route, as BIRD has it.
  var med: Int? {
    get throws {
      let text = try Program.shell(
        "birdc -s \(folder.path)/router.ctl show route all \(Self.address)/32"
      ).output
      return text.firstMatch(of: #/BGP\.med: (\d+)/#).flatMap { Int($0.1) }
    }
  }

  /// The first address that DNS gives a client on the router's side.
  func answer(from server: String) throws -> String {
    try Program.shell(
      """
      nsenter -t \(router.identifier) -n \
        dig +time=2 +tries=1 +short @\(server) www.example.org || true
      """
    ).output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Has an operator say something of the node's region.
  func override(_ method: String, _ body: String = "") throws {
    let data = body.isEmpty ? "" : "-H 'Content-Type: application/json' -d '\(body)'"
    let finished = try Program.shell(
      """
      nsenter -t \(machine.identifier) -n curl -sS --fail -X \(method) \(data) \
        -H 'Authorization: Bearer \(Self.token)' http://127.0.0.1:8053/v1/overrides/tokyo
      """)
    #expect(finished.status == 0, "\(finished.all)")
  }

  /// How the node's standing has changed, as its events tell it: `from→to`.
  var standings: [String] {
    get throws {
      let events = try Program.shell(
        """
        nsenter -t \(machine.identifier) -n curl -sS --fail -H 'Accept: application/json' \
          http://127.0.0.1:8053/v1/events
        """)
      struct Page: Decodable {
        struct Event: Decodable {
          var kind: String
          var from: String?
          var to: String?
        }
        var events: [Event]
      }
      return try JSONDecoder().decode(Page.self, from: Data(events.output.utf8)).events
        .filter { $0.kind == "anycast_standing" }
        .map { "\($0.from ?? "")→\($0.to ?? "")" }
    }
  }

  /// The node's log, and the speaker's.
  var log: String { node.all + speaker.all + programs.map(\.all).joined() }

  // MARK: how it is made

  private static func waitForNamespace(_ process: RunningProcess) {
    func namespace(_ process: String) throws -> String {
      try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
    eventually("a namespace; for that the tests must be root's") {
      try namespace("\(process.identifier)") != namespace("self")
    }
  }

  private static func connect(_ machine: RunningProcess, _ router: RunningProcess) throws {
    let (one, two) = (machine.identifier, router.identifier)
    let made = try Program.shell(
      """
      ip link add wire netns \(one) type veth peer name wire netns \(two)
      nsenter -t \(one) -n sh -ec 'ip link set lo up; ip address add \(address)/32 dev lo
        ip address add \(nodeAddress)/24 dev wire; ip link set wire up'
      nsenter -t \(two) -n sh -ec 'ip link set lo up
        ip address add \(routerAddress)/24 dev wire; ip link set wire up'
      """)
    #expect(made.status == 0, "\(made.all)")
  }

  private static func run(
    in space: RunningProcess, _ program: String, _ arguments: [String]
  ) throws -> RunningProcess {
    try RunningProcess(
      "/usr/bin/nsenter", ["-t", "\(space.identifier)", "-n", program] + arguments)
  }

  private static func serve(in space: RunningProcess, _ folder: URL) throws -> RunningProcess {
    try run(in: space, Program.path, ["serve", "\(folder.path)/node.yaml"])
  }

  private static func birdArguments(_ folder: URL, _ name: String) -> [String] {
    let path = "\(folder.path)/\(name)"
    return ["-f", "-c", "\(path).conf", "-s", "\(path).ctl", "-P", "\(path).pid"]
  }

  private static func configuration(_ anycast: String, _ folder: URL) -> String {
    """
    node: {id: edge-1, region: tokyo}
    handover: {socket: \(folder.path)/next}
    admin: {listen: "127.0.0.1:8053", token: \(token)}
    dns: {listen: ["\(address):53", "\(nodeAddress):53"]}
    regions: {tokyo: {}, oslo: {}}
    pools: {web: {endpoints: {tokyo: ["203.0.113.1:80"], oslo: ["203.0.113.2:80"]}}}
    policies: {near: {type: failover, order: [tokyo, oslo]}}
    services: {web: {policy: near, pool: web}}
    zones: {example.org: {soa: {primary: ns1}, ns: [ns1], steered: {www: web}}}
    anycast: {prefixes: [\(address)/32], \(anycast)}
    """
  }

  /// Timers that do not let a test wait.
  private static let timers =
    "hold time 9; keepalive time 1; connect delay time 1; connect retry time 1; "
    + "error wait time 1, 1;"

  private static let routerText = """
    router id \(routerAddress);
    protocol device { scan time 1; }
    protocol kernel { ipv4 { export all; }; }
    protocol bgp machine {
      local \(routerAddress) as 65000;
      neighbor \(nodeAddress) as 65001;
      \(timers)
      ipv4 { import all; export none; };
    }
    """

  private static func birdText(_ folder: URL) -> String {
    """
    router id \(nodeAddress);
    protocol device { scan time 1; }
    include "\(folder.path)/routes*.conf";
    protocol bgp upstream {
      local \(nodeAddress) as 65001;
      neighbor \(routerAddress) as 65000;
      \(timers)
      ipv4 { import none; export where proto = "azimuth4"; };
    }
    """
  }

  private static let exabgpText = """
    process azimuth {
      run \(Program.path) anycast exabgp;
      encoder text;
    }
    neighbor \(routerAddress) {
      router-id \(nodeAddress);
      local-address \(nodeAddress);
      local-as 65001;
      peer-as 65000;
      hold-time 9;
      api { processes [ azimuth ]; }
    }
    """
}
