import Foundation
import Synchronization
import Testing

/// Asks or connects again and again on its own thread, and keeps what came of it.
final class Load: Sendable {
  struct Event: Sendable {
    var began: ContinuousClock.Instant
    var ended: ContinuousClock.Instant
    /// The region that answered, or what went wrong.
    var result: Result<String, Failure>

    var failure: String? {
      if case .failure(let failure) = result { failure.text } else { nil }
    }
  }

  struct Failure: Error {
    var text: String
  }

  private struct State {
    var events: [Event] = []
    var isStopping = false
    var hasEnded = false
  }

  private let state = Mutex(State())

  /// - Parameter once: one query or connection; the region that answered it.
  init(_ once: @escaping @Sendable () throws -> String) {
    Thread.detachNewThread { [self] in
      let clock = ContinuousClock()
      while !state.withLock({ $0.isStopping }) {
        let began = clock.now
        let result = Result { try once() }.mapError { Failure(text: "\($0)") }
        let event = Event(began: began, ended: clock.now, result: result)
        state.withLock { $0.events.append(event) }
      }
      state.withLock { $0.hasEnded = true }
    }
  }

  /// What has happened so far.
  var count: Int { state.withLock { $0.events.count } }

  /// Everything, once the last has ended.
  func stop() -> [Event] {
    state.withLock { $0.isStopping = true }
    eventually("the end of the load") { state.withLock { $0.hasEnded } }
    return state.withLock { $0.events }
  }

  /// Queries from one socket, so that a lost one is seen.
  static func dns(_ world: World, subnet: String) throws -> Load {
    let client = Mutex(try DNSClient(port: world.ports.dns))
    return Load { [unowned world] in
      let reply = try client.withLock {
        try $0.ask(DNSQuestion("www.example.org", subnet: subnet))
      }
      guard reply.code == 0, let address = reply.addresses.first,
        let region = world.region(of: address)
      else { throw Failure(text: "\(reply)") }
      return region
    }
  }

  /// A new connection each time, from one place.
  static func proxy(_ world: World, from source: String) -> Load {
    Load { [unowned world] in
      let region = try world.proxyRegion(from: source)
      guard World.names.contains(region) else { throw Failure(text: region) }
      return region
    }
  }
}
