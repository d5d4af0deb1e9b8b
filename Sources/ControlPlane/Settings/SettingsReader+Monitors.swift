import ProxyProtocol

extension SettingsReader {
  /// - Returns: also what a calculated monitor is made of, which it comes without.
  static func monitor(_ entry: Entry) -> (monitor: Settings.Monitor, children: Value?) {
    let read = entry.value.section { section in
      let type = section.required("type", "one of \(MonitorType.list)")?.choice(MonitorType.words)
      return type == .calculated
        ? calculated(entry.name, section) : (probed(entry.name, section, type), nil)
    }
    return read ?? (placeholder(entry.name), nil)
  }

  private static func probed(
    _ name: String, _ section: Section, _ type: MonitorType?
  ) -> Settings.Monitor {
    let interval = section.optional("interval")?.duration(.milliseconds(100) ... .seconds(3600))
    // An agent's word is taken at once, as HAProxy takes it.
    let (rise, fall) = type == .agent ? (1, 1) : (2, 3)
    var monitor = Settings.Monitor(
      name: name, kind: kind(type, section),
      port: section.optional("port")?.integer(1...65_535),
      interval: interval ?? .seconds(5), fastInterval: .seconds(1), timeout: .seconds(2),
      rise: section.optional("rise")?.integer(1...100) ?? rise,
      fall: section.optional("fall")?.integer(1...100) ?? fall)
    readTimes(section, into: &monitor)
    if type?.takesProxyHeader ?? true {
      let header = section.optional("proxy_protocol")
      monitor.proxyHeader = proxyHeader(header)
      monitor.followsPoolHeader = header == nil
    }
    return monitor
  }

  /// Stands for what could not be read.
  static func placeholder(_ name: String) -> Settings.Monitor {
    Settings.Monitor(
      name: name, kind: .tcp, port: nil, interval: .zero, fastInterval: .zero, timeout: .zero,
      rise: 1, fall: 1)
  }

  private enum MonitorType: String, CaseIterable {
    case tcp, http, https, dns, grpc, agent, command, calculated

    /// Agents are asked without one by HAProxy as well.
    var takesProxyHeader: Bool {
      switch self {
      case .tcp, .http, .https, .grpc: true
      case .dns, .agent, .command, .calculated: false
      }
    }

    static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }

