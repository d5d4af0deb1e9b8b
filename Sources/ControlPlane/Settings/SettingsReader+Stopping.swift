extension SettingsReader {
  static func stopping(_ value: Value?) -> Settings.Stopping {
    var stopping = Settings.Stopping()
    _ = value?.section { section in
      let range = Duration.zero ... .seconds(86_400)
      stopping.delay = section.optional("delay")?.duration(range) ?? stopping.delay
      stopping.draining = draining(section, otherwise: stopping.draining)
    }
    return stopping
  }

  /// `deadline` and `spread`.
  static func draining(
    _ section: Section, otherwise usual: Settings.Draining
  ) -> Settings.Draining {
    let range = Duration.zero ... .seconds(86_400)
    let deadline = section.optional("deadline")?.duration(range) ?? usual.deadline
    let spread = section.optional("spread")
    let draining = Settings.Draining(
      deadline: deadline, spread: spread?.duration(range) ?? min(usual.spread, deadline))
    if draining.spread > deadline {
      (spread ?? section.value).report(
        "\(rendered(draining.spread)) is longer than the deadline of \(rendered(deadline)), "
          + "whose last part it is")
    }
    return draining
  }
}
