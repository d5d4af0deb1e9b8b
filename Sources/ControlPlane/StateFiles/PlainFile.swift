import Foundation

/// What stands in a file that somebody has named, or that was kept.
///
/// Reading comes to an end whatever lies at the path: pipes, whose writer may never write, and
/// devices, which may have no end, are refused, and so is what is larger than it can be.
package struct PlainFile: Sendable {
  /// Why it cannot be read, or written, in words that follow "cannot be read: ".
  package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
  }

  package let path: String

  package init(_ path: String) { self.path = path }

  /// Why it cannot be read; nil: it can be opened.
  package var fault: Fault? {
    do throws(Fault) {
      close(try Self.opened(path, O_RDONLY).descriptor)
      return nil
    } catch {
      return error
    }
  }

  package func bytes(atMost limit: Int = .max) throws(Fault) -> [UInt8] {
    let (descriptor, size) = try Self.opened(path, O_RDONLY)
    defer { close(descriptor) }
    guard size <= limit else { throw Self.tooLarge(limit) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    var part = [UInt8](repeating: 0, count: min(max(size + 1, 4096), 1 << 20))
    while true {
      let count = read(descriptor, &part, part.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.systemFault() }
      if count == 0 { return bytes }
      bytes += part[..<count]
      guard bytes.count <= limit else { throw Self.tooLarge(limit) }
    }
  }

  /// The same of a file that has to be UTF-8.
  package func text(atMost limit: Int = .max) throws(Fault) -> String {
    guard let text = String(validating: try bytes(atMost: limit), as: UTF8.self) else {
      throw Fault(description: "it is not UTF-8")
    }
    return text
  }

  /// Opens what is a plain file, or a link to one, and nothing else. Whoever calls closes it.
  ///
  /// - Parameter flags: such as `O_RDONLY`.
  static func opened(
    _ path: String, _ flags: Int32
  ) throws(Fault) -> (descriptor: Int32, size: Int) {
    // Of a pipe nobody may ever open the other end.
    let descriptor = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw systemFault() }
    do throws(Fault) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw systemFault() }
      try check(status)
      return (descriptor, Int(status.st_size))
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Throws where something lies at a path that is no plain file.
  static func checkMayBe(_ path: String) throws(Fault) {
    var status = stat()
    if stat(path, &status) == 0 { try check(status) }
  }

  private static func check(_ status: stat) throws(Fault) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: return
    case S_IFDIR: throw Fault(description: "it is a folder")
    case S_IFIFO: throw Fault(description: "it is a pipe, and no plain file")
    case S_IFSOCK: throw Fault(description: "it is a socket, and no plain file")
    default: throw Fault(description: "it is a device, and no plain file")
    }
  }

  private static func tooLarge(_ limit: Int) -> Fault {
    Fault(description: "it has more than \(limit) bytes")
  }

  /// What the system has just said.
  private static func systemFault() -> Fault {
    switch errno {
    case ENOENT: Fault(description: "there is no such file")
    case EACCES: Fault(description: "permission denied")
    case EISDIR: Fault(description: "it is a folder")
    case ENXIO: Fault(description: "it is a socket or a pipe, and no plain file")
    case let code: Fault(description: String(cString: strerror(code)).lowercased())
    }
  }
}
