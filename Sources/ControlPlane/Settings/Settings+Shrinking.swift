extension Settings {
  /// What a configuration would take away, and too much of it: a store that was emptied by mistake
  /// takes a fleet down otherwise.
  ///
  /// - Parameter limit: the share of what is there now that may go at once.
  /// - Returns: such as `5 of 6 regions`; nil: it is within the limit.
  package func shrinkage(to next: Settings, limit: Double) -> String? {
    func names(_ settings: Settings) -> [(kind: String, names: Set<String>)] {
      let endpoints = settings.pools.flatMap { pool in
        pool.endpoints.map {
          "\(settings.regions[$0.region].name)/\(pool.name)/\($0.address):\($0.port)"
        }
      }
      return [
        ("regions", Set(settings.regions.map(\.name))), ("endpoints", Set(endpoints)),
        ("services", Set(settings.services.map(\.name))),
        ("zones", Set(settings.zones.map { "\($0.name)" })),
      ]
    }
    let losses = zip(names(self), names(next)).compactMap { before, after -> String? in
      let gone = before.names.subtracting(after.names).count
      guard gone > 0, Double(gone) > limit * Double(before.names.count) else { return nil }
      return "\(gone) of \(before.names.count) \(before.kind)"
    }
    return losses.isEmpty ? nil : losses.joined(separator: ", ")
  }
}
