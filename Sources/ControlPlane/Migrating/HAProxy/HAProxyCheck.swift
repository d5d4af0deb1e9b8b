import Settings

/// Makes the monitor of a pool of what a backend of HAProxy checks.
extension HAProxyBackend {
  /// nil: nothing is checked.
  func monitor() -> Mapping? {
    guard let server = servers.first(where: \.isChecked) else { return nil }
    for other in servers where !other.isChecked {
      report(other.origin, "server \(other.name) was not checked, and is here as the others are")
    }
    let checked = servers.filter(\.isChecked)
    for key in ["inter", "fastinter", "rise", "fall"] {
      tellOthers(than: server, key, among: checked) { $0[key] }
    }
    tellOthers(than: server, "whether checks speak TLS", among: checked, \.checksTLS)
    tellOthers(than: server, "check-send-proxy", among: checked) { checkHeader(of: $0) }
    if server.checksTLS, server["verify"] ?? serverVerify != "none" {
      report(server.origin, "checks do not verify the certificate here: say monitors.NAME.tls")
    }
    var monitor = kind(isTLS: server.checksTLS)
    // Without it, it is as the pool where the check goes to the server itself, as there.
    if let header = checkHeader(of: server) {
      monitor.add("proxy_protocol", .text(header), server.origin)
    }
    let interval = time(server["inter"], 2000, 100...3_600_000, server.origin)
    monitor.add("interval", .text(duration(interval)), server.origin)
    if let fast = server["fastinter"] {
      let time = time(fast, 1000, 10...interval, server.origin)
      monitor.add("fast_interval", .text(duration(time)), server.origin)
    }
    let (timeout, line) = timeout(interval)
    monitor.add("timeout", .text(duration(timeout)), line?.origin)
    for (key, usual) in [("rise", 2), ("fall", 3)] {
      let count = server[key].flatMap { Int($0) } ?? usual
      let fitted = min(max(count, 1), 100)
      if fitted != count { report(server.origin, "\(key) \(count) becomes \(fitted)") }
      monitor.add(key, "\(fitted)", server.origin)
    }
    return monitor
  }

  private func checkHeader(of server: HAProxyServer) -> String? {
    guard server.options.flags.contains("check-send-proxy") else { return nil }
    return server.proxyHeader ?? "v1"
  }

  /// With `timeout check` that and the time to connect, which is no longer than `inter`; `inter`
  /// without it.
  private func timeout(_ interval: Int) -> (milliseconds: Int, line: HAProxyFile.Line?) {
    let longest = min(60_000, interval)
    guard let line = section.last("timeout", "check"), let check = haproxyMilliseconds(line[2])
    else { return (longest, nil) }
    let connect = section.last("timeout", "connect").flatMap { haproxyMilliseconds($0[2]) }
    let whole = min(connect ?? interval, interval) + check
    return (time("\(whole)", interval, 10...longest, line.origin), line)
  }

  private func time(
    _ text: String?, _ usual: Int, _ range: ClosedRange<Int>, _ origin: Origin
  ) -> Int {
    let given = text.flatMap { haproxyMilliseconds($0) } ?? usual
    let fitted = min(max(given, range.lowerBound), range.upperBound)
    if text != nil, fitted != given { report(origin, "\(given)ms becomes \(fitted)ms") }
    return fitted
  }

  static let checkKinds: Set = [
    "httpchk", "tcp-check", "redis-check", "ssl-hello-chk", "smtpchk", "mysql-check",
    "pgsql-check", "ldap-check", "spop-check", "external-check",
  ]

  /// The last `option` that names a kind counts, its own before that of `defaults`.
  private func kind(isTLS: Bool) -> Mapping {
    let option = section.own.check ?? section.defaults.check
    let used = option?[1] == "httpchk" ? "http-check" : option?[1] ?? ""
    for word in ["http-check", "tcp-check"] where word != used {
      for line in section.all(word) {
        report(line.origin, "\(word): nothing is checked by it, for want of its option")
      }
    }
    var tcp: Mapping = ["type": "tcp"]
    guard let option else { return isTLS ? overTLS(tcp) : tcp }
    switch option[1] {
    case "httpchk": return http(option, isTLS: isTLS)
    case "redis-check":
      tcp.add("send", "PING\r\n")
      tcp.add("expect", .mapping(["prefix": "+PONG"]))
    case "tcp-check": for line in checkRules("tcp-check") { add(line, to: &tcp) }
    case "ssl-hello-chk": return overTLS(tcp)
    default:
      report(
        option.origin, "option \(option[1]): a connection is all that is checked here")
    }
    return isTLS ? overTLS(tcp) : tcp
  }

