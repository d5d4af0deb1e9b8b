/// Policies of type `primary`.
extension PolicyReader {
  func primary(_ section: Section, depth: Int) -> Policy.Kind? {
    if depth > 0 { section.value.report(Self.standsAlone) }
    guard let list = section.required("order", "a list of regions, the first wanted most") else {
      for key in [
        "fail_hold", "failback", "failback_after", "lag", "on_store_loss",
      ] { _ = section.optional(key) }
      return nil
    }
    let order = regionIndices(list)
    if order.count == 1 { list.report("wants a standby beside the primary") }
    var primary = Settings.Policy.Primary(order: order)
    let times = Duration.zero ... .seconds(86_400)
    primary.failHold = section.optional("fail_hold")?.duration(times) ?? primary.failHold
    primary.failback =
      section.optional("failback")?.choice([
        "auto": .auto, "gradual": .gradual, "manual": .manual,
      ]) ?? primary.failback
    primary.failbackAfter =
      section.optional("failback_after")?.duration(times) ?? primary.failbackAfter
    primary.onStoreLoss =
      section.optional("on_store_loss")?.choice(["hold": .hold, "local_promote": .localPromote])
      ?? primary.onStoreLoss
    primary.lag = section.optional("lag")?.section { lag($0, order: order) } ?? nil
    return .primary(primary)
  }

  private func lag(_ section: Section, order: [Int]) -> Settings.Policy.Primary.Lag? {
    let loss = section.required("rpo", "the data, in time, that may be lost, such as 10s")?
      .duration(.zero ... .seconds(86_400))
    let urls = section.required("urls", "a mapping from region to the URL of its lag")
    var lag = Settings.Policy.Primary.Lag(maximumLoss: loss ?? .zero, urls: [:])
    lag.interval =
      section.optional("interval")?.duration(.seconds(1) ... .seconds(3_600)) ?? lag.interval
    lag.timeout =
      section.optional("timeout")?.duration(.milliseconds(100) ... .seconds(60)) ?? lag.timeout
    guard let urls else { return nil }
    for entry in urls.entries() ?? [] {
      guard let region = regionNames.index(of: entry.name, at: entry.key) else { continue }
      if !order.contains(region) { entry.key.report("the order does not name this region") }
      lag.urls[region] = entry.value.url("a URL such as http://10.2.0.1:9100/lag", for: .number)
    }
    let missing = order.filter { lag.urls[$0] == nil }.map { regions[$0].name }
    if urls.isMapping, !missing.isEmpty {
      urls.report(
        "has nothing for \(missing.joined(separator: ", "))",
        suggestion: "fail-back asks for the lag as well: name every region of the order")
    }
    return lag
  }

  private static let standsAlone =
    "a policy of type primary stands alone: it is one region for all clients"

  /// Policies that lead to one of type `primary`.
  func reportEnclosedPrimaries(_ read: [Policy]) {
    for (policy, entry) in zip(read, policies) {
      policy.kind.forEachLeaf { leaf in
        guard case .named(let index) = leaf, case .primary = read[index].kind else { return }
        entry.key.report("\(Self.standsAlone); this names \"\(read[index].name)\"")
      }
    }
  }
}
