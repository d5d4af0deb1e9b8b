import Foundation
import Synchronization

/// The HTTP endpoint of one region: says its name, and can be stopped and started again.
final class RegionServer: Sendable {
  enum Manner: Sendable {
    /// Answers every request with the region's name.
    case answers
    /// Takes connections and says nothing.
    case isSilent
    /// Answers health checks, and resets whoever asks for anything else.
    case resetsClients
  }

  let region: String
  let address: String
  let port: Int
  private let manner: Manner
  private let listener = Mutex<Socket?>(nil)
  private let connections = Mutex<Int>(0)

  init(region: String, address: String, port: Int, manner: Manner = .answers) throws {
    self.region = region
    self.address = address
    self.port = port
    self.manner = manner
    try start()
  }

  deinit { stop() }

  /// Connections taken so far.
  var taken: Int { connections.withLock { $0 } }

  func start() throws {
    let socket = try Socket.listening(on: address, port: port)
    listener.withLock { $0 = socket }
    Thread.detachNewThread { [weak self] in
      while let connection = socket.accept() {
        guard let self else { return }
        connections.withLock { $0 += 1 }
        let (region, manner) = (region, manner)
        Thread.detachNewThread { Self.serve(connection, region, manner) }
      }
    }
  }

  /// New connections are refused from now on; those that were taken are served to their end.
  func stop() {
    listener.withLock { socket in
      socket?.interrupt()
      socket = nil
    }
  }

  private static func serve(_ connection: Socket, _ region: String, _ manner: Manner) {
    var waiting: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(region.utf8.count + 1)\r\n\r\n\(region)\n"
    while let bytes = try? connection.receive(), !bytes.isEmpty {
      guard manner != .isSilent else { continue }
      waiting += bytes
      while let range = waiting.firstRange(of: end) {
        let head = String(decoding: waiting[..<range.upperBound], as: UTF8.self)
        waiting.removeSubrange(..<range.upperBound)
        if manner == .resetsClients && !head.contains("/healthz") {
          return connection.resetWhenClosed()
        }
        guard (try? connection.send(Array(answer.utf8))) != nil else { return }
        if head.lowercased().contains("connection: close") { return }
      }
    }
  }
}
