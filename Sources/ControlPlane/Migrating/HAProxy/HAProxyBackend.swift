import Places
import Settings

/// Makes a pool, with its monitor, of a backend of HAProxy.
struct HAProxyBackend {
  let section: HAProxyFile.Section
  let servers: [HAProxyServer]
  /// `ssl-server-verify` of `global`: what counts where a server says nothing.
  let serverVerify: String?
  let report: (Origin, String) -> Void

  init(
    _ section: HAProxyFile.Section, serverVerify: String? = nil,
    report: @escaping (Origin, String) -> Void
  ) {
    self.section = section
    self.serverVerify = serverVerify
    self.report = report
    // A `default-server` is for the servers behind it.
    var options = section.inheritedServer(report)
    var servers: [HAProxyServer] = []
    for line in section.own.all {
      switch line[0] {
      case "default-server":
        options.take(line.words.dropFirst(), of: "default-server", line.origin, report)
      case "server":
        guard let server = HAProxyServer(line, inherited: options, report: report) else { continue }
        if server.isDisabled {
          report(server.origin, "server \(server.name) is disabled: it is left out")
        } else {
          servers.append(server)
        }
      default: break
      }
    }
    self.servers = servers
  }

  /// Tells whose word counts, where servers say different things and a pool has one.
  func tellOthers<Value: Equatable>(
    than first: HAProxyServer, _ what: String, among servers: [HAProxyServer],
    _ value: (HAProxyServer) -> Value
  ) {
    for other in servers where value(other) != value(first) {
      report(other.origin, "server \(other.name): \(what) is that of \(first.name) here")
    }
  }

  /// The pool; without its endpoints it is none.
  func pool(region: String, monitor: String?) -> Mapping {
    var pool = Mapping()
    if let monitor { pool.add("monitor", .text(monitor)) }
    pool.add("balance", .mapping(balance()))
    if let first = servers.first(where: { $0.proxyHeader != nil }), let header = first.proxyHeader {
      pool.add("proxy_protocol", .text(header), first.origin)
      tellOthers(than: first, "send-proxy", among: servers, \.proxyHeader)
    }
    if let tls = tls() { pool.add("tls", tls.tree, tls.origin) }
    if let first = servers.first(where: { $0["on-marked-down"] == "shutdown-sessions" }) {
      pool.add("open_connections", .mapping(["on_down": "close"]), first.origin)
      tellOthers(than: first, "on-marked-down", among: servers) { $0["on-marked-down"] }
    }
    let standbys = servers.filter(\.isBackup)
    if standbys.count > 1, section.option("allbackups") == nil {
      report(standbys[1].origin, "only the first backup gets clients there; here all of them do")
    }
    var addresses: Set<SocketAddress> = []
    let endpoints = servers.compactMap { server -> Tree.Element? in
      guard addresses.insert(server.address).inserted else {
        report(server.origin, "\(server.address) is there already: \(server.name) is left out")
        return nil
      }
      return endpoint(server)
    }
    pool.add("endpoints", .mapping([region: .list(endpoints)]), section.origin)
    return pool
  }

  /// Weights go up to 1000; 0 is standby, as `backup` is.
  private func endpoint(_ server: HAProxyServer) -> Tree.Element {
    var check: SocketAddress?
    if server.hasOwnCheck {
      let address = server["addr"].flatMap { IPAddress($0) }
      if let text = server["addr"], address == nil {
        report(server.origin, "addr \(text) is no address: checks go to the server's own")
      }
      let port = server["port"].flatMap { UInt16($0) } ?? server.address.port
      check = SocketAddress(address: address ?? server.address.address, port: max(port, 1))
    }
    var mapping: Mapping = ["address": "\(server.address)"]
    if let check { mapping.add("check", "\(check)") }
    let weight = server.isBackup ? 0 : min(max(server.weight, 0), 1000)
    if weight != 1 { mapping.add("weight", "\(weight)") }
    if !server.isBackup, server.weight == 0 {
      report(server.origin, "server \(server.name): weight 0 is standby here, behind all others")
    }
    let isPlain = mapping.entries.count == 1
    return Tree.Element(
      tree: isPlain ? "\(server.address)" : .mapping(mapping), origin: server.origin)
  }

  private func balance() -> Mapping {
    let line = section.last("balance")
    let methods = [
      "roundrobin": "round_robin", "static-rr": "round_robin", "leastconn": "least_connections",
      "first": "first", "source": "hash", "random": "p2c",
    ]
    let word = line.map { String($0[1].prefix { $0 != "(" }) } ?? "roundrobin"
    let method = methods[word] ?? "p2c"
    if methods[word] == nil, let line {
      report(line.origin, "balance \(line[1]) has no counterpart: \(method)")
    }
    var balance: Mapping = ["method": .text(method)]
    if method == "hash" {
      balance.add("key", .mapping(["ipv4": "32", "ipv6": "128"]))
      balance.add("bounded_load", "off")
    }
    let limits = Set(servers.map { $0["maxconn"].flatMap { Int($0) } ?? 0 })
    if limits.count == 1, let limit = limits.first, (1...10_000_000).contains(limit) {
      balance.add("max_connections", "\(limit)")
    } else if limits.count > 1 {
      report(section.origin, "maxconn is not the same for all servers: there is no limit here")
    }
    let slow = servers.first { $0["slowstart"] != nil }
    if let slow { tellOthers(than: slow, "slowstart", among: servers) { $0["slowstart"] } }
    let start = slow?["slowstart"].flatMap { haproxyMilliseconds($0) } ?? 0
    balance.add("slow_start", .text(duration(min(start, 3_600_000))))
    return balance
  }

  /// A certificate is verified unless `verify none` is said, or `ssl-server-verify none` for all.
  private func tls() -> (tree: Tree, origin: Origin)? {
    guard let server = servers.first(where: \.isTLS) else { return nil }
    tellOthers(than: server, "ssl", among: servers, \.isTLS)
    let others = servers.filter(\.isTLS)
    for key in ["verify", "ca-file", "sni", "alpn"] {
      tellOthers(than: server, key, among: others) { $0[key] }
    }
    var tls = Mapping()
    if server["verify"] ?? serverVerify == "none" {
      tls.add("verify", "false")
    } else if let file = server["ca-file"] {
      report(server.origin, "ca-file \(file): say it in pools.NAME.tls.roots")
    }
    if let name = server["sni"] {
      if name.hasPrefix("str("), name.hasSuffix(")") {
        tls.add("server_name", .text(String(name.dropFirst(4).dropLast())), server.origin)
      } else {
        report(server.origin, "sni \(name): the name that the client asked for is sent")
      }
    }
    if let protocols = server["alpn"] {
      tls.add("alpn", .list(protocols.split(separator: ",").map { .text(String($0)) }))
    }
    return (.mapping(tls), server.origin)
  }
}

/// As durations are written, in the largest unit that keeps it whole.
func duration(_ milliseconds: Int) -> String {
  milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
}
