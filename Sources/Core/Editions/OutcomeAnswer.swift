import DNSWire
import Places
import Routing

/// A record of a steered name, its owner the question's name.
struct SteeredRecord {
  var type: RecordType
  var ttlSeconds: UInt32
  var data: [UInt8]

  var bytes: [UInt8] {
    [0xC0, 0x0C] + bigEndianBytes(type.rawValue) + bigEndianBytes(RecordClass.internet.rawValue)
      + bigEndianBytes(ttlSeconds) + bigEndianBytes(UInt16(data.count)) + data
  }
}

/// What one outcome of a service comes to, type by type.
struct OutcomeAnswer {
  private let outcome: Outcome
  private let service: RoutingModel.Service
  private let ttlSeconds: UInt32
  /// Whether the service may ever have addresses of each family.
  private let families: (ipv4: Bool, ipv6: Bool)
  /// The addresses of each family; nil: a name that has not been resolved yet.
  private var ipv4: ResolvedNames.Addresses?
  private var ipv6: ResolvedNames.Addresses?
  /// Of a service that says which region another one has: `region=tokyo epoch=7`.
  private var primaryText: String?

  init(
    _ outcome: Outcome, service: RoutingModel.Service, model: RoutingModel, board: HealthBoard,
    resolved: ResolvedNames
  ) {
    self.outcome = outcome
    self.service = service
    ttlSeconds = outcome.isChanging ? service.changingTTLSeconds : service.ttlSeconds
    families = Self.families(of: service, model: model)
    let none = ResolvedNames.Addresses(addresses: [], ttlSeconds: ttlSeconds)
    switch service.content {
    case .names: (ipv4, ipv6) = (none, none)
    case .primary(let other):
      (ipv4, ipv6) = (none, none)
      primaryText = Self.text(of: other, model: model, board: board)
    case .endpoints:
      let sockets = endpointAddresses(of: outcome, service: service, model: model, board: board)
      (ipv4, ipv6) = (none, none)
      ipv4?.addresses = sockets.ipv4
      ipv6?.addresses = sockets.ipv6
    case .resolved(let targets):
      let names = outcome.regions.compactMap { targets[$0]?.wire }
      ipv4 = Self.merged(names, isIPv6: false, resolved, none)
      ipv6 = Self.merged(names, isIPv6: true, resolved, none)
    }
  }

  private static func families(
    of service: RoutingModel.Service, model: RoutingModel
  ) -> (ipv4: Bool, ipv6: Bool) {
    guard case .endpoints = service.content, let pool = service.pool else { return (true, true) }
    let isIPv6 = model.pools[pool].endpoints.joined().map {
      model.endpoints[$0].socket.address.isIPv6
    }
    return (isIPv6.contains(false), isIPv6.contains(true))
  }

  private static func text(
    of service: Int, model: RoutingModel, board: HealthBoard
  ) -> String? {
    board.admissions.primary(ofService: service).map {
      "region=\(model.regions[$0.region].name) epoch=\($0.epoch)"
    }
  }

  /// The addresses of those of the names that are resolved; nil if none is.
  private static func merged(
    _ names: [[UInt8]], isIPv6: Bool, _ resolved: ResolvedNames, _ none: ResolvedNames.Addresses
  ) -> ResolvedNames.Addresses? {
    let known = names.compactMap { resolved[.init(name: $0, isIPv6: isIPv6)] }
    if known.isEmpty && !names.isEmpty { return nil }
    return known.reduce(into: none) { sum, next in
      sum.addresses += next.addresses.filter { !sum.addresses.contains($0) }
      sum.ttlSeconds = min(sum.ttlSeconds, next.ttlSeconds)
      sum.isStale = sum.isStale || next.isStale
    }
  }

  /// How good the answer is.
  struct Standing {
    var isFailure = false
    var isForEveryone = false
    var extendedError: ExtendedError?
  }

