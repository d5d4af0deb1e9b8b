import FoundationEssentials
import Places
import Yams

extension SettingsReader {
  static func dns(
    _ value: Value?, hasZones: Bool, node: Settings.Node
  ) -> (Settings.DNS, Settings.Answers) {
    var answers = Settings.Answers.standard
    var dns = Settings.DNS(
      listen: [], threads: ProcessInfo.processInfo.activeProcessorCount,
      receiveBufferBytes: 4 << 20, maximumUDPBytes: 1232, tcp: defaultStreams, tls: nil,
      streamThreads: ProcessInfo.processInfo.activeProcessorCount, trustedProxies: [],
      rateTableBytes: 4 << 20)
    if hasZones {
      dns.listen = [
        SocketAddress(address: .ipv4(0), port: 53), SocketAddress(address: .ipv6(0), port: 53),
      ]
    }
    _ = value?.section { section in
      dns.listen = section.optional("listen")?.listenAddresses() ?? dns.listen
      dns.threads = section.optional("threads")?.integer(1...256) ?? dns.threads
      dns.receiveBufferBytes =
        section.optional("receive_buffer")?.byteCount(64 << 10...1 << 30)
        ?? dns.receiveBufferBytes
      dns.maximumUDPBytes =
        section.optional("max_udp_size")?.integer(512...4096) ?? dns.maximumUDPBytes
      answers.read(section, node: node)
      if let limit = section.optional("rate_limit"), limit.isMapping {
        _ = limit.section { limit in
          answers.rateLimit?.read(limit)
          dns.rateTableBytes =
            limit.optional("table")?.byteCount(4 << 10...1 << 30) ?? dns.rateTableBytes
        }
      } else if section.optional("rate_limit")?.isOff() ?? false {
        answers.rateLimit = nil
      }
      _ = section.optional("tcp")?.section { tcp in
        dns.tcp = streams(tcp)
        dns.streamThreads = tcp.optional("threads")?.integer(1...256) ?? dns.streamThreads
      }
      dns.tls = encryptedDNS(section.optional("tls"), plain: dns.listen)
      dns.trustedProxies = trustedProxies(section.optional("proxy_protocol"))
      dns.resolvers = section.optional("resolvers")?.resolverAddresses() ?? []
      dns.dnstap = section.optional("dnstap").flatMap { dnstap($0) }
      dns.subnetCoverage = subnetCoverage(section.optional("ecs_coverage"))
    }
    return (dns, answers)
  }

  static func proxy(
    _ value: Value?, serviceNames: Names, services: [Settings.Service]
  ) -> Settings.Proxy {
    var proxy = Settings.Proxy(
      threads: ProcessInfo.processInfo.activeProcessorCount, listeners: [], accessLog: .off,
      bufferMemoryBytes: 256 << 20)
    _ = value?.section { section in
      proxy.threads = section.optional("threads")?.integer(1...256) ?? proxy.threads
      proxy.bufferMemoryBytes =
        section.optional("buffer_memory")?.byteCount(1 << 20...1 << 40) ?? proxy.bufferMemoryBytes
      proxy.clientTableBytes =
        section.optional("client_table")?.byteCount(4 << 10...1 << 32) ?? proxy.clientTableBytes
      proxy.accessLog = section.optional("access_log")?.accessLog() ?? .off
      proxy.logsConnects = section.optional("access_log_connects")?.flag() ?? false
      proxy.logInterval = section.optional("access_log_interval")?.duration(
        .seconds(1) ... .seconds(86_400))
      proxy.listeners = (section.optional("listeners")?.definitions() ?? []).compactMap {
        listener($0, serviceNames: serviceNames, services: services)
      }
    }
    return proxy
  }

