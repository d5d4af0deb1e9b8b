import Foundation
import TestSupport
import Testing

/// A real resolver in front of the program: unbound, which tells the program its clients' subnets
/// (RFC 7871), mixes upper and lower case (0x20), and asks label by label (RFC 9156). Killed at the
/// end.
///
/// Safe to share: the tests of a suite that share one run one after the other.
final class Resolver: @unchecked Sendable {
  let port: Int
  private let process: RunningProcess
  private let folder: URL

  /// How it asks the program.
  enum Upstream {
    /// Over TCP where an answer is truncated.
    case udp
    case tcp
    /// On another port, with this certificate's authority and name.
    case tls(port: Int, authority: String, name: String)
  }

  /// - Parameter anchors: DS records; if there are any, it validates what these are for.
  init(_ world: World, over upstream: Upstream = .udp, trusting anchors: [String] = []) throws {
    port = Ports.free()
    folder = try temporaryFolder()
    let file = folder.appending(path: "unbound.conf")
    try Self.configuration(
      port: port, folder: folder.path,
      options: Self.options(upstream) + Self.trust(anchors),
      stub: Self.stub(upstream, port: world.ports.dns)
    ).write(to: file, atomically: true, encoding: .utf8)
    process = try RunningProcess("/usr/sbin/unbound", ["-d", "-c", file.path])
    let client = try DNSClient(port: port, timeoutMilliseconds: 200)
    eventually("unbound's readiness") {
      try #require(process.isRunning, "\(process.all)")
      return try client.ask(DNSQuestion("ns1.example.org")).code == 0
    }
  }

  deinit {
    process.signal(SIGKILL)
    try? FileManager.default.removeItem(at: folder)
  }

  private static func options(_ upstream: Upstream) -> String {
    switch upstream {
    case .udp: "tcp-upstream: no"
    case .tcp: "tcp-upstream: yes"
    case .tls(_, let authority, _): "tls-cert-bundle: \"\(authority)\""
    }
  }

  private static func trust(_ anchors: [String]) -> String {
    let lines = anchors.map { "\n  trust-anchor: \"\($0)\"" }.joined()
    let modules = (anchors.isEmpty ? "" : "validator ") + "iterator"
    return "\n  module-config: \"subnetcache \(modules)\"" + lines
  }

  private static func stub(_ upstream: Upstream, port: Int) -> String {
    switch upstream {
    case .udp, .tcp: "stub-addr: 127.0.0.1@\(port)"
    case .tls(let port, _, let name):
      "stub-addr: 127.0.0.1@\(port)#\(name)\n  stub-tls-upstream: yes"
    }
  }

  private static func configuration(
    port: Int, folder: String, options: String, stub: String
  ) -> String {
    """
    server:
      interface: 127.0.0.1@\(port)
      do-daemonize: no
      username: ""
      chroot: ""
      directory: "\(folder)"
      pidfile: "\(folder)/unbound.pid"
      use-syslog: no
      do-ip6: no
      num-threads: 1
      so-reuseport: no
      do-not-query-localhost: no
      access-control: 127.0.0.0/8 allow
      send-client-subnet: 127.0.0.1
      max-client-subnet-ipv4: 24
      use-caps-for-id: yes
      qname-minimisation: yes
      qname-minimisation-strict: yes
      \(options)
    remote-control:
      control-enable: no
    stub-zone:
      name: "example.org"
      \(stub)

    """
  }

  /// As one of its clients, from an address of its own.
  func ask(_ question: DNSQuestion, from source: String? = nil) throws -> DNSReply {
    try DNSClient(port: port, from: source).ask(question)
  }
}

extension World {
  /// How many queries have come over a transport, as the program counts them.
  func queryCount(over transport: String) throws -> Int {
    let metrics = try admin("GET", "/metrics").text
    let line = metrics.split(separator: "\n").first {
      $0.hasPrefix("azimuth_dns_queries_total{transport=\"\(transport)\"}")
    }
    return try #require(line?.split(separator: " ").last.flatMap { Int($0) })
  }
}
