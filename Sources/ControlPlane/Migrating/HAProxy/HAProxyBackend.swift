import Places
import Settings

/// Makes a pool, with its monitor, of a backend of HAProxy.
struct HAProxyBackend {
  let section: HAProxyFile.Section
  let servers: [HAProxyServer]
  private let report: (Origin, String) -> Void

  init(_ section: HAProxyFile.Section, report: @escaping (Origin, String) -> Void) {
    self.section = section
    self.report = report
    let defaults =
      (section.defaults + section.lines).filter { $0.words[0] == "default-server" }
      .flatMap { $0.words.dropFirst() }
    servers = section.all("server").compactMap {
      HAProxyServer($0, defaults: defaults, report: report)
    }.filter { server in
      if server.isDisabled {
        report(server.origin, "server \(server.name) is disabled: it is left out")
      }
      return !server.isDisabled
    }
  }

  /// The pool; without its endpoints it is none.
  func pool(region: String, monitor: String?) -> Mapping {
    var pool = Mapping()
    if let monitor { pool.add("monitor", .text(monitor)) }
    pool.add("balance", .mapping(balance()))
    if let first = servers.first(where: { $0.flags.contains("send-proxy") }) {
      pool.add("proxy_protocol", "v1", first.origin)
    } else if let first = servers.first(where: { $0.flags.contains("send-proxy-v2") }) {
      pool.add("proxy_protocol", "v2", first.origin)
    }
    if let tls = tls() { pool.add("tls", tls.tree, tls.origin) }
    if let first = servers.first(where: { $0.values["on-marked-down"] == "shutdown-sessions" }) {
      pool.add("open_connections", .mapping(["on_down": "close"]), first.origin)
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
    if server.values["addr"] != nil || server.values["port"] != nil {
      let address = server.values["addr"].flatMap { IPAddress($0) } ?? server.address.address
      let port = server.values["port"].flatMap { UInt16($0) } ?? server.address.port
      check = SocketAddress(address: address, port: max(port, 1))
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
    let limits = Set(servers.map { $0.values["maxconn"].flatMap { Int($0) } ?? 0 })
    if limits.count == 1, let limit = limits.first, (1...10_000_000).contains(limit) {
      balance.add("max_connections", "\(limit)")
    } else if limits.count > 1 {
      report(section.origin, "maxconn is not the same for all servers: there is no limit here")
    }
    let slow = servers.lazy.compactMap { $0.values["slowstart"] }.first
    let start = slow.flatMap { haproxyMilliseconds($0) } ?? 0
    balance.add("slow_start", .text(duration(min(start, 3_600_000))))
    return balance
  }

  private func tls() -> (tree: Tree, origin: Origin)? {
    guard let server = servers.first(where: { $0.flags.contains("ssl") }) else { return nil }
    var tls = Mapping()
    if server.values["verify"] != "required" { tls.add("verify", "false") }
    if let file = server.values["ca-file"], server.values["verify"] == "required" {
      report(server.origin, "ca-file \(file): say it in pools.NAME.tls.roots")
    }
    if let name = server.values["sni"] {
      if name.hasPrefix("str("), name.hasSuffix(")") {
        tls.add("server_name", .text(String(name.dropFirst(4).dropLast())), server.origin)
      } else {
        report(server.origin, "sni \(name): the name that the client asked for is sent")
      }
    }
    if let protocols = server.values["alpn"] {
      tls.add("alpn", .list(protocols.split(separator: ",").map { .text(String($0)) }))
    }
    return (.mapping(tls), server.origin)
  }
}

// MARK: - checks

extension HAProxyBackend {
  /// nil: nothing is checked.
  func monitor() -> Mapping? {
    guard let server = servers.first(where: \.isChecked) else { return nil }
    for other in servers where !other.isChecked {
      report(other.origin, "server \(other.name) was not checked, and is here as the others are")
    }
    for key in ["inter", "fastinter", "rise", "fall"] {
      for other in servers where other.isChecked && other.values[key] != server.values[key] {
        report(other.origin, "server \(other.name): \(key) is that of \(server.name) here")
      }
    }
    var monitor = kind(isTLS: server.flags.contains("check-ssl") || server.flags.contains("ssl"))
    let interval = time(server.values["inter"], 2000, 100...3_600_000, server.origin)
    monitor.add("interval", .text(duration(interval)), server.origin)
    if let fast = server.values["fastinter"] {
      let time = time(fast, 1000, 10...interval, server.origin)
      monitor.add("fast_interval", .text(duration(time)), server.origin)
    }
    let line = section.last("timeout", "check") ?? section.last("timeout", "connect")
    let timeout = time(
      line?[2], interval, 10...min(60_000, interval), line?.origin ?? server.origin)
    monitor.add("timeout", .text(duration(timeout)), line?.origin)
    for (key, usual) in [("rise", 2), ("fall", 3)] {
      let count = server.values[key].flatMap { Int($0) } ?? usual
      monitor.add(key, "\(min(max(count, 1), 100))", server.origin)
    }
    return monitor
  }

  private func time(
    _ text: String?, _ usual: Int, _ range: ClosedRange<Int>, _ origin: Origin
  ) -> Int {
    let given = text.flatMap { haproxyMilliseconds($0) } ?? usual
    let fitted = min(max(given, range.lowerBound), range.upperBound)
    if text != nil, fitted != given { report(origin, "\(given)ms becomes \(fitted)ms") }
    return fitted
  }

  private func kind(isTLS: Bool) -> Mapping {
    if let line = section.last("option", "httpchk") { return http(line, isTLS: isTLS) }
    var tcp: Mapping = ["type": "tcp"]
    if section.last("option", "redis-check") != nil {
      tcp.add("send", "PING\r\n")
      tcp.add("expect", .mapping(["prefix": "+PONG"]))
    } else if section.last("option", "tcp-check") != nil {
      for line in section.all("tcp-check") { add(line, to: &tcp) }
    } else if section.last("option", "ssl-hello-chk") != nil {
      return ["type": "tcp", "tls": .mapping(["verify": "false"])]
    }
    for name in ["smtpchk", "mysql-check", "pgsql-check", "ldap-check", "spop-check"] {
      if let line = section.last("option", name) {
        report(line.origin, "option \(name): a connection is all that is checked here")
      }
    }
    if isTLS { tcp.add("tls", .mapping(["verify": "false"])) }
    return tcp
  }

  /// The first text that is sent, and the first that is expected.
  private func add(_ line: HAProxyFile.Line, to tcp: inout Mapping) {
    let keys = tcp.entries.map(\.key)
    switch (line[1], line[2]) {
    case ("connect", ""): break
    case ("send", let text) where !text.isEmpty && !keys.contains("send"):
      tcp.add(
        "send", .text(text.replacing("\\r", with: "\r").replacing("\\n", with: "\n")), line.origin)
    case ("expect", "string") where !line[3].isEmpty && !keys.contains("expect"):
      tcp.add("expect", .mapping(["contains": .text(line[3])]), line.origin)
    default: report(line.origin, "\(line.words.joined(separator: " ")): is left out")
    }
  }

  private func http(_ line: HAProxyFile.Line, isTLS: Bool) -> Mapping {
    let words = line.words.dropFirst(2)
    var method = words.count > 1 ? words[words.startIndex] : "OPTIONS"
    var path = words.count > 1 ? words[words.startIndex + 1] : words.first ?? "/"
    var host: String?
    var status: Tree = "200-399"
    for check in section.all("http-check") {
      switch (check[1], check[2]) {
      case ("send", _):
        for (key, value) in zip(check.words.dropFirst(2), check.words.dropFirst(3)) {
          if key == "meth" { method = value }
          if key == "uri" { path = value }
        }
        if let index = check.words.firstIndex(of: "hdr"), check[index + 1].lowercased() == "host" {
          host = check[index + 2]
        }
      case ("expect", "status"):
        status = .list(check[3].split(separator: ",").map { .text(String($0)) })
      default: report(check.origin, "\(check.words.joined(separator: " ")): is left out")
      }
    }
    var monitor: Mapping = ["type": isTLS ? "https" : "http"]
    if isTLS { monitor.add("tls", .mapping(["verify": "false"])) }
    if !["GET", "HEAD", "OPTIONS"].contains(method) {
      report(line.origin, "method \(method) becomes GET")
      method = "GET"
    }
    monitor.add("method", .text(method), line.origin)
    monitor.add("path", .text(path), line.origin)
    if let host { monitor.add("host", .text(host), line.origin) }
    monitor.add("expect", .mapping(["status": status]), line.origin)
    return monitor
  }
}

/// As durations are written, in the largest unit that keeps it whole.
func duration(_ milliseconds: Int) -> String {
  milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
}
