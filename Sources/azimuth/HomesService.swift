import Compiling
import Publishing
import ServiceLifecycle

/// Looks four times a second whether a file of overrides of homes has changed, and has it read once
/// it stays as it is: who writes it in place is not read half-way. What is wrong with it is told
/// once.
struct HomesService: Service {
  private static let tick = Duration.milliseconds(250)

  let publisher: EditionPublisher
  let reloader: Reloader

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var seen: CompiledHomes.Files?
      var refused: CompiledHomes.Files?
      while !Task.isCancelled {
        let homes = await publisher.compiled.homes
        let now = homes.filesNow
        if now != homes.filesRead && now == seen && now != refused {
          refused = await reloader.reloadHomes() ? nil : now
        }
        seen = now
        try? await Task.sleep(for: Self.tick)
      }
    }
  }
}
