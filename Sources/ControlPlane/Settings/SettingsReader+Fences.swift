extension SettingsReader {
  static func fences(
    _ value: Value?, regions: [Settings.Region], services: Names
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
        return Settings.Fence(
          name: entry.name, clients: match ?? .none, tags: fenceTags(inside ?? nil, tags),
          services: list.map { $0.elements().compactMap { $0.reference(to: services) } })
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

extension Settings.ClientMatch {
  /// Nobody: the stand-in for a match that has been reported.
  fileprivate static let none = Settings.ClientMatch(
    prefixes: [], asns: [], countries: [], subdivisions: [], continents: [],
    isInEuropeanUnion: false, isUnknown: false)
}
