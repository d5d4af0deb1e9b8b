import Admin
import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

/// The unix socket of the admin API, from before it is there until it is gone.
@Suite struct `The admin socket` {
  /// A path in a folder of its own, and what stands in that folder.
  private final class Place: Sendable {
    let folder = FileManager.default.temporaryDirectory.appending(path: "az-\(UUID().uuidString)")
    var path: String { folder.appending(path: "a").path }
    /// Where the socket is made.
    var birthFolder: String { "\(path).\(getpid())" }

    init() throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var names: [String] {
      get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    func socket() -> AdminSocket {
      AdminSocket(
        path: path, mode: 0o640, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Whoever listens there answers nothing.
    func listen(at path: String) async throws -> any Channel {
      try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .bind(unixDomainSocketPath: path).get()
    }

    /// Lets somebody look while the socket is in its place, and ends it then.
    func open(_ look: () async throws -> Void) async throws {
      let socket = socket()
      try await socket.prepare()
      let channel = try await listen(at: socket.birthplace)
      // Of a process without a mask.
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o777], ofItemAtPath: socket.birthplace)
      let group = ServiceGroup(services: [socket], logger: socket.logger)
      async let running: Void = group.run()
      socket.noteListening()
      while permissions(of: birthFolder) != nil {
        try await Task.sleep(for: .milliseconds(1))
      }
      try await look()
      await group.triggerGracefulShutdown()
      try await running
      try await channel.close()
    }
  }

  @Test func `has its mode when it comes to its path, and goes at the end`() async throws {
    let place = try Place()
    try await place.open {
      #expect(permissions(of: place.path) == 0o640)
      let names = try place.names
      #expect(names == ["a"])
    }
    #expect(try place.names.isEmpty)
  }

  /// Whoever connected meanwhile would have come in by the mask of the process.
  @Test func `is made where nobody else can come`() async throws {
    let place = try Place()
    let socket = place.socket()
    try await socket.prepare()
    #expect(permissions(of: place.birthFolder) == 0o700)
    #expect(socket.birthplace.hasPrefix("\(place.birthFolder)/"))
    #expect(permissions(of: place.path) == nil)
  }

  @Test func `takes the place of one whose process is gone`() async throws {
    let place = try Place()
    // Renamed, so that its end does not take it away.
    let next = place.folder.appending(path: "next").path
    let other = try await place.listen(at: next)
    #expect(rename(next, place.path) == 0)
    try await other.close()
    #expect(try place.names == ["a"])
    try await place.open { #expect(permissions(of: place.path) == 0o640) }
  }

  @Test func `takes no place of one that is answered`() async throws {
    let place = try Place()
    let other = try await place.listen(at: place.path)
    await #expect { try await place.socket().prepare() } throws: {
      "\($0)" == "another process listens there"
    }
    #expect(try place.names == ["a"])
    try await other.close()
  }

  @Test func `takes nothing away that is no socket`() async throws {
    let place = try Place()
    try "kept".write(toFile: place.path, atomically: true, encoding: .utf8)
    await #expect { try await place.socket().prepare() } throws: {
      "\($0)".hasPrefix("\(place.path) is no socket, and stays")
    }
    #expect(try String(contentsOfFile: place.path, encoding: .utf8) == "kept")
  }

  @Test func `leaves the socket of another one that has come to its path`() async throws {
    let place = try Place()
    let next = place.folder.appending(path: "next").path
    let other = try await place.listen(at: next)
    try await place.open { #expect(rename(next, place.path) == 0) }
    #expect(try place.names == ["a"])
    try await other.close()
  }

  @Test func `takes a folder that a process of its number has left, and no other one`()
    async throws
  {
    let place = try Place()
    try FileManager.default.createDirectory(
      atPath: place.birthFolder, withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o700])
    try await place.socket().prepare()
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: place.birthFolder)
    await #expect { try await place.socket().prepare() } throws: {
      "\($0)" == "the folder \(place.birthFolder) cannot be made: File exists"
    }
  }
}

/// nil: there is nothing.
private func permissions(of path: String) -> Int? {
  let attributes = try? FileManager.default.attributesOfItem(atPath: path)
  return attributes?[.posixPermissions] as? Int
}
