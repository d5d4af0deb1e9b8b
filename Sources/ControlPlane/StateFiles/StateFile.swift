package import Foundation

/// A file that is there whole, as it was or as it is to be, whenever the machine stops: those of
/// the `state` folder, which outlive a restart, and databases that are built.
///
///     write PATH.PROCESS.next → fsync → rename to PATH → fsync the folder
///
/// The name of the process keeps two of them apart, of which one takes over from the other.
package struct StateFile: Sendable {
  package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
  }

  package let path: String
  private let folder: String

  package init(_ name: String, in folder: String) {
    path = "\(folder)/\(name)"
    self.folder = folder
  }

  /// nil: there is none, or it cannot be read; a pipe or a device is not.
  package var contents: Data? {
    (try? PlainFile(path).bytes(atMost: Self.mostBytes)).map { Data($0) }
  }

  /// No state is as large: what is would fill the memory.
  private static let mostBytes = 1 << 30

  /// For what is changed in place. Whoever calls closes it.
  package func updating() throws(Fault) -> FileHandle {
    do throws(PlainFile.Fault) {
      return FileHandle(
        fileDescriptor: try PlainFile.opened(path, O_RDWR).descriptor, closeOnDealloc: true)
    } catch {
      throw Fault(description: "\(path) cannot be written: \(error)")
    }
  }

  /// Replaces the file whole, and makes its folder if there is none. When this returns, it is on
  /// the disk; where it throws, the file is as it was, and nothing stays beside it.
  ///
  /// - Parameter check: looks at the new file before it takes the old one's place; by its path.
  package func replace(
    with contents: Data, check: (String) throws(Fault) -> Void = { _ throws(Fault) in }
  ) throws(Fault) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Fault(description: "\(folder) cannot be made: \(error.localizedDescription)")
    }
    do throws(PlainFile.Fault) {
      try PlainFile.checkMayBe(path)
    } catch {
      throw Fault(description: "\(path) cannot be written: \(error)")
    }
    let next = "\(path).\(getpid()).next"
    do throws(Fault) {
      try write(contents, to: next)
      try check(next)
      guard rename(next, path) == 0 else { throw fault() }
    } catch {
      unlink(next)
      throw error
    }
    try synchronizeFolder()
  }

  private func write(_ contents: Data, to next: String) throws(Fault) {
    // What a crash has left goes; a link that somebody has put there is not followed.
    unlink(next)
    let descriptor = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw fault() }
    let isWritten = Self.write(contents, to: descriptor) && fsync(descriptor) == 0
    let reason = isWritten ? nil : fault()
    let isClosed = close(descriptor) == 0
    if let reason { throw reason }
    guard isClosed else { throw fault() }
  }

  private static func write(_ contents: Data, to descriptor: Int32) -> Bool {
    contents.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
  }

  /// The new name is on the disk as well.
  private func synchronizeFolder() throws(Fault) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault() }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault() }
  }

  /// What the system has just said.
  private func fault() -> Fault {
    Fault(description: "\(path) cannot be written: \(String(cString: strerror(errno)))")
  }
}
