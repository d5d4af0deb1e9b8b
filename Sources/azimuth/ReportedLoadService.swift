import Compiling
import Logging
import Publishing
import ServiceLifecycle
import Settings

/// Asks regions how full they are, each every interval, and tells the publisher. What does not
/// answer, or answers no number, leaves no figure: what was learned from the last ones holds.
struct ReportedLoadService: Service {
  /// How often it looks which are due.
  static let tick = Duration.seconds(1)

  let publisher: EditionPublisher
  let logger: Logger

  private struct Question: Sendable, Hashable {
    var region: String
    var url: String
    var full: Double
    var interval: Duration
    var timeout: Duration
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      let clock = ContinuousClock()
      var askedAt: [Question: ContinuousClock.Instant] = [:]
      while !Task.isCancelled {
        let now = clock.now
        let questions = questions(await publisher.compiled.settings)
        let due = questions.filter { question in
          askedAt[question].map { now - $0 >= question.interval } ?? true
        }
        for question in due { askedAt[question] = now }
        askedAt = askedAt.filter { questions.contains($0.key) }
        // Each on its own, so that one that hangs holds up no other.
        for question in due { Task { await ask(question) } }
        try? await Task.sleep(for: Self.tick)
      }
    }
  }

  private func questions(_ settings: Settings) -> Set<Question> {
    Set(
      settings.regions.compactMap { region in
        region.capacity?.reportedLoad.map {
          Question(
            region: region.name, url: $0.url, full: $0.full, interval: $0.interval,
            timeout: $0.timeout)
        }
      })
  }

  private func ask(_ question: Question) async {
    do {
      let answer = try await fetchedNumber(question.url, timeout: question.timeout)
      guard let answer,
        let reading = LoadReading(region: question.region, full: question.full, answer: answer)
      else { return logger.debug("no load", metadata: ["url": "\(question.url)"]) }
      await publisher.apply(reading)
    } catch {
      logger.debug("no load", metadata: ["url": "\(question.url)", "reason": "\(error)"])
    }
  }
}
