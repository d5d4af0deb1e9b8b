package import Routing
package import Settings

/// What is different in a question: regions that fail, another configuration, other geodata.
package struct Scenario: Sendable, Equatable {
  /// Names of regions that health checks find unhealthy.
  package var down: [String] = []
  /// Names of regions that an operator drains.
  package var drained: [String] = []
  /// By region: −99...99, in every policy that measures distance to it.
  package var biases: [String: Int] = [:]
  /// By region: the share of its clients that its dial lets in, 0...1.
  package var dials: [String: Double] = [:]
  /// Paths of .mmdb files in place of the configuration's; nil: those.
  package var databases: [String]?
  /// Another configuration, of which the changes above are then made; nil: the same.
  package var configuration: Settings?

  package init() {}

  /// Whether anything must be compiled anew.
  var changesSettings: Bool { !biases.isEmpty || databases != nil || configuration != nil }

  /// The settings that the scenario is about.
  func settings(from base: Settings) -> Settings {
    var settings = configuration ?? base
    if let databases { settings.geo.databases = databases }
    for index in settings.policies.indices {
      settings.policies[index].kind = settings.policies[index].kind.biased(
        by: biases, regions: settings.regions.map(\.name))
    }
    return settings
  }

  /// The board with the failures on it.
  package func board(from base: HealthBoard, model: RoutingModel) -> HealthBoard {
    var base = base
    if !dials.isEmpty {
      base.admissions.dials = model.regions.enumerated().map {
        dials[$0.element.name] ?? base.admissions.dial(of: $0.offset)
      }
    }
    let failures = [(down, Failure.Manner.unhealthy), (drained, .drained)]
    return failures.reduce(base) { board, failure in
      let regions = model.regions.indices.filter { failure.0.contains(model.regions[$0].name) }
      return Failure(regions: regions, manner: failure.1).applied(to: board, model: model)
    }
  }

  /// Names that no region has, and biases beyond their range, in words.
  package func faults(regions: [String]) -> [String] {
    let unknown = (down + drained + biases.keys.sorted() + dials.keys.sorted())
      .filter { !regions.contains($0) }
    let excessive = biases.filter { !(-99...99).contains($0.value) }.keys.sorted()
    return unknown.map {
      "there is no region \"\($0)\"; regions are \(regions.joined(separator: ", "))"
    } + excessive.map { "the bias of \($0) is outside -99...99" }
      + dials.filter { !(0...1).contains($0.value) }.keys.sorted().map {
        "the dial of \($0) is outside 0...1"
      }
  }

  /// A sentence for each difference.
  var sentences: [String] {
    var sentences: [String] = []
    if !down.isEmpty { sentences.append("\(down.joined(separator: ", ")) down") }
    if !drained.isEmpty { sentences.append("\(drained.joined(separator: ", ")) drained") }
    sentences += biases.sorted { $0.key < $1.key }.map { "bias of \($0.key) \($0.value)" }
    sentences += dials.sorted { $0.key < $1.key }.map {
      "dial of \($0.key) \(percent($0.value))"
    }
    if let databases { sentences.append("databases \(databases.joined(separator: ", "))") }
    if configuration != nil { sentences.append("another configuration") }
    return sentences.isEmpty ? ["nothing changed"] : sentences
  }
}

extension Settings.Policy.Kind {
  fileprivate func biased(by biases: [String: Int], regions names: [String]) -> Self {
    func changed(_ shares: [Settings.Policy.Share]) -> [Settings.Policy.Share] {
      shares.map { share in
        var share = share
        share.policy = share.policy.biased(by: biases, regions: names)
        return share
      }
    }
    switch self {
    case .region, .named, .primary, .home: return self
    case .proximity(let regions, var bias, let unknown):
      for region in regions { bias[region] = biases[names[region]] ?? bias[region] }
      return .proximity(regions: regions, bias: bias, unknown: unknown)
    case .latency(let regions, var bias, let unknown):
      for region in regions { bias[region] = biases[names[region]] ?? bias[region] }
      return .latency(regions: regions, bias: bias, unknown: unknown)
    case .geo(let rules, let otherwise):
      return .geo(
        rules: rules.map { rule in
          var rule = rule
          rule.policy = rule.policy.biased(by: biases, regions: names)
          return rule
        }, otherwise: otherwise.biased(by: biases, regions: names))
    case .failover(let children):
      return .failover(children.map { $0.biased(by: biases, regions: names) })
    case .all(let children): return .all(children.map { $0.biased(by: biases, regions: names) })
    case .weighted(let shares): return .weighted(changed(shares))
    case .hash(let shares, let bitsIPv4, let bitsIPv6):
      return .hash(changed(shares), keyBitsIPv4: bitsIPv4, keyBitsIPv6: bitsIPv6)
    }
  }
}
