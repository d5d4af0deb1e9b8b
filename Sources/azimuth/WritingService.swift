import ServiceLifecycle
import Synchronization

/// A service that writes what is kept over a restart, or speaks for the node to others: two
/// processes must not do it at the same time. While it is held it rests, and has written all.
final class WritingService: Service {
  private struct State {
    var isHeld: Bool
    var hasStarted = false
    var work: Task<Void, any Error>?
  }

  private let service: any Service
  private let state: Mutex<State>

  /// - Parameters:
  ///   - service: runs until its task is cancelled, writes what is left, and can run again.
  ///   - isHeld: until ``resume()``.
  init(_ service: any Service, isHeld: Bool) {
    self.service = service
    state = Mutex(State(isHeld: isHeld))
  }

  func run() async throws {
    state.withLock { $0.hasStarted = true }
    startWork()
    try? await gracefulShutdown()
    await hold()
  }

  /// Returns when everything is written.
  func hold() async {
    let work = state.withLock { state in
      defer { state.work = nil }
      state.isHeld = true
      return state.work
    }
    work?.cancel()
    _ = await work?.result
  }

  func resume() {
    state.withLock { $0.isHeld = false }
    startWork()
  }

  private func startWork() {
    state.withLock { state in
      guard state.hasStarted, !state.isHeld, state.work == nil else { return }
      state.work = Task { [service] in try await service.run() }
    }
  }
}
