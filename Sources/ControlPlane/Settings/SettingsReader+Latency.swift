extension SettingsReader {
  static func latency(_ value: Value?, regions: Names) -> Settings.Latency {
    var latency = Settings.Latency()
    _ = value?.section { section in
      latency.tables = files(section.optional("tables"))
      latency.regionTables = files(section.optional("region_tables"))
      let halfLife = section.optional("half_life")
      latency.halfLife =
        halfLife?.duration(.seconds(60) ... .seconds(30 * 86_400))
        ?? latency.halfLife
      latency.maximumNetworks =
        section.optional("networks")?.integer(1_000...4_000_000) ?? latency.maximumNetworks
      latency.interval =
        section.optional("interval")?.duration(.seconds(1) ... .seconds(3600)) ?? latency.interval
      latency.maximumAge =
        section.optional("max_age")?.duration(.seconds(60) ... .seconds(365 * 86_400))
        ?? latency.maximumAge
      latency.region = section.optional("region")?.reference(to: regions)
    }
    return latency
  }

  private static func files(_ value: Value?) -> [Settings.Latency.File] {
    (value?.elements() ?? []).compactMap { element in
      element.filePath().map { Settings.Latency.File(path: $0, origin: element.origin) }
    }
  }
}
