import Foundation
import Synchronization

/// Answers every request over HTTP with a number.
final class LagServer: Sendable {
  let port: Int
  private let listener: Socket
  private let state = Mutex((answer: "0\n", count: 0))

  /// The body of the answers.
  var seconds: String {
    get { state.withLock { $0.answer } }
    set { state.withLock { $0 = (newValue, 0) } }
  }

  /// Requests since ``seconds`` was set.
  var count: Int { state.withLock { $0.count } }

  init(port: Int) throws {
    self.port = port
    let socket = try Socket.listening(on: "127.0.0.1", port: port)
    listener = socket
    Thread.detachNewThread { [weak self] in
      while let connection = socket.accept() {
        guard (try? connection.receive()) != nil, let self else { continue }
        let body = self.state.withLock { state in
          state.count += 1
          return state.answer
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n"
        try? connection.send(Array("\(head)\r\n\(body)".utf8))
      }
    }
  }

  deinit { listener.interrupt() }
}
