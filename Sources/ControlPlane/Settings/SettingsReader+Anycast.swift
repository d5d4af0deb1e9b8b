import DNSWire
import Places

extension SettingsReader {
  /// - Parameters:
  ///   - zones: of the first of which the node asks itself, unless a name is given.
  ///   - hasAdmin: whoever speaks to routers asks the admin server.
  static func anycast(
    _ value: Value?, zones: [Settings.Zone], hasAdmin: Bool
  ) -> Settings.Anycast? {
    let read = value?.section { section -> Settings.Anycast? in
      let prefixes = section.required("prefixes", "prefixes such as [192.0.2.53/32]")
      let name = section.optional("name")
      let question = name.map { $0.anycastQuestion() } ?? apex(of: zones)
      var anycast = Settings.Anycast(
        prefixes: prefixes?.anycastPrefixes() ?? [],
        question: question ?? Settings.Anycast.Question(name: .root, type: .soa))
      anycast.holdUp = section.optional("hold_up")?.duration(hour) ?? anycast.holdUp
      anycast.fall = section.optional("fall")?.integer(1...100) ?? anycast.fall
      anycast.drain = section.optional("drain")?.duration(hour) ?? anycast.drain
      let most = Int(UInt32.max)
      let degraded = section.optional("degraded_med")
      if let med = section.optional("med")?.integer(0...most) {
        anycast.med = UInt32(med)
        anycast.degradedMED = UInt32(min(med + 100, most))
      }
      if let med = degraded?.integer(0...most) { anycast.degradedMED = UInt32(med) }
      if anycast.degradedMED < anycast.med {
        (degraded ?? section.value).report(
          "\(anycast.degradedMED) is better than med, which is \(anycast.med): the lower the "
            + "better")
      }
      anycast.staleAfter =
        section.optional("stale_after")?.duration(.zero ... .seconds(30 * 86_400))
        ?? anycast.staleAfter
      anycast.followsRegion =
        section.optional("follows_region")?.flag() ?? anycast.followsRegion
      if name == nil && zones.isEmpty {
        section.value.report(
          "the node has no zone that it could ask itself for", suggestion: "say a name")
      }
      if !hasAdmin {
        section.value.report(
          "whoever speaks to the routers asks the admin server, and there is none",
          suggestion: "say admin.listen")
      }
      return anycast
    }
    return read ?? nil
  }

  private static let hour = Duration.zero ... .seconds(3600)

  /// The SOA of the first zone, which whoever has the zone can answer.
  private static func apex(of zones: [Settings.Zone]) -> Settings.Anycast.Question? {
    zones.first.flatMap { try? DomainName($0.name) }
      .map { Settings.Anycast.Question(name: $0, type: .soa) }
  }
}

extension Value {
  fileprivate func anycastQuestion() -> Settings.Anycast.Question? {
    absoluteName().flatMap { try? DomainName($0.text) }
      .map { Settings.Anycast.Question(name: $0, type: .a) }
  }

  fileprivate func anycastPrefixes() -> [AddressPrefix] {
    if elements().isEmpty { report("wants at least one prefix") }
    var prefixes: [AddressPrefix] = []
    for element in elements() {
      let prefix = element.parsed(
        "a prefix such as 192.0.2.53/32, no bits set behind its length"
      ) { AddressPrefix($0) }
      guard let prefix else { continue }
      if prefixes.contains(prefix) { element.report("is there twice") }
      prefixes.append(prefix)
    }
    return prefixes
  }
}
