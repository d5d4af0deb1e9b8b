import Admin
import Clustering
import Engine
import Foundation
import Logging
import ServiceLifecycle
import Settings
import Synchronization

extension FleetMember {
  /// Between two words that the node still waits.
  private static let reminder = Duration.seconds(60)

  /// What the node begins with: waits until there is something, however long that takes.
  ///
  /// - Throws: `CancellationError` alone.
  func first(
    of source: ConfigurationSource
  ) async throws -> (Settings, StoredConfiguration?) {
    signal(SIGHUP, SIG_IGN)
    let (words, next) = AsyncStream.makeStream(of: StorePicture?.self)
    let listening = Task { for await picture in pictures() { next.yield(picture) } }
    let waiting = Task { [start] in
      var pause = start.fleet.startWait
      while (try? await Task.sleep(for: pause)) != nil {
        next.yield(nil)
        pause = Self.reminder
      }
    }
    let server = WaitingAdmin(listen: start.adminListen, logger: logger)
    defer {
      listening.cancel()
      waiting.cancel()
    }
    var stored: StoredConfiguration?
    var refused: Set<String> = []
    for await picture in words {
      if let picture {
        let said = StoredConfiguration(picture, of: start)
        guard said != stored else { continue }
        stored = said
      }
      let choice = FleetChoice(
        stored: stored, snapshot: snapshot, shrinkLimit: start.fleet.shrinkLimit,
        read: { configuration throws(Faults) in try source.settings(configuration) },
        refuse: { faults in
          // Once each: it is asked again and again.
          for fault in faults.faults where refused.insert("\(fault)").inserted {
            logger.error("configuration refused", metadata: ["fault": "\(fault)"])
          }
        })
      if let taken = take(choice) {
        await server.stop()
        return taken
      }
      logger.warning("nothing to serve yet: waits for the fleet's store")
      server.start()
    }
    throw CancellationError()
  }

  private func take(_ choice: FleetChoice) -> (Settings, StoredConfiguration?)? {
    switch choice {
    case .store(let settings, let stored):
      note(StoredStanding(inForce: stored, isValid: true))
      begin(settings)
      return (settings, stored)
    case .snapshot(let settings, let snapshot):
      _ = standing.take(StoredStanding(inForce: snapshot.configuration, isValid: true))
      begin(settings)
      let age = Int(Date.now.timeIntervalSince1970 - snapshot.savedAt)
      logger.warning(
        "starts with what the fleet's store last said",
        metadata: ["age_seconds": "\(age)", "revision": "\(snapshot.configuration.revision)"])
      return (settings, snapshot.configuration)
    case .file(let settings):
      begin(settings)
      logger.warning("starts with its own file: the fleet's store does not answer")
      return (settings, nil)
    case .nothing: return nil
    }
  }
}

/// Answers on the admin address of the node's own file while the node waits.
private final class WaitingAdmin: Sendable {
  private struct Running {
    var group: ServiceGroup
    var task: Task<Void, Never>
  }

  private let listen: Settings.Admin.Listening?
  private let logger: Logger
  private let running = Mutex<Running?>(nil)

  init(listen: Settings.Admin.Listening?, logger: Logger) {
    self.listen = listen
    self.logger = logger
  }

  /// Once is enough. A predecessor may have the address: then that one answers.
  func start() {
    guard let listen else { return }
    running.withLock { running in
      guard running == nil else { return }
      let group: ServiceGroup
      do {
        group = ServiceGroup(
          services: WaitingServer(logger: logger).services(door: try AdminDoor(listen)),
          logger: logger)
      } catch {
        return warn(listen, error)
      }
      let task = Task {
        do {
          try await group.run()
        } catch {
          warn(listen, error)
        }
      }
      running = Running(group: group, task: task)
    }
  }

  private func warn(_ listen: Settings.Admin.Listening, _ error: any Error) {
    logger.warning(
      "nobody can ask whether the node waits",
      metadata: ["admin": "\(listen)", "reason": "\(error)"])
  }

  /// When this returns, the address is free.
  func stop() async {
    guard let running = running.withLock({ $0 }) else { return }
    await running.group.triggerGracefulShutdown()
    await running.task.value
  }
}
