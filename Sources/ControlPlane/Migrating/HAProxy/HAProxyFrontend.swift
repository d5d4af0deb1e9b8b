import Places
import Settings

/// Makes a listener of a frontend of HAProxy, or of the front of a `listen`.
struct HAProxyFrontend {
  let section: HAProxyFile.Section
  /// The service of a backend's name.
  let service: (String) -> String?
  let report: (Origin, String) -> Void

  /// What a condition asks for: names of TLS, or addresses of clients.
  private enum Condition {
    case always
    case names([String])
    case sources([String])
    case unknown
  }

  /// nil, and a finding, if it has no address to listen on, or nowhere to send clients to.
  func listener() -> Mapping? {
    var listener = Mapping()
    let (addresses, isBehindProxy) = binds()
    guard !addresses.isEmpty else {
      report(section.origin, "\(section.name) has no address to listen on: it is left out")
      return nil
    }
    listener.add("listen", .list(addresses), addresses[0].origin)
    let (names, otherwise) = routes()
    if let otherwise { listener.add("service", .text(otherwise.service), otherwise.origin) }
    if !names.isEmpty { listener.add("server_names", .mapping(names)) }
    guard otherwise != nil || !names.isEmpty else {
      report(section.origin, "\(section.name) has no backend here: it is left out")
      return nil
    }
    if isBehindProxy {
      listener.add("proxy_protocol", .mapping(["trusted": .list(["0.0.0.0/0", "::/0"])]))
    }
    if let line = section.last("tcp-request", "inspect-delay"), isBehindProxy || !names.isEmpty {
      listener.add("greeting_timeout", time(line[2], 100...300_000, line.origin), line.origin)
    }
    addLimits(to: &listener)
    if let access = access() { listener.add("access", access, section.origin) }
    return listener
  }

  private func time(_ text: String, _ range: ClosedRange<Int>, _ origin: Origin) -> Tree {
    let given = haproxyMilliseconds(text) ?? range.upperBound
    let fitted = min(max(given, range.lowerBound), range.upperBound)
    if fitted != given { report(origin, "\(given)ms becomes \(fitted)ms") }
    return .text(duration(fitted))
  }

  private func addLimits(to listener: inout Mapping) {
    if let line = section.last("maxconn"), let count = Int(line[1]), count > 0 {
      listener.add("max_connections", "\(min(count, 10_000_000))", line.origin)
    }
    let times = 10...86_400_000
    if let line = section.last("timeout", "connect") {
      let attempt = min(max(haproxyMilliseconds(line[2]) ?? 5000, 10), times.upperBound)
      let retries = section.last("retries").flatMap { Int($0[1]) } ?? 3
      let attempts = min(max(retries, 0), 99) + 1
      listener.add("connect_timeout", .text(duration(attempt)), line.origin)
      listener.add(
        "connect_budget", .text(duration(min(attempt * attempts, times.upperBound))), line.origin)
      listener.add("max_attempts", "\(attempts)", line.origin)
    }
    let idle = ["client", "server", "tunnel"].compactMap { section.last("timeout", $0) }
    let longest = idle.max {
      haproxyMilliseconds($0[2]) ?? 0 < haproxyMilliseconds($1[2]) ?? 0
    }
    if let line = longest {
      listener.add("idle_timeout", time(line[2], times, line.origin), line.origin)
    }
    for word in ["client-fin", "server-fin"] {
      if let line = section.last("timeout", word) {
        listener.add("half_closed_timeout", time(line[2], times, line.origin), line.origin)
        break
      }
    }
    for word in ["tcpka", "clitcpka", "srvtcpka"] where section.last("option", word) != nil {
      listener.add("tcp", .mapping(["keepalive": .mapping([:])]))
      break
    }
  }
}

// MARK: - where it listens

