import ClientLimits

extension SettingsReader {
  /// The section `client_limits` of a listener.
  static func clientLimits(_ value: Value?) -> ClientLimits {
    var limits = ClientLimits()
    _ = value?.section { section in
      limits.address = limit(section.optional("address"))
      limits.prefix = limit(section.optional("prefix"))
      limits.asn = limit(section.optional("asn"))
      limits.country = limit(section.optional("country"))
    }
    return limits
  }

  private static func limit(_ value: Value?) -> ClientLimits.Limit {
    let read = value?.section { section in
      ClientLimits.Limit(
        connections: section.optional("connections")?.integer(1...10_000_000),
        perSecond: section.optional("per_second")?.integer(1...1_000_000))
    }
    return read ?? .none
  }
}
