import Places
import Settings

/// Makes listeners of a frontend of HAProxy, or of the front of a `listen`.
struct HAProxyFrontend {
  /// A backend that became a service.
  struct Backend {
    var service: String
    var section: HAProxyFile.Section
  }

  let section: HAProxyFile.Section
  /// By name.
  let backends: [String: Backend]
  let report: (Origin, String) -> Void

  /// One; two where some of its addresses take a PROXY header and some do not. None, and a finding,
  /// if it has no address to listen on, or nowhere to send clients to.
  func listeners() -> [(suffix: String, listener: Mapping)] {
    let binds = binds()
    guard !binds.plain.isEmpty || !binds.behindProxy.isEmpty else {
      report(section.origin, "\(section.name) has no address to listen on: it is left out")
      return []
    }
    let routes = routes()
    guard routes.otherwise != nil || !routes.names.isEmpty else {
      report(section.origin, "\(section.name) has no backend here: it is left out")
      return []
    }
    let isMixed = !binds.plain.isEmpty && !binds.behindProxy.isEmpty
    if isMixed {
      report(
        section.origin,
        "\(section.name) becomes two listeners, one for what comes with accept-proxy: each has its "
          + "own maxconn")
    }
    var made: [(suffix: String, listener: Mapping)] = []
    let limits = limits(of: routes.backends)
    if !binds.plain.isEmpty {
      var listener = start(binds.plain, routes, isBehindProxy: false)
      for entry in limits.entries { listener.add(entry.key, entry.tree, entry.origin) }
      let access = access(["connection", "session", "content"], of: routes.backends)
      if let tree = access.tree { listener.add("access", tree, access.origin) }
      made.append(("", listener))
    }
    if !binds.behindProxy.isEmpty {
      var listener = start(binds.behindProxy, routes, isBehindProxy: true)
      // There, `connection` rules are about the proxy, and all others about its clients.
      let proxies = HAProxyAccess(section, levels: ["connection"], report: report)
      var access = access(["session", "content"], of: routes.backends)
      listener.add("proxy_protocol", .mapping(["trusted": trusted(proxies, &access)]))
      for entry in limits.entries { listener.add(entry.key, entry.tree, entry.origin) }
      if let tree = access.tree { listener.add("access", tree, access.origin) }
      made.append((isMixed ? "-behind-proxy" : "", listener))
    }
    return made
  }

  private func start(
    _ addresses: [Tree.Element], _ routes: Routes, isBehindProxy: Bool
  ) -> Mapping {
    var listener: Mapping = [:]
    listener.add("listen", .list(addresses), addresses[0].origin)
    if let other = routes.otherwise { listener.add("service", .text(other.service), other.origin) }
    if !routes.names.isEmpty { listener.add("server_names", .mapping(routes.names)) }
    if let line = section.last("tcp-request", "inspect-delay"),
      isBehindProxy || !routes.names.isEmpty
    {
      listener.add("greeting_timeout", time(line[2], 100...300_000, line.origin), line.origin)
    }
    return listener
  }

  /// The proxies whose headers are believed; what else is said of them closes the listener.
  private func trusted(_ proxies: HAProxyAccess, _ access: inout HAProxyAccess) -> Tree {
    if let origin = proxies.origin, !proxies.denied.isEmpty || proxies.isClosed {
      access.close(
        origin, "what is refused behind accept-proxy is about proxies: say who they are in trusted",
        report)
    }
    if let allowed = proxies.allowed, !allowed.isEmpty { return HAProxyAccess.list(allowed) }
    for line in section.all("bind") where line.words.contains("accept-proxy") {
      report(line.origin, "accept-proxy believes everybody: say who the proxies are in trusted")
    }
    return .list(["0.0.0.0/0", "::/0"])
  }

  /// With the rules of the backends that clients go to.
  private func access(_ levels: [String], of backends: [Backend]) -> HAProxyAccess {
    var access = HAProxyAccess(section, levels: levels, report: report)
    for backend in backends where backend.section.origin != section.origin {
      let other = HAProxyAccess(backend.section, levels: ["content"], report: report)
      guard let origin = other.origin, !other.isEverybody else { continue }
      report(
        origin,
        "what backend \(backend.section.name) refuses is refused to all clients of \(section.name)")
      access.add(other, backend.section.name, report)
    }
    return access
  }

  private func time(_ text: String, _ range: ClosedRange<Int>, _ origin: Origin) -> Tree {
    let given = haproxyMilliseconds(text) ?? range.upperBound
    let fitted = min(max(given, range.lowerBound), range.upperBound)
    if fitted != given { report(origin, "\(given)ms becomes \(fitted)ms") }
    return .text(duration(fitted))
  }
}

