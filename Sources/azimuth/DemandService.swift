import Admitting
import Counters
import Proxying
import Publishing
import ServiceLifecycle

/// Tells the publisher every ``interval`` how much was asked for, so that loaded regions spill
/// over.
struct DemandService: Service {
  static let interval = Duration.seconds(2)

  let counters: CounterBoard
  let publisher: EditionPublisher
  let passive: PassiveHealth

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let sums = counters.demandSums()
        await publisher.apply(
          DemandMeter.Sums(answers: sums.answers, connections: sums.connections),
          openConnections: passive.openCounts)
        try? await Task.sleep(for: Self.interval)
      }
    }
  }
}
