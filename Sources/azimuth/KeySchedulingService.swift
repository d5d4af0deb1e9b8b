import Compiling
import DNSWire
import Foundation
import Logging
import Publishing
import ServiceLifecycle

/// Keys sign and stop signing when the times in their files say so, until the node stops.
struct KeySchedulingService: Service {
  let publisher: EditionPublisher
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await advance()
        // The times are whole seconds, and a comparison costs nothing.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }

  private func advance() async {
    let now = Int(Date.now.timeIntervalSince1970)
    guard let refusals = await publisher.advanceKeys(to: now) else { return }
    logger.info("keys of signed zones changed their parts")
    for refusal in refusals {
      logger.error(
        "a zone keeps its keys, though their times are over",
        metadata: ["zone": "\(refusal.zone)", "fault": "\(refusal.message)"])
    }
  }
}