extension HAProxyFrontend {
  private func binds() -> (addresses: [Tree.Element], isBehindProxy: Bool) {
    var addresses: [Tree.Element] = []
    var isBehindProxy = false
    for line in section.all("bind") {
      let flags = line.words.dropFirst(2)
      guard !flags.contains("ssl") else {
        report(
          line.origin,
          "\(line[1]) ends TLS: say its certificates in proxy.listeners.\(section.name).tls; until "
            + "then it is left out")
        continue
      }
      isBehindProxy = isBehindProxy || flags.contains("accept-proxy")
      if flags.contains("accept-proxy") {
        report(line.origin, "accept-proxy believes everybody: say who the proxies are in trusted")
      }
      for part in line[1].split(separator: ",") {
        let found = Self.addresses(String(part))
        if found.isEmpty {
          report(line.origin, "\(part) is no address with a port: it is left out")
        }
        addresses += found.map { Tree.Element(tree: .text("\($0)"), origin: line.origin) }
      }
    }
    return (addresses, isBehindProxy)
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
  private typealias Other = (service: String, origin: Origin)

  /// The first rule that matches counts there; here an exact name comes before `*`, and the longest
  /// `*` before the others. So what an earlier rule hides is left out.
  private func routes() -> (names: Mapping, otherwise: Other?) {
    var names = Mapping()
    var otherwise: Other?
    for line in section.all("use_backend") {
      guard let service = service(line[1]) else {
        report(line.origin, "\(line[1]) is no backend of TCP here: the rule is left out")
        continue
      }
      switch condition(Array(line.words.dropFirst(2)), line.origin) {
      case .always: otherwise = otherwise ?? (service, line.origin)
      case .names(let found):
        for name in found {
          if names.entries.contains(where: { covers($0.key, name) }) || otherwise != nil {
            report(line.origin, "\(name) is another rule's already")
          } else {
            names.add(name, .text(service), line.origin)
          }
        }
      case .sources, .unknown:
        report(line.origin, "the condition of use_backend \(line[1]) has no counterpart")
      }
    }
    if otherwise == nil, let line = section.last("default_backend") {
      otherwise = service(line[1]).map { ($0, line.origin) }
      if otherwise == nil { report(line.origin, "\(line[1]) is no backend of TCP here") }
    }
    if otherwise == nil, section.kind == "listen" {
      otherwise = service(section.name).map { ($0, section.origin) }
    }
    return (names, otherwise)
  }

  private func covers(_ earlier: String, _ later: String) -> Bool {
    earlier == later || earlier.hasPrefix("*") && later.hasSuffix(earlier.dropFirst())
  }

  /// `if` and alternatives of rules by name, or of rules in place.
  private func condition(_ words: [String], _ origin: Origin) -> Condition {
    guard let first = words.first else { return .always }
    guard first == "if" else { return .unknown }
    var names: [String] = []
    var sources: [String] = []
    for part in words.dropFirst().split(whereSeparator: { ["or", "||"].contains($0) }) {
      let part = Array(part)
      let inPlace = part.first == "{" && part.last == "}" && !part.dropFirst().contains("{")
      let rules =
        inPlace
        ? [Array(part.dropFirst().dropLast())]
        : part.count == 1
          ? (section.defaults + section.lines).filter { $0[0] == "acl" && $0[1] == part[0] }
            .map { Array($0.words.dropFirst(2)) } : []
      if rules.isEmpty { return .unknown }
      for rule in rules {
        switch self.rule(rule, origin) {
        case .names(let found): names += found
        case .sources(let found): sources += found
        case .always, .unknown: return .unknown
        }
      }
    }
    if sources.isEmpty { return names.isEmpty ? .unknown : .names(names) }
    return names.isEmpty ? .sources(sources) : .unknown
  }

  /// `req.ssl_sni -i www.example.org`, `src 192.0.2.0/24`
  private func rule(_ words: [String], _ origin: Origin) -> Condition {
    guard let fetch = words.first else { return .unknown }
    var values: [String] = []
    var matching = fetch.hasSuffix("_end") ? "end" : "str"
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      if word == "-i" || word == "--" { continue }
      if word == "-m" {
        matching = rest.popFirst() ?? ""
      } else if word.hasPrefix("-") {
        return .unknown
      } else {
        values.append(word)
      }
    }
    switch fetch {
    case "src": return values.isEmpty ? .unknown : .sources(values)
    case "req.ssl_sni", "req_ssl_sni", "req.ssl_sni,lower", "req_ssl_sni_end", "ssl_fc_sni_end",
      "ssl_fc_sni", "ssl_fc_sni,lower":
      if matching == "str" { return .names(values.map { $0.lowercased() }) }
      guard matching == "end" else { return .unknown }
      return .names(
        values.flatMap { value -> [String] in
          let name = value.lowercased()
          if name.hasPrefix(".") { return ["*\(name)"] }
          report(origin, "\(name) stands for itself and what is below it")
          return [name, "*.\(name)"]
        })
    default: return .unknown
    }
  }

  /// Of `tcp-request connection reject` by addresses.
  private func access() -> Tree? {
    var denied: [String] = []
    for line in section.all("tcp-request") {
      switch (line[1], line[2]) {
      case ("inspect-delay", _): break
      case ("content", "accept"): break
      case ("connection", "reject"):
        guard case .sources(let found) = condition(Array(line.words.dropFirst(3)), line.origin)
        else { fallthrough }
        denied += found.filter { AddressPrefix($0) != nil }
        for file in found where AddressPrefix(file) == nil {
          report(line.origin, "\(file) is no prefix: it is left out")
        }
      default: report(line.origin, "\(line.words.joined(separator: " ")): is left out")
      }
    }
    guard !denied.isEmpty else { return nil }
    return .mapping(["deny": .mapping(["prefix": .list(denied.map { .text($0) })])])
  }
}
