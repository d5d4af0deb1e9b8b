import Foundation
import Synchronization
import TestSupport
import Testing

/// The results of so many at once, in their order.
func inParallel<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Mutex<[Int: Result<Value, any Error>]>([:])
  let threads = (0..<count).map { index in
    let thread = Thread {
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
    thread.start()
    return thread
  }
  eventually("all are done", within: .seconds(60)) { threads.allSatisfy(\.isFinished) }
  return try (0..<count).map { index in
    guard let result = results.withLock({ $0[index] }) else { throw CancellationError() }
    return try result.get()
  }
}
