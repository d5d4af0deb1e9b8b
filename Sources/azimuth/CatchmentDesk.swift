import Editions
import NIOPosix
import Publishing
import Routing
import Simulating
import Synchronization

/// Draws catchments of the running node, one after the other, on a thread that serves nobody. What
/// has been drawn of the present edition is kept.
final class CatchmentDesk: Sendable {
  /// Of one edition.
  private static let mostKept = 8

  private struct Memory {
    private var people: (revision: UInt64, population: MappedPopulation)?
    private var edition: UInt64 = 0
    private var drawn: [(question: CatchmentQuestion, report: CatchmentReport)] = []

    /// The people of the world, at the addresses that the edition's configuration places.
    mutating func population(of edition: Edition) -> MappedPopulation {
      if let people, people.revision == edition.revision { return people.population }
      let population = MappedPopulation(edition.model.places)
      people = (edition.revision, population)
      return population
    }

    func report(on question: CatchmentQuestion, edition number: UInt64) -> CatchmentReport? {
      edition == number ? drawn.first { $0.question == question }?.report : nil
    }

    mutating func keep(_ report: CatchmentReport, on question: CatchmentQuestion) {
      if edition != report.edition { drawn = [] }
      edition = report.edition
      drawn = drawn.suffix(mostKept - 1) + [(question, report)]
    }
  }

  private let publisher: EditionPublisher
  private let memory = Mutex(Memory())

  init(publisher: EditionPublisher) { self.publisher = publisher }

  /// - Throws: ``SimulationRefusal``.
  func answer(_ question: CatchmentQuestion) async throws -> CatchmentReport {
    let (compiled, edition, demands) = await publisher.currentWithDemands
    return try await NIOThreadPool.singleton.runIfActive {
      try self.memory.withLock { memory in
        if let known = memory.report(on: question, edition: edition.number) { return known }
        let report = try Simulation(compiled, board: edition.board, demands: demands).catchments(
          question, edition: edition, population: memory.population(of: edition))
        memory.keep(report, on: question)
        return report
      }
    }
  }
}
