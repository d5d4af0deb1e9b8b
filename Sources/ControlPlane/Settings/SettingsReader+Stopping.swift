extension SettingsReader {
  static func stopping(_ value: Value?) -> Settings.Stopping {
    var stopping = Settings.Stopping()
    _ = value?.section { section in
      let range = Duration.zero ... .seconds(86_400)
      stopping.delay = section.optional("delay")?.duration(range) ?? stopping.delay
      stopping.deadline = section.optional("deadline")?.duration(range) ?? stopping.deadline
      let spread = section.optional("spread")
      stopping.spread =
        spread?.duration(range) ?? min(stopping.spread, stopping.deadline)
      if stopping.spread > stopping.deadline {
        (spread ?? section.value).report(
          "\(rendered(stopping.spread)) is longer than the deadline of "
            + "\(rendered(stopping.deadline)), whose last part it is")
      }
    }
    return stopping
  }
}
