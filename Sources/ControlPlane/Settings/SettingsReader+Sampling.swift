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

extension SettingsReader {
  static func decisionLog(_ value: Value?) -> Settings.DecisionLog {
    var log = Settings.DecisionLog()
    guard let value else { return log }
    guard value.isMapping else {
      _ = value.isOff()
      return log
    }
    _ = value.section { section in
      let destination = section.required("file", "stdout, or the path of a file")
      log.destination = destination?.accessLog() ?? .off
      log.interval = section.optional("sample")?.sampleInterval() ?? log.interval
    }
    return log
  }
}
