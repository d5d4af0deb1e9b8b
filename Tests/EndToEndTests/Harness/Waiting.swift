import Glibc
import Testing

/// Asks again and again until the condition holds, and fails the test if it does not in time.
///
/// - Returns: how long it took.
@discardableResult
func eventually(
  _ what: String, within limit: Duration = .seconds(15),
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) -> Duration {
  let clock = ContinuousClock()
  let start = clock.now
  var last = "it never held"
  repeat {
    do {
      if try condition() { return clock.now - start }
    } catch {
      last = "\(error)"
    }
    rest()
  } while clock.now - start < limit
  Issue.record("\(what): not within \(limit): \(last)", sourceLocation: sourceLocation)
  return clock.now - start
}

/// Lets the others work before the next look.
func rest() {
  var time = timespec(tv_sec: 0, tv_nsec: 10_000_000)
  nanosleep(&time, nil)
}
