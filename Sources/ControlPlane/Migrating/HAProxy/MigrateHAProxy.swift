package import Settings

extension Migration {
  /// The proxy that forwards TCP as HAProxy did.
  ///
  /// - Parameters:
  ///   - region: its name: HAProxy knows of none.
  ///   - folder: where relative paths of the result start.
  /// - Throws: what is wrong in the file, by its lines.
  package static func haproxy(
    _ source: SourceText, region: String = "here", folder: String = "/"
  ) throws(Faults) -> Migration {
    var migrating = HAProxyMigration(region: region)
    let file = try HAProxyFile(source)
    for line in file.unreadTimes {
      migrating.findings.report(
        line.origin, "\(line.text): no time that is known here: it is left out")
    }
    migrating.read(file)
    return try Migration(
      of: "haproxy", migrating.sections(), findings: migrating.findings.all, folder: folder,
      origin: source.origin(1))
  }
}

/// One migration from HAProxy under way.
struct HAProxyMigration {
  let findings = Findings()
  private let region: String
  private var monitors = Mapping()
  private var pools = Mapping()
  private var services = Mapping()
  private var listeners = Mapping()
  /// By name.
  private var backends: [String: HAProxyFrontend.Backend] = [:]
  private var backendNames = NameBook()
  private var listenerNames = NameBook()
  private var hasLog = false
  /// `ssl-server-verify` of `global`.
  private var serverVerify: String?

  init(region: String) { self.region = region }

  mutating func read(_ file: HAProxyFile) {
    let report = findings.report
    for section in file.sections where section.kind == "global" { readGlobal(section) }
    var isUsed: [Bool] = []
    for section in file.sections {
      for line in section.own.all where line[0].hasPrefix(".") {
        report(line.origin, "\(line.text): what stands under a condition counts here always")
      }
      let isProxy = ["frontend", "backend", "listen"].contains(section.kind)
      var isRead = false
      if isProxy, let line = section.last("mode"), line[1] != "tcp" {
        report(section.origin, "\(section.name) is of mode \(line[1]): it is left out")
      } else if isProxy, section.isDisabled {
        report(section.origin, "\(section.name) is disabled: it is left out")
      } else if isProxy {
        isRead = true
        reportUnknown(section)
        if section.kind != "frontend" { readBackend(section) }
      } else if section.kind != "global", section.kind != "defaults" {
        report(section.origin, "\(section.kind) \(section.name) is left out")
      }
      isUsed.append(isRead)
    }
    for (section, isRead) in zip(file.sections, isUsed) where isRead && section.kind != "backend" {
      readFrontend(section)
    }
    guard backends.isEmpty else { return }
    let origin = file.sections.first?.origin ?? file.origin
    report(origin, "nothing became a service: there is no backend of mode tcp with an address")
  }

  /// Of the process, or for TLS and HTTP, which is told elsewhere.
  private static let passedOver: Set = [
    "daemon", "user", "group", "uid", "gid", "chroot", "log", "log-tag", "log-send-hostname",
    "stats", "pidfile", "nbthread", "nbproc", "cpu-map", "master-worker", "ca-base", "crt-base",
    "node", "description", "ulimit-n", "quiet", "debug", "zero-warning", "ssl-server-verify",
    "hard-stop-after", "localpeer", "set-dumpable", "expose-fd", "maxsslconn", "ssl-dh-param-file",
    "ssl-default-bind-ciphers", "ssl-default-bind-options", "ssl-default-bind-ciphersuites",
  ]

  private mutating func readGlobal(_ section: HAProxyFile.Section) {
    for line in section.own.all {
      if line[0] == "ssl-server-verify" { serverVerify = line[1] }
      if !Self.passedOver.contains(line[0]), !line[0].hasPrefix("tune."), !line[0].hasPrefix(".") {
        findings.report(line.origin, "\(line[0]) of global has no counterpart: it is left out")
      }
    }
  }

  private mutating func readBackend(_ section: HAProxyFile.Section) {
    let backend = HAProxyBackend(
      section, serverVerify: serverVerify, report: findings.report)
    guard !backend.servers.isEmpty else {
      findings.report(section.origin, "\(section.name) has no server: it is left out")
      return
    }
    guard backends[section.name] == nil else {
      findings.report(section.origin, "\(section.name) is there twice: the first counts")
      return
    }
    let name = backendNames.name(section.name, wanted: section.name)
    backends[section.name] = HAProxyFrontend.Backend(service: name, section: section)
    let monitor = backend.monitor()
    if let monitor { monitors.add(name, .mapping(monitor), section.origin) }
    pools.add(
      name, .mapping(backend.pool(region: region, monitor: monitor.map { _ in name })),
      section.origin)
    services.add(
      name, .mapping(["policy": "all-clients", "pool": .text(name)]), section.origin)
  }

