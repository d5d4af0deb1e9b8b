extension SettingsReader {
  /// - Parameter reader: of the services, which are read before.
  static func fences(
    _ value: Value?, regions: [Settings.Region], services: [Settings.Service],
    serviceNames: Names, reader: ServiceReader
  ) -> [Settings.Fence] {
    let tags = Names(kind: "tag", Set(regions.flatMap(\.tags)).sorted())
    return (value?.definitions() ?? []).compactMap { entry in
      entry.value.section { section in
        let match = section.required("clients", "whom the fence is for, such as {continent: EU}")?
          .section { Settings.ClientMatch($0) }
        let inside = section.required("regions", "{tags: […]}")?.section { regions in
          regions.required("tags", "the tags of the regions inside")
        }
        let list = section.optional("services")
        var fence = Settings.Fence(
          name: entry.name, clients: match ?? .none, tags: fenceTags(inside ?? nil, tags),
          services: list.map { $0.elements().compactMap { $0.reference(to: serviceNames) } })
        if let value = section.optional("when_empty") {
          fence.whenEmpty = value.whenEmpty(reader.regions) ?? .onAllDown
          reportUnfitRegions(of: fence, at: value, regions: regions, services, reader)
        }
        return fence
      }
    }
  }

  /// What `static` names must be inside, and serve.
  private static func reportUnfitRegions(
    of fence: Settings.Fence, at value: Value, regions: [Settings.Region],
    _ services: [Settings.Service], _ reader: ServiceReader
  ) {
    // Without any, that has been reported already.
    guard case .fixed(let fixed) = fence.whenEmpty, !fixed.isEmpty else { return }
    for region in fixed where !regions[region].tags.contains(where: fence.tags.contains) {
      value.report(
        "region \"\(regions[region].name)\" is outside the fence: it carries none of the tags "
          + fence.tags.joined(separator: ", "))
    }
    for (index, service) in services.enumerated() where fence.services?.contains(index) ?? true {
      for (lack, served) in reader.servedRegions(service) where served.isDisjoint(with: fixed) {
        value.report("\(lack) any of these regions, and service \"\(service.name)\" needs one")
      }
    }
  }

  private static func fenceTags(_ value: Value?, _ tags: Names) -> [String] {
    guard let value else { return [] }
    let elements = value.elements()
    if elements.isEmpty { value.report("wants at least one tag") }
    return elements.compactMap { element in
      guard let tag = element.tag() else { return nil }
      if tags[tag] == nil {
        element.report(
          "no region carries the tag \"\(tag)\"", suggestion: didYouMean(tag, tags.all))
      }
      return tag
    }
  }
}

extension Value {
  /// A word, or `{static: [region, …]}`.
  fileprivate func whenEmpty(_ regions: Names) -> Settings.Fence.WhenEmpty? {
    guard isMapping else {
      let words: [String: Settings.Fence.WhenEmpty] = [
        "on_all_down": .onAllDown, "refuse": .refuse,
        "serve_unhealthy_inside": .serveUnhealthyInside,
      ]
      return parsed(
        "on_all_down, refuse, serve_unhealthy_inside or {static: [region, …]}",
        hint: { didYouMean($0, nearest: words.keys.sorted()) }, { words[$0] })
    }
    let fixed = section { section -> [Int] in
      let list = section.required("static", "a list of regions inside")
      if list?.elements().isEmpty == true { list?.report("wants at least one region") }
      return (list?.elements() ?? []).compactMap { $0.reference(to: regions) }
    }
    return fixed.map { .fixed($0) }
  }
}

extension Settings.ClientMatch {
  /// Nobody: the stand-in for a match that has been reported.
  fileprivate static let none = Settings.ClientMatch(
    prefixes: [], asns: [], countries: [], subdivisions: [], continents: [],
    isInEuropeanUnion: false, isUnknown: false)
}
