import Foundation
import TestSupport
import Testing

extension EndToEndWaiting {
  /// Against gRPC, Knot and HAProxy, as Debian has them.
  @Suite struct Monitors {
    @Test(.timeLimit(.minutes(1)))
    func `gRPC's health service is asked, with and without TLS`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      _ = try Program.shell(
        """
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
          -subj /CN=grpc.test -addext subjectAltName=DNS:grpc.test \
          -keyout \(folder.path)/key -out \(folder.path)/certificate
        """)
      let (plain, secure) = (Ports.free(), Ports.free())
      let server = try checkedServer(
        "grpc", "\(plain)", "\(secure)", "\(folder.path)/certificate", "\(folder.path)/key")
      defer { server.signal(SIGKILL) }
      eventually("gRPC listens") {
        _ = try Socket.tcp(to: "127.0.0.1", port: secure)
        return true
      }
      let roots = "roots: \(folder.path)/certificate"
      let node = try CheckingNode([
        .init("all", "type: grpc", port: plain),
        .init("up", "type: grpc, service: up", port: plain),
        .init("down", "type: grpc, service: down", port: plain),
        .init("none", "type: grpc, service: none", port: plain),
        .init("tls", "type: grpc, tls: {server_name: grpc.test, \(roots)}", port: secure),
        .init(
          "soon",
          "type: grpc, tls: {server_name: grpc.test, degraded_before_expiry: 30d, \(roots)}",
          port: secure),
        .init("other", "type: grpc, tls: {server_name: other.test, \(roots)}", port: secure),
        .init("plain", "type: grpc, tls: {verify: false}", port: plain),
        .init("http", "type: http", port: plain),
      ])
      let found = try node.endpoints()
      #expect(found["all"]?.health == "healthy", "\(found)")
      #expect(found["up"]?.health == "healthy")
      #expect(found["down"]?.cause == "service \"down\" is NOT_SERVING")
      #expect(found["none"]?.cause == "service \"none\" is not known (NOT_FOUND)")
      #expect(found["tls"]?.health == "healthy")
      #expect(found["soon"]?.health == "degraded")
      #expect(found["soon"]?.cause.hasPrefix("certificate ends in ") == true)
      #expect(found["other"]?.cause.hasPrefix("certificate: not for the wanted name") == true)
      #expect(found["plain"]?.health == "unhealthy")
      #expect(found["http"]?.health == "unhealthy")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a name server is asked for a name`() throws {
      let knot = try NameServer(
        .knot, port: Ports.free(), role: .primary(secondary: Ports.free()),
        key: NameServer.Kind.knot.key, records: "www A 192.0.2.1")
      let name = "name: www.\(NameServer.zone)"
      let node = try CheckingNode([
        .init("any", "type: dns, \(name)", port: knot.port),
        .init("right", "type: dns, \(name), expect: {answer: 192.0.2.1}", port: knot.port),
        .init("wrong", "type: dns, \(name), expect: {answer: 192.0.2.2}", port: knot.port),
        .init("none", "type: dns, name: none.\(NameServer.zone)", port: knot.port),
        .init(
          "absent", "type: dns, name: none.\(NameServer.zone), expect: {rcode: NXDOMAIN}",
          port: knot.port),
        .init("foreign", "type: dns, name: example.org", port: knot.port),
      ])
      let found = try node.endpoints()
      #expect(found["any"]?.health == "healthy", "\(found)")
      #expect(found["right"]?.health == "healthy")
      #expect(found["wrong"]?.cause == "answered A 192.0.2.1, wanted 192.0.2.2")
      #expect(found["none"]?.cause == "answered NXDOMAIN, wanted NOERROR")
      #expect(found["absent"]?.health == "healthy")
      #expect(found["foreign"]?.cause == "answered REFUSED, wanted NOERROR")
      knot.stop()
      eventually("Knot is missed") { try node.endpoints()["any"]?.health == "unhealthy" }
    }

    /// Lines of agents, which HAProxy is asked about too.
    static let lines = [
      "up", "up 50%", "75%,up", "UP\t10%", "200%", "0%", "down", "down # disk full", "fail",
      "stopped", "drain", "up drain 40%", "maint", "ready up", "maxconn:30 up", "down up",
      "10% 20%", "up hello",
    ]

