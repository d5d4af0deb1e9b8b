import Foundation
import Inheriting
import Logging
import Publishing
import ServiceLifecycle
import Synchronization

/// The node's part in a hot restart: first it takes over from its predecessor, if it has one, then
/// it waits for a successor.
///
///     asked ─→ writers rest, editions freeze ─→ everything is handed ─→ the successor serves
///                                                                    ─→ this node ends
///                                                       it does not  ─→ this node goes on
final class HandoverService: Service {
  /// What the node does at each step.
  struct Steps: Sendable {
    /// Writes everything down and decides nothing any more; nil: there is nothing to hand over yet,
    /// or no longer.
    var pause: @Sendable () async -> HandedMemory?
    /// Writes and decides again, or for the first time.
    var resume: @Sendable () async -> Void
    var sockets:
      @Sendable (_ send: ([Int32]) throws(HandingFault) -> Void) throws(HandingFault) -> Void
    /// Ends the node, which has nothing to write down.
    var leave: @Sendable () async -> Void
  }

  /// From everything being handed until the successor serves, milliseconds.
  private static let patience: Int32 = 60_000

  private let path: String?
  private let predecessor: Predecessor?
  private let logger: Logger
  private let listening = AsyncStream<Void>.makeStream()
  private let steps = Mutex<Steps?>(nil)
  /// Open until this process has ended, so that the successor knows.
  private let successor = Mutex<HandingChannel?>(nil)

  init(path: String?, predecessor: Predecessor?, logger: Logger) {
    self.path = path
    self.predecessor = predecessor
    self.logger = logger
  }

  /// Before it runs.
  func use(_ steps: Steps) { self.steps.withLock { $0 = steps } }

  /// DNS and proxy listen.
  func noteListening() { listening.continuation.yield() }

  func run() async throws {
    guard let path, let steps = steps.withLock({ $0 }) else {
      try? await gracefulShutdown()
      return
    }
    await cancelWhenGracefulShutdown { [listening] in
      for await _ in listening.stream { break }
    }
    guard !Task.isShuttingDownGracefully && !Task.isCancelled else { return }
    if let predecessor {
      try await blocking { () throws(HandoverFailure) in try predecessor.finish(path: path) }
      await steps.resume()
      logger.notice(
        "taken over", metadata: ["predecessor": "\(predecessor.processID)"])
    }
    let door: HandingDoor
    do {
      door = try HandingDoor(path: path)
    } catch {
      throw HandoverFailure(path: path, reason: error.description)
    }
    await withGracefulShutdownHandler {
      await withTaskCancellationHandler {
        await wait(at: door, steps)
      } onCancel: {
        door.close()
      }
    } onGracefulShutdown: {
      door.close()
    }
    try? await gracefulShutdown()
  }

  /// Returns when the node ends, or is replaced.
  private func wait(at door: HandingDoor, _ steps: Steps) async {
    while let channel = await blocking({ door.next() }) {
      if await hand(to: channel, steps) { return }
    }
  }

  /// - Returns: whether the peer has taken over.
  private func hand(to channel: HandingChannel, _ steps: Steps) async -> Bool {
    let metadata: Logger.Metadata = ["successor": "\(channel.processID)"]
    do throws(HandingFault) {
      let (packet, _) = try await blocking { () throws(HandingFault) in
        try channel.receive(withinMilliseconds: 5_000)
      }
      guard packet.kind == .hello else { throw .packet(.damaged) }
      if let predecessor, !predecessor.hasEnded {
        let reason =
          "process \(predecessor.processID), which process \(getpid()) has taken over from, still "
          + "has connections; start again when it has ended"
        try channel.send(HandedPacket(.refusal, payload: Array(reason.utf8)))
        logger.warning(
          "handover refused", metadata: metadata.merging(["reason": "\(reason)"]) { $1 })
        return false
      }
    } catch {
      logger.warning("handover failed", metadata: metadata.merging(["reason": "\(error)"]) { $1 })
      return false
    }
    guard let memory = await steps.pause() else {
      let reason = "process \(getpid()) does not serve yet, or is ending"
      try? channel.send(HandedPacket(.refusal, payload: Array(reason.utf8)))
      return false
    }
    do {
      try await give(memory, to: channel, steps)
    } catch {
      await steps.resume()
      logger.warning("handover failed", metadata: metadata.merging(["reason": "\(error)"]) { $1 })
      return false
    }
    successor.withLock { $0 = channel }
    logger.notice("a successor serves", metadata: metadata)
    await steps.leave()
    return true
  }

  private func give(
    _ memory: HandedMemory, to channel: HandingChannel, _ steps: Steps
  ) async throws {
    let state = Array(try JSONEncoder().encode(memory))
    try await blocking { () throws(HandingFault) in
      try channel.send(.state, pieces: state)
      try steps.sockets { sockets throws(HandingFault) in try channel.send(sockets: sockets) }
      try channel.send(HandedPacket(.complete))
      let (packet, _) = try channel.receive(withinMilliseconds: Self.patience)
      guard packet.kind == .serving else { throw .packet(.damaged) }
      // From here on there is no way back.
      try channel.send(HandedPacket(.yours))
    }
  }
}

/// Runs something that blocks on a thread of its own.
private func blocking<Result: Sendable, Failure: Error>(
  _ body: @escaping @Sendable () throws(Failure) -> Result
) async throws(Failure) -> Result {
  let outcome = await withCheckedContinuation {
    (continuation: CheckedContinuation<Swift.Result<Result, Failure>, Never>) in
    Thread.detachNewThread {
      do throws(Failure) {
        continuation.resume(returning: .success(try body()))
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
  }
  return try outcome.get()
}
