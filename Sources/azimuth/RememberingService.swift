import Editions
import Foundation
import Logging
import Publishing
import ServiceLifecycle

/// Writes down what is known of health and what operators have said, soon after each change and
/// now and then, until the node stops.
struct RememberingService: Service {
  static let interval = Duration.seconds(2)
  /// Seconds: what is written says how old it may be at most.
  static let longestPause = 60.0

  let publisher: EditionPublisher
  let folder: String
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var written: UInt64 = 0
      var writtenAt = 0.0
      while !Task.isCancelled {
        try? await Task.sleep(for: Self.interval)
        let number = await publisher.edition.number
        let now = Date.now.timeIntervalSince1970
        guard number != written || now - writtenAt >= Self.longestPause else { continue }
        (written, writtenAt) = (number, now)
        await save()
      }
    }
    await save()
  }

  private func save() async {
    do {
      try await publisher.memory.save(in: folder)
    } catch {
      logger.warning(
        "health and overrides cannot be kept", metadata: ["reason": "\(error)"])
    }
  }
}
