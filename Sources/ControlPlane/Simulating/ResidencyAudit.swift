package import Compiling
package import Places
package import Routing
package import Settings

/// Proves that no client of a fence can come to a region outside of it: over the whole compiled
/// map, for every subset of up to some failed regions, with overrides, by every share and retry.
///
///     settings ─ fences ─▶ who is inside, address by address ─┐
///     compiled map ────────▶ their cohorts ───────────────────┤
///     VerdictCompiler, on the board of every failure ─────────┴▶ regions reached ⊆ regions inside?
///
/// Failures that are the same to all regions that matter to a cohort are compiled once for it (see
/// `ResidencyProof`): of 34 regions, nearly all of them are.
///
/// Who stands in a fence and what is inside is read from the settings anew, without the planner
/// and the maps that it proves.
package struct ResidencyAudit: Sendable {
  let settings: Settings
  let model: RoutingModel
  let maps: CohortMaps
  let healthyBoard: HealthBoard
  /// So many regions fail at once.
  let largestFailure: Int
  let population: Population

  package init(
    _ compiled: CompiledSettings, largestFailure: Int = 3, population: Population? = nil
  ) {
    self.init(
      settings: compiled.settings, model: compiled.model, maps: compiled.maps,
      healthyBoard: compiled.healthyBoard, largestFailure: largestFailure, population: population)
  }

  /// Of parts that need not belong together: for tests of the audit itself.
  package init(
    settings: Settings, model: RoutingModel, maps: CohortMaps, healthyBoard: HealthBoard,
    largestFailure: Int = 3, population: Population? = nil
  ) {
    self.settings = settings
    self.model = model
    self.maps = maps
    self.healthyBoard = healthyBoard
    self.largestFailure = largestFailure
    self.population = population ?? Population(peopleOf: model.places)
  }

  /// - Parameter tellProgress: called now and then with the share that is done.
  package func report(tellProgress: (Double) -> Void = { _ in }) -> ResidencyReport {
    let failures = failures()
    let covers = settings.fences.map { cover(of: $0) }
    var proofs = covers.map { _ in ResidencyProof() }
    let services = model.provableServices
    for (done, service) in services.enumerated() {
      tellProgress(Double(done) / Double(services.count))
      let configured = model.services[service].home?.service ?? service
      for (fence, cover) in covers.enumerated()
      where settings.fences[fence].services?.contains(configured) ?? true {
        proofs[fence].check(
          model: model, service: service, healthyBoard: healthyBoard, failures: failures,
          cohorts: (cover.cohorts[model.services[service].map] ?? [:]).keys.sorted(),
          isInside: isInside(settings.fences[fence]))
      }
    }
    return ResidencyReport(
      regions: model.regions.count, largestFailure: largestFailure, failures: failures.count,
      populationSource: population.source,
      fences: settings.fences.indices.map { evidence(of: $0, covers[$0], proofs[$0]) })
  }

  private func isInside(_ fence: Settings.Fence) -> [Bool] {
    settings.regions.map { $0.tags.contains(where: fence.tags.contains) }
  }

  /// Every subset in every manner; and, since a fence may have more regions than that, all regions
  /// inside each fence, and all regions.
  package func failures() -> [Failure] {
    var sets = subsets(of: model.regions.count, upTo: largestFailure)
    let whole = settings.fences.map { fence in
      isInside(fence).indices.filter { isInside(fence)[$0] }
    }
    for set in whole + [Array(model.regions.indices)] where !sets.contains(set) {
      sets.append(set)
    }
    return sets.flatMap { set in
      Failure.Manner.allCases.map { Failure(regions: set, manner: $0) }
    }
  }

  private func evidence(of index: Int, _ cover: Cover, _ proof: ResidencyProof)
    -> ResidencyReport.Fence
  {
    let fence = settings.fences[index]
    let inside = isInside(fence)
    return ResidencyReport.Fence(
      name: fence.name, whenEmpty: fence.whenEmpty.words(regions: settings.regions.map(\.name)),
      services: (fence.services ?? Array(settings.services.indices)).map {
        settings.services[$0].name
      },
      regionsInside: settings.regions.indices.filter { inside[$0] }.map {
        settings.regions[$0].name
      },
      cohorts: cover.cohorts.values.reduce(0) { $0 + $1.count }, prefixes: cover.stretches,
      ipv4Addresses: cover.ipv4Addresses, ipv6Networks: (cover.ipv6Networks / 65_536).rounded(),
      people: cover.people.rounded(), choices: proof.choices,
      distinctChoices: proof.distinctChoices,
      refused: proof.refused,
      violations: proof.violations.map { violation($0, fence: fence, cover: cover) },
      violationCount: proof.violationCount)
  }

  private func violation(
    _ found: ResidencyProof.Finding, fence: Settings.Fence, cover: Cover
  ) -> ResidencyReport.Violation {
    let map = model.services[found.service].map
    let address = cover.cohorts[map]?[found.cohort]?.description ?? "?"
    return ResidencyReport.Violation(
      service: model.services[found.service].name, address: address,
      reached: found.regions.map { model.regions[$0].name },
      failed: found.failure.regions.map { model.regions[$0].name },
      manner: found.failure.manner.rawValue)
  }
}

