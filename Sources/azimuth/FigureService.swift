import Compiling
import Logging
import Publishing
import ServiceLifecycle
import Settings

/// Asks regions for figures, each every interval, and tells the publisher: how full a region is,
/// and how far the data of an active-passive service's region are behind. What does not answer, or
/// answers no number, leaves no figure: what was learned from the last ones holds, and grows old.
struct FigureService: Service {
  /// How often it looks which are due.
  static let tick = Duration.seconds(1)

  let publisher: EditionPublisher
  let logger: Logger

  private struct Question: Sendable, Hashable {
    var subject: Subject
    var url: String
    var interval: Duration
    var timeout: Duration
  }

  /// What the number says.
  private enum Subject: Sendable, Hashable {
    case lag(service: String, region: String)
    /// - `full`: the number that stands for all of its capacity.
    case load(region: String, full: Double)
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      let clock = ContinuousClock()
      var askedAt: [Question: ContinuousClock.Instant] = [:]
      while !Task.isCancelled {
        let now = clock.now
        let settings = await publisher.compiled.settings
        let questions = Set(lagQuestions(settings) + loadQuestions(settings))
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

  private func lagQuestions(_ settings: Settings) -> [Question] {
    settings.services.flatMap { service in
      let lag = settings.primary(of: service)?.lag
      return (lag?.urls ?? [:]).map { region, url in
        Question(
          subject: .lag(service: service.name, region: settings.regions[region].name), url: url,
          interval: lag?.interval ?? .zero, timeout: lag?.timeout ?? .zero)
      }
    }
  }

  private func loadQuestions(_ settings: Settings) -> [Question] {
    settings.regions.compactMap { region in
      region.capacity?.reportedLoad.map {
        Question(
          subject: .load(region: region.name, full: $0.full), url: $0.url, interval: $0.interval,
          timeout: $0.timeout)
      }
    }
  }

  private func ask(_ question: Question) async {
    do {
      if let answer = try await fetchedNumber(question.url, timeout: question.timeout),
        await hand(up: answer, of: question.subject)
      {
        return
      }
      logger.debug("no figure", metadata: ["url": "\(question.url)"])
    } catch {
      logger.debug("no figure", metadata: ["url": "\(question.url)", "reason": "\(error)"])
    }
  }

  /// - Returns: false: the answer is no number.
  private func hand(up answer: [UInt8], of subject: Subject) async -> Bool {
    switch subject {
    case .lag(let service, let region):
      guard let reading = LagReading(service: service, region: region, answer: answer) else {
        return false
      }
      await publisher.apply([reading])
    case .load(let region, let full):
      guard let reading = LoadReading(region: region, full: full, answer: answer) else {
        return false
      }
      await publisher.apply(reading)
    }
    return true
  }
}