    @Test(.timeLimit(.minutes(1)))
    func `an agent is understood as HAProxy understands it`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let lines = folder.appending(path: "lines")
      func say(_ texts: [String]) throws {
        try (texts.joined(separator: "\n") + "\n").write(
          to: lines, atomically: true, encoding: .utf8)
      }
      try say(Self.lines)
      let first = Ports.free(count: Self.lines.count)
      let agents = try checkedServer("agents", "\(first)", lines.path)
      defer { agents.signal(SIGKILL) }
      eventually("the last agent listens") {
        _ = try Socket.tcp(to: "127.0.0.1", port: first + Self.lines.count - 1)
        return true
      }
      let proxy = try AgentProxy(in: folder, agents: Self.lines.indices.map { first + $0 })
      let node = try CheckingNode(
        Self.lines.indices.map { .init("a\($0)", "type: agent", port: first + $0) })
      eventually("both agree") {
        let (ours, theirs) = (try node.endpoints(), try proxy.servers())
        for (index, line) in Self.lines.enumerated() {
          let (mine, other) = (ours["a\(index)"]?.asHAProxy, theirs["s\(index)"])
          guard mine == other else { throw Disagreement(line: line, ours: mine, theirs: other) }
        }
        return true
      }
      // What is not mentioned again stays, and what is revoked does not.
      try say(Self.lines.indices.map { $0.isMultiple(of: 2) ? "ready" : "up 30%" })
      eventually("both agree again") {
        let (ours, theirs) = (try node.endpoints(), try proxy.servers())
        guard ours["a1"]?.sharePercent == 30, ours["a10"]?.sharePercent == 100 else { return false }
        for index in Self.lines.indices {
          let (mine, other) = (ours["a\(index)"]?.asHAProxy, theirs["s\(index)"])
          guard mine == other else {
            throw Disagreement(line: "\(index)", ours: mine, theirs: other)
          }
        }
        return true
      }
    }

    @Test func `commands run only where that is allowed`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let monitors: [CheckingNode.Check] = [
        .init("good", "type: command, command: [/bin/true]", port: 9),
        .init(
          "bad", "type: command, command: [/bin/sh, -c, 'echo no $1; exit 2', sh, '{port}']",
          port: 9),
      ]
      let node = try CheckingNode(monitors, arguments: ["--allow-commands"])
      let found = try node.endpoints()
      #expect(found["good"]?.health == "healthy")
      #expect(found["bad"]?.cause == "exit code 2: no 9")
      let file = folder.appending(path: "c.yaml")
      try CheckingNode.configuration(monitors, admin: Ports.free()).write(
        to: file, atomically: true, encoding: .utf8)
      let refused = try Program.run(["serve", file.path])
      #expect(refused.status != 0)
      #expect(refused.all.contains("monitors.good: would run a command"), "\(refused.all)")
      #expect(try Program.run(["check", file.path]).status == 0)
    }

    @Test func `what is calculated follows its children`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let flag = folder.appending(path: "flag").path
      let test = "type: command, command: [/usr/bin/test, -e, \(flag)]"
      let node = try CheckingNode(
        [
          .init("both", "type: calculated, of: [yes, flag]", port: 9),
          .init("either", "type: calculated, of: [yes, flag], need: any", port: 9),
        ],
        more: ["yes: {type: command, command: [/bin/true]}", "flag: {\(test), interval: 100ms}"],
        arguments: ["--allow-commands"])
      let found = try node.endpoints()
      #expect(found["either"]?.health == "healthy")
      #expect(
        found["both"]?.cause == "1 of 2 healthy, 2 needed: flag unhealthy (exit code 1)")
      #expect(FileManager.default.createFile(atPath: flag, contents: nil))
      eventually("both are there") { try node.endpoints()["both"]?.health == "healthy" }
    }

    struct Disagreement: Error {
      var line: String
      var ours: String?
      var theirs: String?
    }

    private func checkedServer(_ arguments: String...) throws -> RunningProcess {
      let script = "\(Program.root)/Tests/EndToEndTests/Harness/checked_server.py"
      return try RunningProcess("/usr/bin/python3", [script] + arguments)
    }
  }
}

/// Azimuth with a region, a pool and an endpoint of loopback for each check.
final class CheckingNode {
  struct Check {
    var name: String
    /// The monitor, as a YAML mapping without its braces.
    var monitor: String
    var port: Int

