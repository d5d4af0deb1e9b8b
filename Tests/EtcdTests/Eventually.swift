/// Waits until something holds; false after as long as any of it may take on a slow machine.
func eventually(
  within limit: Duration = .seconds(40), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let clock = ContinuousClock()
  let end = clock.now + limit
  while clock.now < end {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
