import Foundation
import Glibc
import Tapping
import TestSupport

/// A reader of the tap that does what a test says: a stream socket in a folder of its own.
final class ScriptedReader {
  let path: String
  private let folder: URL
  private var listener: Int32 = -1

  struct Failure: Error {
    var what: String
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "azimuth-tap-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.appending(path: "socket").path
  }

  deinit {
    stopListening()
    try? FileManager.default.removeItem(at: folder)
  }

  func listen() throws {
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, Glibc.listen(listener, 5) == 0 else { throw Failure(what: "listen") }
    limitWaiting(listener)
  }

  func stopListening() {
    if listener >= 0 { close(listener) }
    listener = -1
    unlink(path)
  }

  func accept() throws -> Connection {
    let descriptor = Glibc.accept(listener, nil, nil)
    guard descriptor >= 0 else { throw Failure(what: "accept") }
    limitWaiting(descriptor)
    return Connection(descriptor)
  }

  /// Accepts a connection and plays the reader's part of the handshake.
  func acceptStream() throws -> Connection {
    let connection = try accept()
    let ready = try connection.control()
    guard ready.kind == .ready, ready.contentTypes == [contentType] else {
      throw Failure(what: "\(ready)")
    }
    connection.send(ControlFrame(.accept, contentTypes: [contentType]).bytes)
    let start = try connection.control()
    guard start == ControlFrame(.start, contentTypes: [contentType]) else {
      throw Failure(what: "\(start)")
    }
    return connection
  }

  final class Connection {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
      _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Exactly so many bytes; throws at the end and after 20 s.
    func receive(_ count: Int) throws -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      var filled = 0
      while filled < count {
        let got = bytes.withUnsafeMutableBytes { buffer in
          recv(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, 0)
        }
        guard got > 0 else { throw Failure(what: "after \(filled) of \(count) bytes") }
        filled += got
      }
      return bytes
    }

    enum Frame: Equatable {
      case control(ControlFrame)
      case data([UInt8])
    }

    func frame() throws -> Frame {
      let count = try number()
      guard count == 0 else { return .data(try receive(count)) }
      guard let control = ControlFrame(body: try receive(try number())) else {
        throw Failure(what: "no control frame")
      }
      return .control(control)
    }

    func control() throws -> ControlFrame {
      guard case .control(let control) = try frame() else { throw Failure(what: "data") }
      return control
    }

    func event() throws -> TapEvent {
      guard case .data(let payload) = try frame() else { throw Failure(what: "control") }
      return try TapEvent(payload)
    }

    /// All events up to the end, which is confirmed.
    func eventsUntilStop() throws -> [TapEvent] {
      var events: [TapEvent] = []
      while true {
        switch try frame() {
        case .data(let payload): events.append(try TapEvent(payload))
        case .control(let control):
          guard control == ControlFrame(.stop) else { throw Failure(what: "\(control)") }
          send(ControlFrame(.finish).bytes)
          return events
        }
      }
    }

    private func number() throws -> Int {
      try receive(4).reduce(0) { $0 << 8 | Int($1) }
    }
  }
}

let contentType = "protobuf:dnstap.Dnstap"

private func limitWaiting(_ descriptor: Int32) {
  var timeout = timeval(tv_sec: 20, tv_usec: 0)
  setsockopt(
    descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
}
