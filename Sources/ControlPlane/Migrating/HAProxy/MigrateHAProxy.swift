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
    try migrating.read(HAProxyFile(source))
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
  /// By backend.
  private var serviceNames: [String: String] = [:]
  private var backendNames = NameBook()
  private var listenerNames = NameBook()
  private var hasLog = false

  init(region: String) { self.region = region }

  mutating func read(_ file: HAProxyFile) {
    let report = findings.report
    for section in file.sections {
      switch section.kind {
      case "global", "defaults": break
      case "frontend", "backend", "listen":
        if let line = section.last("mode"), line[1] != "tcp" {
          report(section.origin, "\(section.name) is of mode \(line[1]): it is left out")
        } else if section.kind != "frontend" {
          readBackend(section)
        }
      default: report(section.origin, "\(section.kind) \(section.name) is left out")
      }
    }
    for section in file.sections where ["frontend", "listen"].contains(section.kind) {
      guard section.last("mode").map({ $0[1] == "tcp" }) ?? true else { continue }
      readFrontend(section)
    }
  }

  private mutating func readBackend(_ section: HAProxyFile.Section) {
    let backend = HAProxyBackend(section, report: findings.report)
    reportUnknown(section)
    guard !backend.servers.isEmpty else {
      findings.report(section.origin, "\(section.name) has no server: it is left out")
      return
    }
    let name = backendNames.name(section.name, wanted: section.name)
    guard serviceNames.updateValue(name, forKey: section.name) == nil else {
      findings.report(section.origin, "\(section.name) is there twice: the first counts")
      return
    }
    let monitor = backend.monitor()
    if let monitor { monitors.add(name, .mapping(monitor), section.origin) }
    pools.add(
      name, .mapping(backend.pool(region: region, monitor: monitor.map { _ in name })),
      section.origin)
    services.add(
      name, .mapping(["policy": "all-clients", "pool": .text(name)]), section.origin)
  }

  private mutating func readFrontend(_ section: HAProxyFile.Section) {
    if section.kind == "frontend" { reportUnknown(section) }
    let names = serviceNames
    let frontend = HAProxyFrontend(
      section: section, service: { names[$0] }, report: findings.report)
    hasLog = hasLog || section.last("option", "tcplog") != nil
    guard let listener = frontend.listener() else { return }
    let name = listenerNames.name("\(section.kind) \(section.name)", wanted: section.name)
    listeners.add(name, .mapping(listener), section.origin)
  }

  /// What is read elsewhere, or says nothing to a proxy of bytes.
  private static let known: Set = [
    "bind", "server", "default-server", "balance", "mode", "acl", "use_backend", "default_backend",
    "maxconn", "retries", "timeout", "tcp-request", "tcp-check", "http-check", "option", "log",
    "description", "id", "hash-type", "log-format", "log-tag", "no", "disabled", "enabled",
    "fullconn",
  ]

  private func reportUnknown(_ section: HAProxyFile.Section) {
    for line in section.lines where !Self.known.contains(line[0]) {
      findings.report(line.origin, "\(line[0]) has no counterpart: it is left out")
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