// MARK: - who is in a fence

extension ResidencyAudit {
  /// The clients of a fence, as the settings say it.
  struct Cover {
    /// By map: each cohort that some client of the fence is in, with an address of it.
    var cohorts: [Int: [Int: IPAddress]] = [:]
    var stretches = 0
    var ipv4Addresses: UInt64 = 0
    /// Their /64s, more than an integer can count.
    var ipv6Networks = 0.0
    var people = 0.0
  }

  private func cover(of fence: Settings.Fence) -> Cover {
    let services = fence.services ?? Array(settings.services.indices)
    let mapIndices = Set(services.map { model.services[$0].map }).sorted()
    var cover = Cover()
    let byPlace = model.places.places.map { fence.clients.matches($0) }
    model.places.forEachStretch { stretch in
      guard byPlace[stretch.place] || fence.clients.covers(stretch) else { return }
      cover.stretches += 1
      if stretch.isIPv6 {
        cover.ipv6Networks += Double(stretch.size)
      } else {
        cover.ipv4Addresses += stretch.size
      }
      for map in mapIndices {
        for address in [stretch.address(at: 0), stretch.address(at: stretch.size - 1)] {
          let cohort = Int(maps.find(map: map, client: address.client).cohort)
          if cover.cohorts[map]?[cohort] == nil {
            cover.cohorts[map, default: [:]][cohort] = address
          }
        }
      }
    }
    for client in population.clients {
      let place = model.places.place(of: client.address.client).place
      let isCovered =
        byPlace[place] || fence.clients.prefixes.contains { $0.contains(client.address) }
      if isCovered { cover.people += client.weight }
    }
    return cover
  }
}

extension Settings.ClientMatch {
  /// Whether this speaks of the clients at a place, prefixes apart.
  fileprivate func matches(_ place: Place) -> Bool {
    if place.asn != 0 && asns.contains(place.asn) { return true }
    if let subdivision = place.subdivision, subdivisions.contains(subdivision) { return true }
    if let country = place.country, countries.contains(country) { return true }
    if let continent = place.continent, continents.contains(continent) { return true }
    return isInEuropeanUnion && place.isInEuropeanUnion || isUnknown && place.country == nil
  }

  /// Whether a prefix has the stretch; places are divided by prefixes, so it has all of it or none.
  fileprivate func covers(_ stretch: AddressStretch) -> Bool {
    prefixes.contains { $0.contains(stretch.address(at: 0)) }
  }
}

extension Settings.Fence.WhenEmpty {
  /// As the configuration has it.
  func words(regions: [String]) -> String {
    switch self {
    case .onAllDown: "on_all_down"
    case .refuse: "refuse"
    case .fixed(let fixed): "static \(fixed.map { regions[$0] }.joined(separator: ", "))"
    case .serveUnhealthyInside: "serve_unhealthy_inside"
    }
  }
}
