import Editions
import Settings

/// What a process gives the one that takes over from it, beside its sockets.
package struct HandedMemory: Sendable, Equatable, Codable {
  package var board: BoardMemory
  package var primaries: [PrimaryStore.Record]
  /// How it stood with its anycast addresses; nil: it had none.
  package var anycast: String?
  /// systemd ends the service if it does not hear for so long that it lives; nil: it does not.
  package var watchdogMicroseconds: Int64?

  /// It is a moment old, whatever may be kept over a restart.
  static let limits: Settings.Remembering = {
    var limits = Settings.Remembering()
    limits.health = .seconds(86_400)
    limits.overrides = .seconds(86_400)
    return limits
  }()
}

extension EditionPublisher {
  /// Lets another process decide: the present edition stays, and nothing is written down.
  ///
  /// - Returns: what the other one should know; nil: serving has not begun, so that there is
  ///   nothing to hand over, or it was frozen before.
  package func freeze() -> HandedMemory? {
    guard edition.isReady, !isFrozen else { return nil }
    isFrozen = true
    return HandedMemory(board: memory, primaries: keeper.primaryRecords)
  }

  /// Nobody has taken over.
  package func thaw() {
    guard isFrozen else { return }
    isFrozen = false
    // Whatever the other one has left on the disk, it has served none of it.
    keptPrimaries = []
    publish()
  }
}

extension BoardKeeper {
  /// Goes on where another process stands, or else where a run before ended.
  ///
  /// - Returns: what is known to be on the disk.
  mutating func restorePrimaries(
    handed: HandedMemory?, from store: PrimaryStore?, now: Double
  ) -> (records: [PrimaryStore.Record], notice: PrimaryNotice?) {
    guard let handed else { return restorePrimaries(from: store, now: now) }
    restorePrimaries(handed.primaries, firstEpoch: store == nil ? firstEpoch(now: now) : 1)
    return ([], nil)
  }
}
