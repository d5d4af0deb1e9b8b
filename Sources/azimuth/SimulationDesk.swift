import Compiling
import Editions
import Foundation
import NIOPosix
import Publishing
import Settings
import Simulating
import Synchronization

/// Answers what may be asked of the running node, one question at a time, on a thread that serves
/// nobody.
final class SimulationDesk: Sendable {
  private let file: String
  private let publisher: EditionPublisher
  private let isBusy = Atomic<Bool>(false)

  init(file: String, publisher: EditionPublisher) {
    self.file = file
    self.publisher = publisher
  }

  /// - Throws: ``SimulationRefusal``, or the `Faults` of what was to be compiled.
  func answer(_ question: SimulationQuestion) async throws -> SimulationReport {
    guard !isBusy.exchange(true, ordering: .acquiring) else { throw SimulationRefusal.busy }
    defer { isBusy.store(false, ordering: .releasing) }
    let (compiled, edition, demands) = await publisher.currentWithDemands
    let file = file
    return try await NIOThreadPool.singleton.runIfActive {
      var scenario = question.scenario
      if question.readsFile {
        scenario.configuration = try SettingsReader.read(
          file: file, environment: ProcessInfo.processInfo.environment)
      }
      let settings = scenario.configuration ?? compiled.settings
      let faults =
        scenario.faults(regions: settings.regions.map(\.name))
        + (question.services ?? []).filter { name in
          !compiled.settings.services.contains { $0.name == name }
        }.map { "there is no service \"\($0)\"" }
      guard faults.isEmpty else { throw SimulationRefusal.misunderstood(faults) }
      return try Simulation(compiled, board: edition.board, demands: demands).report(
        of: scenario, population: question.population, services: question.services,
        load: question.load)
    }
  }
}
