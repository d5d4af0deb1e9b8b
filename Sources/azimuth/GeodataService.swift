import Compiling
import Publishing
import ServiceLifecycle
import Settings

/// Looks once a second whether a database or a file of overrides has changed, where that is wished
/// (`geo.watch`), and has it read once it stays as it is: who writes it in place is not read
/// half-way. What is wrong with it, or would move too many people, is told once.
struct GeodataService: Service {
  private static let tick = Duration.seconds(1)

  let publisher: EditionPublisher
  let reloader: Reloader

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var seen: GeodataFiles?
      var refused: GeodataFiles?
      while !Task.isCancelled {
        let compiled = await publisher.compiled
        if compiled.settings.geo.isWatched {
          let now = compiled.geodataNow
          if now != compiled.geodataRead && now == seen && now != refused {
            refused = await reloader.reloadGeodata() ? nil : now
          }
          seen = now
        }
        try? await Task.sleep(for: Self.tick)
      }
    }
  }
}