  private func overTLS(_ monitor: Mapping) -> Mapping {
    var monitor = monitor
    monitor.add("tls", .mapping(["verify": "false"]))
    return monitor
  }

  /// Its own; those of `defaults` where it has none.
  private func checkRules(_ word: String) -> [HAProxyFile.Line] {
    let own = section.all(word)
    return own.isEmpty ? section.defaults.all(word) : own
  }

  /// The first text that is sent, and the first that is expected behind it.
  private func add(_ line: HAProxyFile.Line, to tcp: inout Mapping) {
    let keys = tcp.entries.map(\.key)
    let isText = line.text.utf8.allSatisfy { $0 < 0x80 }
    switch (line[1], line[2]) {
    case ("connect", "") where keys.count == 1: break
    case ("send", let text)
    where isText && !text.isEmpty && line.words.count == 3 && keys.count == 1:
      tcp.add("send", .text(text), line.origin)
    case ("expect", "string")
    where isText && !line[3].isEmpty && line.words.count == 4 && !keys.contains("expect"):
      tcp.add("expect", .mapping(["contains": .text(line[3])]), line.origin)
    default: report(line.origin, "\(line.text): is left out")
    }
  }

  private func http(_ line: HAProxyFile.Line, isTLS: Bool) -> Mapping {
    var request = Request()
    let words = line.words.dropFirst(2)
    if words.count > 1 { request.method = words[words.startIndex] }
    request.path = words.count > 1 ? words[words.startIndex + 1] : words.first ?? "/"
    if line[4].contains("\r\n") {
      report(line.origin, "headers behind the version are left out: say them in headers and host")
    }
    var status: Tree = "200-399"
    // An `option httpchk` of its own takes those of `defaults` away.
    let isOwn = section.all("option").contains { $0.origin == line.origin }
    for check in isOwn ? section.all("http-check") : checkRules("http-check") {
      switch (check[1], check[2]) {
      case ("send", _): request.take(check, report)
      case ("expect", "status") where check.words.count == 4:
        status = .list(check[3].split(separator: ",").map { .text(String($0)) })
      default: report(check.origin, "\(check.text): is left out")
      }
    }
    if !["GET", "HEAD", "OPTIONS"].contains(request.method) {
      report(line.origin, "method \(request.method) becomes GET")
      request.method = "GET"
    }
    var monitor: Mapping = ["type": isTLS ? "https" : "http"]
    if isTLS { monitor = overTLS(monitor) }
    monitor.add("method", .text(request.method), line.origin)
    monitor.add("path", .text(request.path), line.origin)
    if let host = request.host { monitor.add("host", .text(host), line.origin) }
    if !request.headers.isEmpty {
      monitor.add("headers", .mapping(request.headers), line.origin)
    }
    monitor.add("expect", .mapping(["status": status]), line.origin)
    return monitor
  }

  /// What `option httpchk` and `http-check send` say is asked.
  private struct Request {
    var method = "OPTIONS"
    var path = "/"
    var host: String?
    var headers = Mapping()

    /// `meth`, `uri`, `ver` and `hdr` with their values; of several headers of a name the first.
    mutating func take(_ line: HAProxyFile.Line, _ report: (Origin, String) -> Void) {
      var rest = line.words.dropFirst(2)
      while let key = rest.popFirst() {
        let value = rest.popFirst() ?? ""
        switch key {
        case "meth": method = value
        case "uri": path = value
        case "ver": break
        case "hdr":
          let text = rest.popFirst() ?? ""
          if value.lowercased() == "host" {
            host = text
          } else if !headers.entries.contains(where: { $0.key.lowercased() == value.lowercased() }),
            !text.contains("%[")
          {
            headers.add(value, .text(text), line.origin)
          } else {
            report(line.origin, "header \(value): is left out")
          }
        default: report(line.origin, "\(key) of http-check send: is left out")
        }
      }
    }
  }
}
