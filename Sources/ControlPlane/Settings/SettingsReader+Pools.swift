import Places

extension SettingsReader {
  static func pool(_ entry: Entry, regions: Names, monitors: Names) -> Settings.Pool {
    var pool = Settings.Pool(
      name: entry.name, monitor: nil, endpoints: [], panicThreshold: 0, minimumHealthy: 1)
    _ = entry.value.section { section in
      pool.monitor = section.optional("monitor")?.reference(to: monitors)
      pool.panicThreshold = section.optional("panic_threshold")?.share(0...1) ?? 0
      pool.minimumHealthy = section.optional("minimum_healthy")?.integer(1...10_000) ?? 1
      readZoneSharing(section, into: &pool)
      pool.balance = section.optional("balance").flatMap { balance($0) } ?? pool.balance
      pool.closing = closing(section.optional("open_connections"))
      pool.proxyHeader = proxyHeader(section.optional("proxy_protocol"))
      pool.tls = endpointTLS(section.optional("tls"))
      let value = section.required("endpoints", "a mapping from region to addresses with ports")
      pool.endpoints = value.map { endpoints($0, regions: regions) } ?? []
      if let value, value.entries()?.isEmpty == true { value.report("wants at least one region") }
    }
    return pool
  }

  private static func endpoints(_ value: Value, regions: Names) -> [Settings.Pool.Endpoint] {
    var endpoints: [Settings.Pool.Endpoint] = []
    for entry in value.entries() ?? [] {
      let region = regions.index(of: entry.name, at: entry.key)
      let elements = entry.value.elements()
      if elements.isEmpty {
        entry.value.report("wants at least one endpoint, such as 192.0.2.1:80")
      }
      for element in elements {
        for endpoint in self.endpoints(element, region: region ?? 0, after: endpoints.count) {
          let isTwice = endpoints.contains {
            $0.region == endpoint.region && $0.address == endpoint.address
              && $0.port == endpoint.port
          }
          if isTwice { element.report("\(element.found) stands twice in this region") }
          endpoints.append(endpoint)
        }
      }
    }
    return endpoints
  }

  /// `192.0.2.1:80`, or a mapping with an `address` of that form; with an `alternate` it is two.
  ///
  /// - Parameter count: of the endpoints that stand before in the pool.
  private static func endpoints(
    _ value: Value, region: Int, after count: Int
  ) -> [Settings.Pool.Endpoint] {
    guard value.isMapping else {
      return value.endpointAddress().map { [endpoint(region, $0)] } ?? []
    }
    let read = value.section { section -> [Settings.Pool.Endpoint] in
      let address = section.required("address", "an address with port, such as 192.0.2.1:80")
      let alternate = section.optional("alternate")
      let check = section.optional("check")?.endpointAddress()
      let weight = section.optional("weight")?.integer(0...1000) ?? 1
      let zone = section.optional("zone")?.availabilityZone()
      guard let address = address?.endpointAddress() else { return [] }
      var endpoints = [endpoint(region, address, check: check, weight: weight, zone: zone)]
      if let other = alternate?.alternateAddress(of: address) {
        endpoints[0].alternate = count + 1
        endpoints.append(endpoint(region, other, weight: weight, zone: zone))
      }
      return endpoints
    }
    return read ?? []
  }

  private static func endpoint(
    _ region: Int, _ address: SocketAddress, check: SocketAddress? = nil, weight: Int = 1,
    zone: String? = nil
  ) -> Settings.Pool.Endpoint {
    Settings.Pool.Endpoint(
      region: region, address: address.address, port: address.port,
      checkAddress: check?.address, checkPort: check?.port, weight: weight,
      availabilityZone: zone)
  }
}

extension Value {
  /// An address and a port that something can connect to.
  fileprivate func endpointAddress() -> SocketAddress? {
    let address = socketAddress(
      "an address with port, such as 192.0.2.1:80 or \"[2001:db8::1]:80\"")
    if address?.port == 0 { report("port 0 cannot be connected to") }
    return address
  }

  /// Where the same server is reached by the other family.
  fileprivate func alternateAddress(of address: SocketAddress) -> SocketAddress? {
    guard let other = endpointAddress() else { return nil }
    guard other.address.isIPv6 != address.address.isIPv6 else {
      let family = address.address.isIPv6 ? "IPv4" : "IPv6"
      report("wants the server's \(family) address, for \(address) is of the same family")
      return nil
    }
    return other
  }

  func socketAddress(_ wanted: String) -> SocketAddress? {
    parsed(wanted) { SocketAddress($0) }
  }
}