    init(_ name: String, _ monitor: String, port: Int) {
      self.name = name
      self.monitor = monitor
      self.port = port
    }
  }

  struct Endpoint: Decodable {
    struct Probe: Decodable { var cause: String }
    var region: String
    var health: String
    var standing: String
    var sharePercent: Int
    var lastProbe: Probe?
    var cause: String { lastProbe?.cause ?? "" }

    /// Status and weight as HAProxy would show them, of a weight of 100.
    var asHAProxy: String {
      if health == "unhealthy" { return "DOWN" }
      return standing == "removed" ? "DRAIN" : "UP \(sharePercent)"
    }
  }

  private struct List: Decodable { var endpoints: [Endpoint] }

  private let admin = Ports.free()
  private let folder: URL
  private let process: RunningProcess

  /// - Parameter more: further monitors.
  init(_ checks: [Check], more: [String] = [], arguments: [String] = []) throws {
    folder = try temporaryFolder()
    let file = folder.appending(path: "c.yaml")
    try Self.configuration(checks, more: more, admin: admin).write(
      to: file, atomically: true, encoding: .utf8)
    process = try RunningProcess(Program.path, ["serve", file.path] + arguments)
    eventually("readiness") {
      guard process.isRunning else { throw World.Ended(log: process.all) }
      return try HTTPConnection(port: admin).request("GET", "/readyz").status == 200
    }
  }

  deinit {
    process.signal(SIGKILL)
    try? FileManager.default.removeItem(at: folder)
  }

  /// By region, which is named like its check.
  func endpoints() throws -> [String: Endpoint] {
    let list = try HTTPConnection(port: admin).request("GET", "/v1/endpoints")
      .decoded(as: List.self)
    return Dictionary(list.endpoints.map { ($0.region, $0) }, uniquingKeysWith: { $1 })
  }

  static func configuration(
    _ checks: [Check], more: [String] = [], admin: Int
  ) -> String {
    let regions = checks.map { "\($0.name): {}" }.joined(separator: ", ")
    let monitors = checks.map { "  \($0.name): {\($0.monitor)}" } + more.map { "  \($0)" }
    let pools = checks.map { check in
      "  \(check.name): {monitor: \(check.name), "
        + "endpoints: {\(check.name): [\"127.0.0.1:\(check.port)\"]}}"
    }
    return """
      node: {id: node}
      regions: {\(regions)}
      monitors:
      \(monitors.joined(separator: "\n"))
      pools:
      \(pools.joined(separator: "\n"))
      health: {first_round_deadline: 30s}
      admin: {listen: "127.0.0.1:\(admin)"}

      """
  }
}

/// HAProxy with a server for each agent, of weight 100.
private final class AgentProxy {
  private let proxy: HAProxy
  private let socket: String

  init(in folder: URL, agents: [Int]) throws {
    let socket = folder.appending(path: "haproxy").path
    self.socket = socket
    let servers = agents.enumerated().map { index, port in
      "  server s\(index) 127.0.0.1:9 weight 100 agent-check agent-port \(port) agent-inter 200ms"
    }
    proxy = try HAProxy { _ in
      """
      global
        stats socket \(socket) mode 600
      backend b
      \(servers.joined(separator: "\n"))
      """
    }
  }

  /// By server: `UP` with its weight, `DRAIN` (which MAINT is to us as well) or `DOWN`.
  func servers() throws -> [String: String] {
    let script = """
      import socket, sys
      s = socket.socket(socket.AF_UNIX)
      s.connect(sys.argv[1])
      s.sendall(b'show stat\\n')
      print(s.makefile().read())
      """
    let told = try Program.shell("/usr/bin/python3 -c \"\(script)\" \(socket)")
    var found: [String: String] = [:]
    for line in told.output.split(separator: "\n") {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count > 18, fields[1].hasPrefix("s"), fields[0] == "b" else { continue }
      let status = fields[17]
      let word = status.split(separator: " ").first ?? ""
      found[String(fields[1])] =
        switch word {
        case "DOWN": "DOWN"
        case "DRAIN", "MAINT": "DRAIN"
        default: fields[18] == "0" ? "DRAIN" : "UP \(fields[18])"
        }
    }
    return found
  }
}
