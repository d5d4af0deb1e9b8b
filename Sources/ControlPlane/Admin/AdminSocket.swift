import Glibc
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Settings

/// The unix socket of a server. It is made in a folder that nobody else may enter, gets its mode
/// there, and comes to its path by being renamed. So nothing ever stands there that lets in more
/// than its mode does, and what stood there is replaced at once.
///
///     PATH.PID/s ── listen ── mode ── rename ── PATH ── … ── unlink, if it is ours still
///
/// Stands behind its server in a `ServiceGroup`: it ends first, while the server still listens.
package struct AdminSocket: Service {
  package let path: String
  let mode: UInt16
  package let logger: Logger
  private let listening: AsyncStream<Void>
  private let tellListening: AsyncStream<Void>.Continuation

  package init(path: String, mode: UInt16, logger: Logger) {
    self.path = path
    self.mode = mode
    self.logger = logger
    (listening, tellListening) = AsyncStream.makeStream()
  }

  /// Another process may come to have the same path; none has this one's number.
  private var folder: String { "\(path).\(getpid())" }
  /// Where the server listens, before the socket comes to its path.
  package var birthplace: String { "\(folder)/s" }

  /// Makes the folder, before the server listens.
  ///
  /// - Throws: ``AdminSocketFault``.
  package func prepare() async throws {
    // The file of a socket outlives its process, and this one takes its place: unless somebody
    // answers there, who would be asked no more.
    if let status = status(of: path) {
      guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw AdminSocketFault("\(path) is no socket, and stays: choose another path, or remove it")
      }
      guard await !isAnswered else { throw AdminSocketFault("another process listens there") }
    }
    guard mkdir(folder, 0o700) != 0 else { return }
    let code = errno
    // A process of the same number may have left it behind.
    guard code == EEXIST, let status = status(of: folder), status.st_mode & S_IFMT == S_IFDIR,
      status.st_uid == geteuid(), status.st_mode & 0o077 == 0
    else { throw AdminSocketFault("the folder \(folder) cannot be made", code) }
  }

  /// The server takes connections.
  package func noteListening() { tellListening.yield() }

  package func run() async throws {
    defer {
      unlink(birthplace)
      rmdir(folder)
    }
    // Where the server cannot listen it says why, and all of the group end.
    for await _ in listening.cancelOnGracefulShutdown() {
      let own = try place()
      logger.info("the admin API listens", metadata: ["admin": "unix:\(path)"])
      try? await gracefulShutdown()
      // Whoever comes to this path finds that somebody answers, and waits, until it is gone.
      if let status = status(of: path), status.st_dev == own.st_dev, status.st_ino == own.st_ino {
        unlink(path)
      }
      return
    }
  }

  private func place() throws(AdminSocketFault) -> stat {
    guard chmod(birthplace, mode_t(mode)) == 0, let own = status(of: birthplace),
      rename(birthplace, path) == 0
    else { throw AdminSocketFault("the socket cannot be put there", errno) }
    rmdir(folder)
    return own
  }

  private var isAnswered: Bool {
    get async {
      let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      guard let channel = try? await bootstrap.connect(unixDomainSocketPath: path).get() else {
        return false
      }
      try? await channel.close()
      return true
    }
  }

  /// nil: there is nothing.
  private func status(of path: String) -> stat? {
    var status = stat()
    return unsafe lstat(path, &status) == 0 ? status : nil
  }
}

/// Why there is no socket.
package struct AdminSocketFault: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }

  /// - Parameter code: an errno.
  init(_ what: String, _ code: Int32) {
    guard let text = unsafe strerror(code) else {
      description = what
      return
    }
    description = unsafe "\(what): \(String(cString: text))"
  }
}