  private mutating func readFrontend(_ section: HAProxyFile.Section) {
    let frontend = HAProxyFrontend(section: section, backends: backends, report: findings.report)
    hasLog = hasLog || section.option("tcplog") != nil
    for (suffix, listener) in frontend.listeners() {
      let name = listenerNames.name(
        "\(section.kind) \(section.name)\(suffix)", wanted: "\(section.name)\(suffix)")
      listeners.add(name, .mapping(listener), section.origin)
    }
  }

  /// What is read elsewhere, or says nothing to a proxy of bytes.
  private static let known: Set = [
    "bind", "server", "default-server", "balance", "mode", "acl", "use_backend", "default_backend",
    "maxconn", "retries", "timeout", "tcp-request", "tcp-check", "http-check", "option", "log",
    "description", "id", "log-format", "log-tag", "disabled", "enabled", "errorfile", "errorloc",
    "errorloc302", "errorloc303", "stats", "compression", "http-request", "http-response",
    "http-after-response", "http-reuse", "unique-id-format", "unique-id-header", "monitor-uri",
    "capture", "cookie", "email-alert",
  ]
  private static let knownOptions: Set = [
    "tcplog", "httpchk", "tcp-check", "redis-check", "ssl-hello-chk", "smtpchk", "mysql-check",
    "pgsql-check", "ldap-check", "spop-check", "external-check", "tcpka", "clitcpka", "srvtcpka",
    "allbackups",
    // Of logs, of HTTP, or how bytes are moved; another server is always tried here.
    "dontlognull", "dontlog-normal", "log-health-checks", "log-separate-errors", "logasap",
    "splice-auto", "splice-request", "splice-response", "tcp-smart-accept", "tcp-smart-connect",
    "socket-stats", "contstats", "redispatch", "abortonclose", "nolinger", "httplog",
    "http-server-close", "http-keep-alive", "httpclose", "forwardfor", "forwarded", "originalto",
    "http-buffer-request", "http-use-htx", "http-ignore-probes", "http-no-delay",
    "http-pretend-keepalive", "http-restrict-req-hdr-names", "http_proxy", "httpslog",
    "prefer-last-server", "accept-invalid-http-request", "accept-invalid-http-response",
    "checkcache", "disable-h2-upgrade", "idle-close-on-response",
  ]
  private static let knownTimeouts: Set = [
    "connect", "client", "server", "tunnel", "check", "client-fin", "server-fin",
    // Of HTTP; nobody waits in a queue here.
    "http-request", "http-keep-alive", "queue",
  ]

  private func reportUnknown(_ section: HAProxyFile.Section) {
    for line in section.own.all { reportUnknown(line) }
    guard !section.defaults.isTold else { return }
    section.defaults.isTold = true
    for line in section.defaults.all { reportUnknown(line) }
  }

  private func reportUnknown(_ line: HAProxyFile.Line) {
    let isKnown =
      switch line[0] {
      case "option": line.isNegated || Self.knownOptions.contains(line[1])
      case "timeout": Self.knownTimeouts.contains(line[1])
      default: Self.known.contains(line[0]) || line[0].hasPrefix(".")
      }
    if !isKnown {
      let what = ["option", "timeout"].contains(line[0]) ? "\(line[0]) \(line[1])" : line[0]
      findings.report(line.origin, "\(what) has no counterpart: it is left out")
    }
    if line[0] == "tcp-request", line[1] != "inspect-delay" {
      // What lets nobody in or keeps nobody out is told where it is read.
      let isRead = ["connection", "session", "content"].contains(line[1])
      if !isRead { findings.report(line.origin, "\(line.text): is left out") }
    }
  }

  func sections() -> Mapping {
    var sections = Mapping()
    guard !services.isEmpty else { return ["admin": .mapping(["listen": "off"])] }
    sections.add("regions", .mapping([region: .mapping([:])]))
    sections.add("monitors", .mapping(monitors))
    sections.add("pools", .mapping(pools))
    sections.add(
      "policies",
      .mapping(["all-clients": .mapping(["type": "failover", "order": .list([.text(region)])])]))
    sections.add("services", .mapping(services))
    var proxy = Mapping()
    if hasLog { proxy.add("access_log", "stdout") }
    proxy.add("listeners", .mapping(listeners))
    if !listeners.isEmpty { sections.add("proxy", .mapping(proxy)) }
    return sections
  }
}
