extension SettingsReader {
  /// The section `capacity` of a region.
  static func capacity(_ value: Value?) -> Settings.Capacity? {
    let capacity = value?.section { section -> Settings.Capacity? in
      var capacity = Settings.Capacity()
      let keys = ["connections_per_second", "open_connections", "reported_load"]
      let measures = keys.map { section.optional($0) }
      capacity.connectionsPerSecond =
        measures[0]?.number(1...1_000_000_000, "new connections a second")
      capacity.openConnections = measures[1]?.number(1...1_000_000_000, "open connections")
      capacity.reportedLoad = measures[2]?.section { reportedLoad($0) } ?? nil
      let back = section.optional("return_at")
      capacity.spillAt = section.optional("spill_at")?.share(0.01...1) ?? capacity.spillAt
      capacity.returnAt =
        back?.share(0.01...1) ?? min(capacity.returnAt, capacity.spillAt * 0.85)
      if capacity.returnAt >= capacity.spillAt {
        back?.report("return_at must be below spill_at, or clients would go to and fro")
      }
      guard measures.contains(where: { $0 != nil }) else {
        section.value.report(
          "says no capacity: wants at least one of \(keys.joined(separator: ", "))")
        return nil
      }
      return capacity
    }
    return capacity ?? nil
  }

  private static func reportedLoad(_ section: Section) -> Settings.ReportedLoad? {
    let url = section.required("url", "the URL of a number, such as http://10.2.0.1:9100/load")?
      .url("a URL such as http://10.2.0.1:9100/load", for: .number)
    var load = Settings.ReportedLoad(url: url ?? "")
    load.full =
      section.optional("full")?.number(0.001...1_000_000_000_000, "the number when it is full")
      ?? load.full
    load.interval =
      section.optional("interval")?.duration(.seconds(1) ... .seconds(3_600)) ?? load.interval
    load.timeout =
      section.optional("timeout")?.duration(.milliseconds(100) ... .seconds(60)) ?? load.timeout
    return url == nil ? nil : load
  }
}
