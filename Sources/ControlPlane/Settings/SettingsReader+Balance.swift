import Balancing

extension SettingsReader {
  private static let methods: KeyValuePairs<String, BalanceRules.Method> = [
    "p2c": .powerOfTwo, "least_connections": .leastConnections, "round_robin": .roundRobin,
    "peak_ewma": .peakLatency, "hash": .hash, "first": .first,
  ]

  /// The key `balance` of a pool: a method, or a mapping.
  static func balance(_ value: Value) -> BalanceRules? {
    var rules = BalanceRules()
    guard value.isMapping else {
      guard let method = value.choice(methods) else { return nil }
      rules.method = method
      return rules
    }
    return value.section { section in
      rules.method = section.optional("method")?.choice(methods) ?? rules.method
      let key = section.optional("key")
      let bound = section.optional("bounded_load")
      for extra in [key, bound] where rules.method != .hash {
        extra?.report(
          "says something only where the method is hash", suggestion: "leave it out")
      }
      _ = key?.section {
        (rules.keyBitsIPv4, rules.keyBitsIPv6) = $0.prefixLengths(
          else: (rules.keyBitsIPv4, rules.keyBitsIPv6))
      }
      if let load = bound?.boundedLoad() { rules.boundedLoad = load }
      rules.maximumConnections = section.optional("max_connections")?.integer(1...10_000_000)
      rules.slowStart =
        section.optional("slow_start")?.duration(.zero ... .seconds(3600)).map(nanoseconds)
        ?? rules.slowStart
      if let value = section.optional("ejection") { rules.ejection = ejection(value) }
      return rules
    }
  }

  /// nil for `off`, and where there are faults.
  private static func ejection(_ value: Value) -> EjectionRules? {
    guard value.isMapping else {
      _ = value.isOff()
      return nil
    }
    return value.section { section in
      var rules = EjectionRules()
      let times = Duration.milliseconds(100) ... .seconds(86_400)
      rules.failures = section.optional("failures")?.integer(1...1000) ?? rules.failures
      rules.resets = section.optional("resets")?.integer(0...1000) ?? rules.resets
      rules.base = section.optional("base")?.duration(times).map(nanoseconds) ?? rules.base
      let longest = section.optional("longest")
      rules.longest = longest?.duration(times).map(nanoseconds) ?? max(rules.longest, rules.base)
      rules.maximumShare = section.optional("max_share")?.share(0...1) ?? rules.maximumShare
      if rules.longest < rules.base {
        longest?.report("is shorter than base, the time of the first ejection")
      }
      return rules
    }
  }

  static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }
}

extension Value {
  /// nil inside for `off`.
  fileprivate func boundedLoad() -> Double?? {
    parsed("off, or a share from 101% to 1000%") { text -> Double?? in
      if text == "off" { return .some(nil) }
      guard let share = parsedShare(text), (1.01...10).contains(share) else { return nil }
      return share
    }
  }
}
