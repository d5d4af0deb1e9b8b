extension SettingsReader {
  /// nil for `off`.
  static func subnetCoverage(_ value: Value?) -> Settings.SubnetCoverage? {
    var coverage = Settings.SubnetCoverage()
    guard let value else { return coverage }
    guard value.isMapping else {
      _ = value.isOff()
      return nil
    }
    _ = value.section { section in
      coverage.resolvers =
        section.optional("resolvers")?.integer(10...100_000) ?? coverage.resolvers
      coverage.interval = section.optional("sample")?.sampleInterval() ?? coverage.interval
    }
    return coverage
  }
}