// MARK: - limits

extension HAProxyFrontend {
  /// Those of clients are the frontend's, those of servers the backends'.
  private func limits(of backends: [Backend]) -> Mapping {
    var limits = Mapping()
    if let line = section.last("maxconn"), let count = Int(line[1]), count > 0 {
      limits.add("max_connections", "\(min(count, 10_000_000))", line.origin)
    }
    let times = 10...86_400_000
    let connect = longest(backends, "timeout connect") { $0.last("timeout", "connect") }
    let retries = longest(backends, "retries") { $0.last("retries") }
    let attempts = min(max(retries.map { Self.number($0) } ?? 3, 0), 99) + 1
    if let line = connect {
      let attempt = min(max(Self.number(line), times.lowerBound), times.upperBound)
      limits.add("connect_timeout", .text(duration(attempt)), line.origin)
      let budget = min(attempt * attempts, times.upperBound)
      limits.add("connect_budget", .text(duration(budget)), line.origin)
    }
    if let line = retries ?? connect { limits.add("max_attempts", "\(attempts)", line.origin) }
    let client = section.last("timeout", "client")
    let server = longest(backends, "timeout server") { $0.last("timeout", "server") }
    let tunnel = longest(backends, "timeout tunnel") { $0.last("timeout", "tunnel") }
    let idle = [client, server, tunnel].compactMap(\.self)
    if let line = idle.max(by: { Self.number($0) < Self.number($1) }) {
      limits.add("idle_timeout", time(line[2], times, line.origin), line.origin)
    }
    let finished =
      section.last("timeout", "client-fin")
      ?? longest(backends, "timeout server-fin") { $0.last("timeout", "server-fin") }
    if let line = finished {
      limits.add("half_closed_timeout", time(line[2], times, line.origin), line.origin)
    }
    let isKeptAlive =
      ["tcpka", "clitcpka"].contains { section.option($0) != nil }
      || backends.contains { backend in
        ["tcpka", "srvtcpka"].contains { backend.section.option($0) != nil }
      }
    if isKeptAlive { limits.add("tcp", .mapping(["keepalive": .mapping([:])])) }
    return limits
  }

  /// The last word of a line: milliseconds, or a count.
  private static func number(_ line: HAProxyFile.Line) -> Int {
    line[0] == "retries" ? Int(line[1]) ?? 3 : haproxyMilliseconds(line[2]) ?? 0
  }

  /// A listener has one for all of its backends.
  private func longest(
    _ backends: [Backend], _ what: String, _ line: (HAProxyFile.Section) -> HAProxyFile.Line?
  ) -> HAProxyFile.Line? {
    let lines = backends.map { line($0.section) }
    guard let longest = lines.compactMap(\.self).max(by: { Self.number($0) < Self.number($1) })
    else { return nil }
    for (backend, line) in zip(backends, lines)
    where line.map({ Self.number($0) }) != Self.number(longest) {
      report(
        line?.origin ?? backend.section.origin,
        "\(what) of \(section.name) is the longest of its backends: \(longest.text)")
    }
    return longest
  }
}

// MARK: - where it listens

extension HAProxyFrontend {
  /// That say nothing of who gets in.
  private static let passedOver: Set = [
    "accept-proxy", "name", "id", "process", "thread", "shards", "nice", "tfo", "defer-accept",
    "v4v6", "backlog", "user", "uid", "group", "gid", "mode", "level", "severity-output",
    "guid-prefix",
    "alpn", "npn", "crt",
  ]
  private static let valued: Set = [
    "name", "id", "process", "thread", "shards", "nice", "backlog", "user", "uid", "group", "gid",
    "mode", "level", "severity-output", "guid-prefix", "interface", "namespace", "maxconn", "mss",
    "tcp-ut", "proto", "alpn", "npn", "crt", "cc",
  ]

