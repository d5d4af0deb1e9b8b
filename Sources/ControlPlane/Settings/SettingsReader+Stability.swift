extension SettingsReader {
  /// The section `stability`, or a region's, which stands over it key by key.
  static func stability(
    _ value: Value?, over general: Settings.Stability = Settings.Stability(), isRegion: Bool
  ) -> Settings.Stability {
    var stability = general
    _ = value?.section { section in
      stability.failback =
        section.optional("failback")?.choice([
          "auto": .auto, "gradual": .gradual, "manual": .manual,
        ]) ?? general.failback
      stability.holdDown =
        section.optional("hold_down")?.duration(.zero ... .seconds(86_400)) ?? general.holdDown
      stability.ramp =
        section.optional("ramp")?.duration(.seconds(1) ... .seconds(86_400)) ?? general.ramp
      stability.rampStart = section.optional("ramp_start")?.share(0...1) ?? general.rampStart
      // Endpoints flap as well, so this is one for all.
      if !isRegion {
        stability.flapping = flapping(section.optional("flapping"))
        stability.remembering = remembering(section)
      }
    }
    return stability
  }

  private static func remembering(_ section: Section) -> Settings.Remembering {
    var remembering = Settings.Remembering()
    let range = Duration.zero ... .seconds(365 * 86_400)
    remembering.health =
      section.optional("remember_health")?.duration(range) ?? remembering.health
    remembering.overrides =
      section.optional("remember_overrides")?.duration(range) ?? remembering.overrides
    return remembering
  }

  private static func flapping(_ value: Value?) -> Settings.Flapping {
    var flapping = Settings.Flapping()
    _ = value?.section { section in
      flapping.isOn = section.optional("enabled")?.flag() ?? true
      let reuse = section.optional("reuse_at")
      flapping.suppressAt =
        section.optional("suppress_at")?.number(1...100, "losses") ?? flapping.suppressAt
      flapping.reuseAt = reuse?.number(0.1...100, "losses") ?? flapping.reuseAt
      if flapping.reuseAt >= flapping.suppressAt {
        (reuse ?? section.value).report(
          "reuse_at must be below suppress_at, which is \(flapping.suppressAt)")
      }
      let times = Duration.seconds(1) ... .seconds(86_400)
      flapping.halfLife = section.optional("half_life")?.duration(times) ?? flapping.halfLife
      flapping.longest = section.optional("longest")?.duration(times) ?? flapping.longest
    }
    return flapping
  }
}

extension Value {
  /// A plain number with or without a fraction.
  func number(_ range: ClosedRange<Double>, _ unit: String) -> Double? {
    parsed("\(unit) from \(range.lowerBound) to \(range.upperBound)") { text in
      guard text.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) else { return nil }
      return Double(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}
