import Places
import ServerNames

extension SettingsReader {
  /// The services of connections that ask for a name.
  static func serverNames(
    _ value: Value?, _ names: Names, _ services: [Settings.Service]
  ) -> [Settings.Proxy.ServerName] {
    var lines: [ServerNamePattern: Int] = [:]
    return (value?.entries() ?? []).compactMap { entry in
      guard let pattern = ServerNamePattern(entry.name) else {
        entry.key.report("wants a host name, or one below *, such as *.example.org")
        return nil
      }
      if pattern.isAny {
        entry.key.report("stands for all names", suggestion: "name their service as `service`")
      }
      if let line = lines[pattern] {
        entry.key.report("the same name, in other letters, stands on line \(line)")
      }
      lines[pattern] = entry.key.line ?? 0
      return connectable(entry.value, names, services).map {
        Settings.Proxy.ServerName(pattern: pattern, service: $0)
      }
    }
  }

  /// The service of connections that no name sends elsewhere.
  static func other(_ value: Value, _ names: Names, _ services: [Settings.Service]) -> Int? {
    let index = connectable(value, names, services)
    if let index, services[index].isKeyed {
      value.report(
        "service \"\(services[index].name)\" goes by a name, and these connections have none",
        suggestion: "name it under server_names, or use one whose policy is not of type home")
    }
    return index
  }

  /// The index of a service whose endpoints can be connected to.
  private static func connectable(
    _ value: Value, _ names: Names, _ services: [Settings.Service]
  ) -> Int? {
    guard let index = value.reference(to: names) else { return nil }
    if services[index].content != .endpoints {
      value.report(
        "service \"\(services[index].name)\" answers names, and a listener needs endpoints",
        suggestion: "use a service with a pool and without cname and alias")
    }
    return index
  }

  static func access(_ value: Value?) -> Settings.Proxy.Access? {
    value?.section { section in
      let access = Settings.Proxy.Access(
        allowed: section.optional("allow")?.section { Settings.ClientMatch($0) },
        denied: section.optional("deny")?.section { Settings.ClientMatch($0) })
      if access.allowed == nil && access.denied == nil {
        section.value.report("says nothing; wants allow or deny, such as {deny: {country: [KP]}}")
      }
      return access
    }
  }

  static func repeatedBytes(_ value: Value?) -> Int {
    let wanted = "off, or a size from 1KiB to 64KiB"
    let bytes = value?.parsed(wanted) { text in
      text == "off" ? 0 : parsedByteCount(text).flatMap { (1024...65_536).contains($0) ? $0 : nil }
    }
    return bytes ?? 0
  }

  static func raceDelay(_ value: Value?) -> Settings.Proxy.RaceDelay {
    let range = Duration.milliseconds(1) ... .seconds(60)
    let delay = value?.parsed("auto, off, or a duration from 1ms to 60s") { text in
      switch text {
      case "auto": Settings.Proxy.RaceDelay.automatic
      case "off": .never
      default: parsedDuration(text).flatMap { range.contains($0) ? .after($0) : nil }
      }
    }
    return delay ?? .automatic
  }

  static func tcp(_ value: Value?) -> Settings.Proxy.TCP {
    var tcp = Settings.Proxy.TCP()
    _ = value?.section { section in
      tcp.keepAlive = section.optional("keepalive").flatMap(keepAlive)
      tcp.userTimeout = section.optional("user_timeout")?.duration(
        .milliseconds(100) ... .seconds(86_400))
      tcp.sendsAtOnce = section.optional("no_delay")?.flag() ?? true
      tcp.fastOpenQueue = section.optional("fast_open")?.integer(0...65_535) ?? 0
      tcp.backlog = section.optional("backlog")?.integer(1...65_535) ?? tcp.backlog
      tcp.mark = section.optional("mark")?.integer(0...Int(UInt32.max)) ?? 0
      tcp.sources = sources(section.optional("source"))
    }
    return tcp
  }

  private static func keepAlive(_ value: Value) -> Settings.Proxy.TCP.KeepAlive? {
    let seconds = Duration.seconds(1) ... .seconds(32_767)
    return value.section { section in
      Settings.Proxy.TCP.KeepAlive(
        idle: section.optional("idle")?.duration(seconds) ?? .seconds(60),
        interval: section.optional("interval")?.duration(seconds) ?? .seconds(10),
        probes: section.optional("probes")?.integer(1...127) ?? 6)
    }
  }

  /// At most one address of each family.
  private static func sources(_ value: Value?) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for element in value?.elements() ?? [] {
      guard let address = element.parsed("an address, such as 192.0.2.7", { IPAddress($0) }) else {
        continue
      }
      if addresses.contains(where: { isSameFamily($0, address) }) {
        element.report(
          "a second address of the same family", suggestion: "leave one of them out")
      }
      addresses.append(address)
    }
    return addresses
  }

  private static func isSameFamily(_ one: IPAddress, _ other: IPAddress) -> Bool {
    switch (one, other) {
    case (.ipv4, .ipv4), (.ipv6, .ipv6): true
    default: false
    }
  }
}