  private func binds() -> (plain: [Tree.Element], behindProxy: [Tree.Element]) {
    var plain: [Tree.Element] = []
    var behindProxy: [Tree.Element] = []
    for line in section.all("bind") {
      var flags: Set<String> = []
      var rest = line.words.dropFirst(2)
      while let word = rest.popFirst() {
        flags.insert(word)
        if Self.valued.contains(word) { rest = rest.dropFirst() }
      }
      guard !flags.contains("ssl") else {
        report(
          line.origin,
          "\(line[1]) ends TLS: say its certificates in proxy.listeners.\(section.name).tls; until "
            + "then it is left out")
        continue
      }
      guard flags.isDisjoint(with: ["interface", "namespace"]) else {
        report(
          line.origin,
          "\(line[1]) is bound to an interface or a namespace: say addresses; it is left out")
        continue
      }
      for flag in flags.subtracting(Self.passedOver).sorted() {
        report(line.origin, "\(flag) of bind has no counterpart")
      }
      for part in line[1].split(separator: ",") {
        let found = Self.addresses(String(part))
        if found.isEmpty {
          report(line.origin, "\(part) is no address with a port: it is left out")
        }
        let elements = found.map { Tree.Element(tree: .text("\($0)"), origin: line.origin) }
        if flags.contains("accept-proxy") { behindProxy += elements } else { plain += elements }
      }
    }
    return (plain, behindProxy)
  }

  /// `*:80`, `:80`, `:::80`, `192.0.2.1:80-82`; empty where it is none.
  private static func addresses(_ text: String) -> [SocketAddress] {
    let bare = text.hasPrefix("ipv4@") || text.hasPrefix("ipv6@") ? String(text.dropFirst(5)) : text
    guard let colon = bare.lastIndex(of: ":") else { return [] }
    let host = bare[..<colon].trimmingPrefix("[")
    let isIPv6 = text.hasPrefix("ipv6@")
    let address: IPAddress? =
      switch host {
      case "", "*": isIPv6 ? .ipv6(0) : .ipv4(0)
      case "::", "::]": .ipv6(0)
      default: IPAddress(host.hasSuffix("]") ? host.dropLast() : host[...])
      }
    let ports = bare[bare.index(after: colon)...].split(
      separator: "-", omittingEmptySubsequences: false
    ).map { UInt16($0) ?? 0 }
    guard let address, let first = ports.first, let last = ports.last, ports.count <= 2,
      first > 0, first <= last, last - first < 256
    else { return [] }
    return (first...last).map { SocketAddress(address: address, port: $0) }
  }
}

// MARK: - where clients go

extension HAProxyFrontend {
  /// Names and their services, and where all others go.
  private struct Routes {
    var names = Mapping()
    var otherwise: (service: String, origin: Origin)?
    /// All that are gone to.
    var backends: [Backend] = []
    private var services: Set<String> = []
    private var exact: Set<String> = []
    /// Without the `*`.
    private var endings: Set<String> = []

    mutating func use(_ backend: Backend) {
      if services.insert(backend.service).inserted { backends.append(backend) }
    }

    /// - Returns: false if it is another rule's already.
    mutating func add(_ name: String, _ backend: Backend, _ origin: Origin) -> Bool {
      guard otherwise == nil, exact.insert(name).inserted else { return false }
      let dots = name.indices.filter { name[$0] == "." }
      guard !dots.contains(where: { endings.contains(String(name[$0...])) }) else { return false }
      if name.hasPrefix("*") { endings.insert(String(name.dropFirst())) }
      names.add(name, .text(backend.service), origin)
      use(backend)
      return true
    }
  }

  /// The first rule that matches counts there; here an exact name comes before `*`, and the longest
  /// `*` before the others. So what an earlier rule hides is left out.
  private func routes() -> Routes {
    var routes = Routes()
    let conditions = HAProxyConditions(section, report: report)
    for line in section.all("use_backend") {
      guard let backend = backends[line[1]] else {
        report(
          line.origin,
          "\(line[1]) is no backend of TCP here: the rule is left out, and its clients go on to "
            + "those behind it")
        continue
      }
      switch conditions.condition(line.words.dropFirst(2), line.origin) {
      case .always:
        routes.otherwise = routes.otherwise ?? (backend.service, line.origin)
        routes.use(backend)
      case .names(let found):
        for name in found where !routes.add(name, backend, line.origin) {
          report(line.origin, "\(name) is another rule's already")
        }
      case .sources, .hello, .unknown:
        report(line.origin, "the condition of use_backend \(line[1]) has no counterpart")
      }
    }
    if routes.otherwise == nil, let line = section.last("default_backend") {
      if let backend = backends[line[1]] {
        routes.otherwise = (backend.service, line.origin)
        routes.use(backend)
      } else {
        report(line.origin, "\(line[1]) is no backend of TCP here")
      }
    }
    if routes.otherwise == nil, section.kind == "listen", let own = backends[section.name] {
      routes.otherwise = (own.service, section.origin)
      routes.use(own)
    }
    return routes
  }
}
