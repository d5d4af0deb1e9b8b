import Balancing

extension SettingsReader {
  private static let manners: KeyValuePairs<String, ClosingRules.Manner> = [
    "keep": .keep, "drain": .drain, "close": .close,
  ]

  /// The key `open_connections` of a pool.
  static func closing(_ value: Value?) -> ClosingRules {
    var rules = ClosingRules()
    _ = value?.section { section in
      rules.whenDown = section.optional("on_down")?.choice(manners) ?? .keep
      rules.whenDrained = section.optional("on_drain")?.choice(manners) ?? .keep
      rules.whenDemoted = section.optional("on_demotion")?.choice(manners) ?? .keep
      rules.whenRemoved = section.optional("on_removal")?.choice(manners) ?? .keep
      let range = Duration.zero ... .seconds(86_400)
      let deadline = section.optional("deadline")
      let spread = section.optional("spread")
      rules.deadline = deadline?.duration(range).map(nanoseconds) ?? rules.deadline
      rules.spread =
        spread?.duration(range).map(nanoseconds) ?? min(rules.spread, rules.deadline)
      if rules.spread > rules.deadline {
        spread?.report("is longer than the deadline, whose last part it is")
      }
      let manners = [rules.whenDown, rules.whenDrained, rules.whenDemoted, rules.whenRemoved]
      for extra in [deadline, spread] where !manners.contains(.drain) {
        extra?.report("says something only beside drain", suggestion: "leave it out")
      }
    }
    return rules
  }
}
