package import Routing

// The words by which the API, the metrics and the command line name what the core has as cases.

extension Outcome.Kind {
  /// `serve`, `fail` or `nodata`.
  package var word: String {
    switch self {
    case .serve: "serve"
    case .fail: "fail"
    case .noData: "nodata"
    }
  }
}

extension LastResort {
  /// As `on_all_down` has it: `fail_open`, `backup tokyo`, ….
  func words(in model: RoutingModel) -> String {
    switch self {
    case .failOpen: "fail_open"
    case .failClosed: "fail_closed"
    case .lastGood: "last_good"
    case .noData: "nodata"
    case .backup(let region): "backup \(model.regions[region].name)"
    }
  }
}

extension Fence.WhenEmpty {
  /// As `when_empty` has it: `refuse`, `static frankfurt`, ….
  func words(in model: RoutingModel) -> String {
    switch self {
    case .onAllDown: "on_all_down"
    case .refuse: "refuse"
    case .fixed(let regions):
      "static \(regions.map { model.regions[$0].name }.joined(separator: ", "))"
    case .serveUnhealthyInside: "serve_unhealthy_inside"
    }
  }
}

extension RouteStep {
  /// The step as a sentence, regions by name.
  package func sentence(in model: RoutingModel) -> String {
    switch self {
    case .override(let regions):
      let names = regions.map { model.regions[$0].name }.joined(separator: ", then ")
      return "An override prefix prefers \(names)."
    case .rule(let index, let reason): return "Rule \(index + 1) matches: \(reason)."
    case .defaultRule: return "No rule matches: the default applies."
    case .fence(let name, let reason): return "The client is in fence \(name): \(reason)."
    case .fencedOut(let region, let fence):
      return "Fence \(fence) keeps \(model.regions[region].name) out."
    case .panic(let share, let threshold):
      return "Panic: \(percent(share)) of the endpoints are healthy, fewer than "
        + "\(percent(threshold)); health is ignored."
    case .tier(let standing):
      return "The best standing of any region is \(standing.word): nothing worse is used."
    case .lastResort(let resort):
      return "No region is usable: on_all_down is \(resort.words(in: model))."
    case .fenceEmpty(let wish):
      return "No region inside the fence is usable: when_empty is \(wish.words(in: model))."
    case .spread(let lost, let shares):
      let parts = shares.map { "\(model.regions[$0.region].name) \(percent($0.share))" }
      let total = shares.reduce(0) { $0 + $1.share }
      let what = total > 0.999 ? "is lost: its clients are" : "keeps some clients, the others are"
      return "\(model.regions[lost].name), the first choice, \(what) spread over "
        + "\(parts.joined(separator: ", "))."
    case .primary(let primary):
      return "The service is active-passive: \(model.regions[primary.region].name) is the primary, "
        + "epoch \(primary.epoch), \(primary.state.words)."
    case .held(let region, let hold):
      return "\(model.regions[region].name) is healthy, but held back: \(hold.reason)."
    case .admission(let region, let admission):
      return "\(model.regions[region].name) takes \(admission.words)."
    case .nobodyElse(let share):
      return "No region admits \(percent(share)) of the clients: they stay where they belong."
    case .mayChange: return "A change may be near: the answer is kept for a shorter time."
    case .drawn(let slot):
      return "The client's prefix draws share \(slot) of \(SlotTable.slotCount)."
    case .sameForAll: return "The key alone decides: every client gets this."
    case .cohort(let index, let scopeBits):
      return "The client is in cohort \(index), and so is all of its /\(scopeBits)."
    }
  }
}

extension PrimaryRegion.State {
  fileprivate var words: String {
    switch self {
    case .primary: "the first of the order"
    case .failedOver: "in place of one that was lost"
    case .awaitingFailback: "though one that is wanted more is healthy again"
    case .awaitingOperator: "though it is down: no standby is up to date, and an operator decides"
    }
  }
}

extension Admission {
  /// `a part of its clients: dial 30 %, ramp 55 %`.
  fileprivate var words: String {
    let parts = [("dial", dial), ("ramp", ramp), ("opening by load", opening)]
    return "a part of its clients: "
      + parts.filter { $0.1 < 1 }.map { "\($0.0) \(percent($0.1))" }.joined(separator: ", ")
  }
}

private func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
}