  func standing(in slot: AnswerTable.Slot) -> Standing {
    if case .primary = service.content { return Standing() }
    if slot == .a && !families.ipv4 || slot == .aaaa && !families.ipv6 {
      return Standing(isForEveryone: true)
    }
    let known = sources(of: slot).compactMap(\.self)
    let isKnown = outcome.kind != .serve || !known.isEmpty
    var standing = Standing(isFailure: outcome.kind == .fail || !isKnown)
    standing.extendedError =
      switch outcome.basis {
      case _ where !isKnown: .notReady
      case .healthy, .degraded, .unknown: known.contains(where: \.isStale) ? .stale : nil
      case .fencedOut: .fencedOut
      case .noHome: .noHome
      case .fenceEmpty: records(in: slot).isEmpty ? .refusedInFence : .lastResortInFence
      case .panic, .lastResort: records(in: slot).isEmpty ? .noHealthyRegion : .lastResort
      }
    return standing
  }

  /// What the answer of a type is made of.
  private func sources(of slot: AnswerTable.Slot) -> [ResolvedNames.Addresses?] {
    switch slot {
    case .a: [ipv4]
    case .aaaa: [ipv6]
    default: [ipv4, ipv6]
    }
  }

  /// In the order in which they are answered; none unless the outcome serves.
  func records(in slot: AnswerTable.Slot) -> [SteeredRecord] {
    if let primaryText {
      // RFC 1035 §3.3.14: one character string, which is shorter than 255 bytes.
      return [
        SteeredRecord(
          type: .txt, ttlSeconds: service.changingTTLSeconds,
          data: [UInt8(clamping: primaryText.utf8.count)] + Array(primaryText.utf8))
      ]
    }
    guard outcome.kind == .serve else { return [] }
    if case .names(let targets) = service.content {
      // RFC 2181 §10.1: only one CNAME at a name.
      return outcome.regions.compactMap { targets[$0] }.prefix(1).map {
        SteeredRecord(type: .cname, ttlSeconds: ttlSeconds, data: $0.wire)
      }
    }
    return switch slot {
    case .a: addressRecords(ipv4, type: .a)
    case .aaaa: addressRecords(ipv6, type: .aaaa)
    case .https: bindingRecords(.https, type: .https)
    default: bindingRecords(.svcb, type: .svcb)
    }
  }

  private func addressRecords(
    _ found: ResolvedNames.Addresses?, type: RecordType
  ) -> [SteeredRecord] {
    guard let found else { return [] }
    return found.addresses.prefix(service.maximumAddresses).map {
      SteeredRecord(type: type, ttlSeconds: found.ttlSeconds, data: recordData(of: $0))
    }
  }

  private func bindingRecords(
    _ kind: BindingTemplate.Kind, type: RecordType
  ) -> [SteeredRecord] {
    guard ipv4 != nil || ipv6 != nil else { return [] }
    let hints = [ipv4, ipv6].map { found in
      (found?.addresses ?? []).prefix(service.maximumAddresses).flatMap(recordData)
    }
    let lifetimes = [ipv4, ipv6].compactMap { $0?.ttlSeconds }
    let ttlSeconds = lifetimes.min() ?? ttlSeconds
    return service.bindings.filter { $0.kind == kind }.map { template in
      var data = template.data
      if template.takesHints, var record = ServiceBindingRecord(data: data) {
        record.set(ServiceBindingRecord.ipv4Hint, to: hints[0])
        record.set(ServiceBindingRecord.ipv6Hint, to: hints[1])
        data = record.data
      }
      return SteeredRecord(type: type, ttlSeconds: ttlSeconds, data: data)
    }
  }
}

/// The distinct addresses of an outcome's endpoints, in order.
private func endpointAddresses(
  of outcome: Outcome, service: RoutingModel.Service, model: RoutingModel, board: HealthBoard
) -> (ipv4: [IPAddress], ipv6: [IPAddress]) {
  guard let pool = service.pool else { return ([], []) }
  let families = [false, true].map { isIPv6 in
    var seen: Set<IPAddress> = []
    return outcome.regions.flatMap { region in
      model.alternatingZones(
        usableEndpoints(
          of: model.pools[pool].endpoints[region].filter {
            model.endpoints[$0].socket.address.isIPv6 == isIPv6
          }, model: model, board: board, ignoringHealth: outcome.basis.ignoresHealth))
    }
    .map { model.endpoints[$0].socket.address }
    .filter { seen.insert($0).inserted }
  }
  return (families[0], families[1])
}

private func recordData(of address: IPAddress) -> [UInt8] {
  switch address {
  case .ipv4(let bits): bigEndianBytes(bits)
  case .ipv6(let bits): bigEndianBytes(bits)
  }
}
