import Compiling
import Publishing
import Routing
import TestSupport

/// What happens from outside in one simulated run, drawn from a seed: endpoints fail, flap and are
/// slow, probes are lost, operators act, configurations are reloaded.
struct Schedule {
  enum Event {
    case truth(endpoint: Int, isUp: Bool)
    /// Answers of an endpoint's probes take up to so many seconds.
    case slowness(endpoint: Int, seconds: Double)
    case override(Override)
    case takeBack(Override.Target)
    case failback(region: String)
    case reload(variant: Int)
    /// A region is so far behind from now on; nil: nobody knows.
    case lag(region: String, seconds: Double?)
    case promote(region: String, accepting: Double?)
    case returnPrimary
  }

  static let seconds = 240.0

  let seed: UInt64
  /// The configurations among which it goes to and fro.
  let variants: [CompiledSettings]
  /// How much clients ask for, where regions have capacities; changes by up to a fifth.
  let demandFactor: Double?
  let firstVariant: Int
  /// The share of probes that fail although the endpoint is up.
  let lossShare: Double
  let events: [(at: Double, event: Event)]

  init(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var events: [(at: Double, event: Event)] = []
    self.seed = seed
    let hasCapacities = seed % 40 == 0
    let hasPrimary = seed % 10 == 5
    variants =
      hasCapacities
      ? Landscape.variantsWithCapacity
      : hasPrimary ? Landscape.variantsWithPrimary : Landscape.variants
    demandFactor = hasCapacities ? .random(in: 0.5...1, using: &generator) : nil
    firstVariant = .random(in: 0..<variants.count, using: &generator)
    lossShare = [0, 0, 0.01, 0.05].randomElement(using: &generator) ?? 0
    for region in Landscape.regions.indices where Bool.random(using: &generator) {
      Self.fail(region, in: &events, using: &generator)
    }
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      Self.act(in: &events, using: &generator)
    }
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      events.append(
        (
          Self.moment(using: &generator),
          .reload(variant: .random(in: 0..<variants.count, using: &generator))
        ))
    }
    if hasPrimary { Self.steerPrimary(in: &events, using: &generator) }
    // Of two at one time the one drawn first.
    self.events = events.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  private static func moment(using generator: inout SeededGenerator) -> Double {
    .random(in: 1..<seconds, using: &generator)
  }

  /// One endpoint or both: away for a time, for good, again and again, or only slow.
  private static func fail(
    _ region: Int, in events: inout [(at: Double, event: Event)],
    using generator: inout SeededGenerator
  ) {
    let pair = [2 * region, 2 * region + 1]
    let endpoints = Bool.random(using: &generator) ? pair : [pair[0]]
    let start = moment(using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0:
      for endpoint in endpoints { events.append((start, .truth(endpoint: endpoint, isUp: false))) }
    case 1:
      let end = start + .random(in: 1...90, using: &generator)
      for endpoint in endpoints {
        events.append((start, .truth(endpoint: endpoint, isUp: false)))
        events.append((end, .truth(endpoint: endpoint, isUp: true)))
      }
    case 2:
      var time = start
      var isUp = false
      while time < seconds {
        for endpoint in endpoints {
          events.append((time, .truth(endpoint: endpoint, isUp: isUp)))
        }
        isUp.toggle()
        time += .random(in: 2...20, using: &generator)
      }
    default:
      for endpoint in endpoints {
        let slow = Double.random(in: 0...1.9, using: &generator)
        events.append((start, .slowness(endpoint: endpoint, seconds: slow)))
      }
    }
  }

  /// Regions fall behind and catch up; operators promote and give back.
  private static func steerPrimary(
    in events: inout [(at: Double, event: Event)], using generator: inout SeededGenerator
  ) {
    for _ in 0..<Int.random(in: 0...8, using: &generator) {
      let region = Landscape.regions.randomElement(using: &generator) ?? "tokyo"
      let lags: [Double?] = [nil, 0, 5, 9.9, 10.1, 40]
      let lag = lags.randomElement(using: &generator) ?? nil
      events.append((moment(using: &generator), .lag(region: region, seconds: lag)))
    }
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      let region = Landscape.regions.randomElement(using: &generator) ?? "tokyo"
      let accepted: [Double?] = [nil, 5, 50]
      let at = moment(using: &generator)
      let isReturn = Bool.random(using: &generator)
      let accepting = accepted.randomElement(using: &generator) ?? nil
      events.append(
        (at, isReturn ? .returnPrimary : .promote(region: region, accepting: accepting)))
    }
  }

  private static func act(
    in events: inout [(at: Double, event: Event)], using generator: inout SeededGenerator
  ) {
    let region = Landscape.regions.randomElement(using: &generator) ?? "tokyo"
    guard let target = Override.Target(region) else { return }
    let at = moment(using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: events.append((at, .failback(region: region)))
    case 1: events.append((at, .takeBack(target)))
    default:
      let states: [OverrideState] = [.auto, .up, .down, .drain]
      let isEnding = Bool.random(using: &generator)
      let end = isEnding ? at + .random(in: 1...60, using: &generator) : nil
      let dials: [Double?] = [nil, 0, 0.3, 1]
      let override = Override(
        target: target, state: states.randomElement(using: &generator) ?? .auto,
        dial: dials.randomElement(using: &generator) ?? nil, reason: "simulated",
        author: "simulation", expiresAt: end, setAt: at)
      events.append((at, .override(override)))
    }
  }
}