    static var words: KeyValuePairs<String, MonitorType> {
      [
        "tcp": .tcp, "http": .http, "https": .https, "dns": .dns, "grpc": .grpc,
        "agent": .agent, "command": .command, "calculated": .calculated,
      ]
    }
  }

  static func proxyHeader(_ value: Value?) -> ProxyVersion? {
    let versions: KeyValuePairs<String, ProxyVersion?> = [
      "off": nil, "v1": .v1, "v2": .v2,
    ]
    return value?.choice(versions) ?? nil
  }

  /// A check that may outlast the interval would overlap the next one, and a fast interval that is
  /// slower than the usual one is a slip.
  private static func readTimes(_ section: Section, into monitor: inout Settings.Monitor) {
    let fast = section.optional("fast_interval")
    let timeout = section.optional("timeout")
    let interval = monitor.interval
    monitor.fastInterval =
      fast?.duration(.milliseconds(10) ... .seconds(3600)) ?? min(.seconds(1), interval)
    monitor.timeout =
      timeout?.duration(.milliseconds(10) ... .seconds(60)) ?? min(.seconds(2), interval)
    if monitor.fastInterval > interval {
      fast?.report("is longer than the interval of \(rendered(interval))")
    }
    if monitor.timeout > interval {
      timeout?.report("is longer than the interval of \(rendered(interval))")
    }
  }

  private static func kind(_ type: MonitorType?, _ section: Section) -> Settings.Monitor.Kind {
    switch type {
    case .tcp: return exchange(section)
    case .http: return .http(expectation(section))
    case .dns: return .dns(dnsExpectation(section))
    case .grpc: return .grpc(grpcExpectation(section))
    case .agent: return .agent(agent(section))
    case .command: return .command(command(section))
    case .https, .calculated, nil:
      // Without a type, all keys are known: its absence is the one fault.
      let expectation = expectation(section)
      return .https(expectation, verification(section.optional("tls")))
    }
  }

  private static func expectation(_ section: Section) -> Settings.Monitor.HTTPExpectation {
    var expectation = Settings.Monitor.HTTPExpectation(
      method: "GET", path: "/", host: nil, requestHeaders: [], statuses: [200...299],
      degradedStatuses: [], bodyContains: nil, responseHeaders: [])
    let methods: KeyValuePairs = ["GET": "GET", "HEAD": "HEAD", "OPTIONS": "OPTIONS"]
    expectation.method = section.optional("method")?.choice(methods) ?? expectation.method
    expectation.path = section.optional("path")?.requestPath() ?? expectation.path
    expectation.host = section.optional("host")?.authority()
    expectation.requestHeaders = section.optional("headers")?.headers() ?? []
    _ = section.optional("expect")?.section { expect in
      expectation.statuses = expect.optional("status")?.statuses() ?? expectation.statuses
      expectation.degradedStatuses = expect.optional("degraded")?.statuses() ?? []
      expectation.responseHeaders = expect.optional("headers")?.headers() ?? []
      let body = expect.optional("body")
      expectation.bodyContains = body?.text("the text that the body must contain")
      if expectation.method == "HEAD", let body { body.report("a HEAD request gets no body") }
      if let both = expectation.degradedStatuses.first(where: { degraded in
        expectation.statuses.contains { $0.overlaps(degraded) }
      }) {
        expect.optional("degraded")?.report(
          "\(renderedCodes(both)) would be healthy and degraded at once")
      }
    }
    return expectation
  }

  private static func renderedCodes(_ statuses: ClosedRange<Int>) -> String {
    statuses.count == 1
      ? "\(statuses.lowerBound)" : "\(statuses.lowerBound)-\(statuses.upperBound)"
  }

  static func verification(_ value: Value?) -> Settings.Monitor.TLSVerification {
    let verification = value?.section { section in
      Settings.Monitor.TLSVerification(
        isVerified: section.optional("verify")?.flag() ?? true,
        serverName: section.optional("server_name")?.hostName(),
        rootsFile: section.optional("roots")?.filePath(),
        expiryMargin: section.optional("degraded_before_expiry")?.duration(
          .seconds(3_600) ... .seconds(365 * 86_400)))
    }
    return verification
      ?? Settings.Monitor.TLSVerification(isVerified: true, serverName: nil, rootsFile: nil)
  }
}

extension Value {
  /// What stands in a Host header, or in `:authority` (RFC 9110 §7.2).
  func authority() -> String? {
    parsed("a host name, perhaps with a port") {
      $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !$0.isEmpty ? $0 : nil
    }
  }

  fileprivate func requestPath() -> String? {
    parsed("a path that starts with / and has no spaces") { text in
      let isClean = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
      return text.hasPrefix("/") && isClean ? text : nil
    }
  }

  /// `200`, `200-299`, or a list of them.
  fileprivate func statuses() -> [ClosedRange<Int>] {
    elements().compactMap { element in
      element.parsed("status codes such as 200 or 200-299") { text in
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let first = parts[0],
          let last = parts[parts.count - 1],
          first >= 100, first <= last, last <= 599
        else { return nil }
        return first...last
      }
    }
  }

  /// Header names (RFC 9110 §5.1) with values (§5.5), which can hold no line ends.
  fileprivate func headers() -> [Settings.Monitor.Header] {
    (entries() ?? []).compactMap { entry in
      let isToken = entry.name.utf8.allSatisfy { byte in
        (0x21...0x7E).contains(byte) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
      }
      if !isToken || entry.name.isEmpty { entry.key.report("is no header name") }
      return entry.value.line("a header value on one line").map {
        Settings.Monitor.Header(name: entry.name, value: $0)
      }
    }
  }
}