  private static func listener(
    _ entry: Entry, serviceNames: Names, services: [Settings.Service]
  ) -> Settings.Proxy.Listener? {
    entry.value.section { section in
      let names = section.optional("server_names")
      let service =
        names == nil
        ? section.required("service", "the name of a service; or give server_names")
        : section.optional("service")
      let proxies = section.optional("proxy_protocol")
      let greeting = section.optional("greeting_timeout")
      let tls = section.optional("tls")
      let listen = section.required("listen", "addresses with ports, such as [127.0.0.1:8000]")
      let attempt = section.optional("connect_timeout")
      let times = Duration.milliseconds(10) ... .seconds(86_400)
      let listener = Settings.Proxy.Listener(
        name: entry.name, listen: listen?.listenAddresses() ?? [],
        service: service.flatMap { other($0, serviceNames, services) },
        serverNames: serverNames(names, serviceNames, services),
        trustedProxies: proxies.map { trustedProxies($0) },
        greetingTimeout: greeting?.duration(.milliseconds(100) ... .seconds(300)) ?? .seconds(3),
        tls: listenerTLS(tls),
        maximumConnections: section.optional("max_connections")?.integer(1...10_000_000) ?? 10_000,
        connectTimeout: attempt?.duration(times) ?? .seconds(1),
        connectBudget: section.optional("connect_budget")?.duration(times) ?? .seconds(5),
        maximumAttempts: section.optional("max_attempts")?.integer(1...100) ?? 4,
        raceAfter: raceDelay(section.optional("race_after")),
        repeatedBytes: repeatedBytes(section.optional("retry_after_reset")),
        idleTimeout: section.optional("idle_timeout")?.duration(times) ?? .seconds(600),
        halfClosedTimeout: section.optional("half_closed_timeout")?.duration(times)
          ?? .seconds(30),
        bufferBytes: section.optional("buffer")?.byteCount(4 << 10...1 << 20) ?? 64 << 10,
        tcp: tcp(section.optional("tcp")), access: access(section.optional("access")),
        clientLimits: clientLimits(section.optional("client_limits")),
        draining: section.optional("drain").flatMap { drain($0) })
      if names == nil && proxies == nil && tls == nil {
        greeting?.report("bounds nothing: there is no proxy_protocol, no server_names, no tls")
      }
      if listener.connectTimeout > listener.connectBudget {
        (attempt ?? section.value).report(
          "one attempt may take \(rendered(listener.connectTimeout)), longer than the "
            + "connect_budget of \(rendered(listener.connectBudget)) for all of them")
      }
      return listener
    }
  }

  /// `drain: {}`: as the process drains by default.
  private static func drain(_ value: Value) -> Settings.Draining? {
    value.section { draining($0, otherwise: Settings.Stopping().draining) }
  }

  /// Two listeners on one address: TCP would refuse the second at the start. The same port on all
  /// addresses and on one counts too. Port 0 is never the same port.
  static func reportListenersInConflict(_ document: Document) {
    var taken: [Document.Listener] = []
    let listeners = document.listeners.filter { $0.address.port != 0 }
    for listener in listeners.sorted(by: { $0.line < $1.line }) {
      if let other = taken.first(where: { conflicts($0.address, listener.address) }) {
        let taker = document.origin(line: other.line, path: other.path)
        document.report(
          line: listener.line, path: listener.path,
          "\(listener.address) is taken by \(taker.path) on line \(taker.line ?? 0)")
      }
      taken.append(listener)
    }
  }

  private static func conflicts(_ left: SocketAddress, _ right: SocketAddress) -> Bool {
    guard left.port == right.port else { return false }
    switch (left.address, right.address) {
    case (.ipv4(let left), .ipv4(let right)): return left == right || left == 0 || right == 0
    case (.ipv6(let left), .ipv6(let right)): return left == right || left == 0 || right == 0
    default: return false
    }
  }
}

extension Value {
  /// An address and a port to listen on; port 0 lets the system choose.
  func listenAddress() -> SocketAddress? {
    let address = socketAddress("an address with port, such as 127.0.0.1:53 or \"[::1]:53\"")
    if let address {
      document.listeners.append(
        Document.Listener(address: address, line: line ?? 0, path: path))
    }
    return address
  }

  func listenAddresses() -> [SocketAddress] {
    let elements = elements()
    if elements.isEmpty { report("wants at least one address with port") }
    return elements.compactMap { $0.listenAddress() }
  }

  /// Port 53 unless one is given.
  fileprivate func resolverAddresses() -> [SocketAddress] {
    let wanted = "the address of a resolver, such as 192.0.2.53 or \"[2001:db8::53]:5353\""
    let elements = elements()
    if elements.isEmpty { report("wants at least one address") }
    return elements.compactMap { element in
      guard let text = element.text(wanted) else { return nil }
      if let socket = SocketAddress(text), socket.port > 0 { return socket }
      guard let address = IPAddress(text) else {
        element.report("wants \(wanted), found \"\(text)\"")
        return nil
      }
      return SocketAddress(address: address, port: 53)
    }
  }

  /// `off`, `stdout` or the path of a file.
  func accessLog() -> Settings.Proxy.AccessLog? {
    switch text("off, stdout or the path of a file") {
    case nil: nil
    case "off": .off
    case "stdout": .standardOutput
    case let path?: .file(document.absolutePath(path))
    }
  }
}
