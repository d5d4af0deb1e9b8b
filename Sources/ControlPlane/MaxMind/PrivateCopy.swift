import CMaxMindDB
import Glibc

/// A copy of a file that no other process can change: memory that has a path in /proc. Copying the
/// shipped database takes some milliseconds; mapping the file itself would let whoever truncates
/// it during a reload end the server with SIGBUS.
struct PrivateCopy: ~Copyable {
  private let descriptor: Int32
  /// Bytes.
  private(set) var size = 0

  /// The format addresses nodes with 32 bits, and memory is to stay bounded.
  static let maximumSize = 2 << 30

  /// Empty; throws if there is no memory for it.
  private init() throws(MalformedDatabase) {
    let copy = unsafe memfd_create("azimuth-mmdb", UInt32(AZIMUTH_MFD_CLOEXEC))
    guard copy >= 0 else { throw Self.failure("memory for a copy cannot be had") }
    descriptor = copy
  }

  /// Throws if the file cannot be read, is none, or changes meanwhile.
  static func make(of path: String) throws(MalformedDatabase) -> PrivateCopy {
    var copy = try PrivateCopy()
    // O_NONBLOCK: opening a FIFO would wait for its writer.
    let source = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard source >= 0 else { throw Self.failure("it cannot be opened") }
    defer { close(source) }
    copy.size = try Self.copyWhole(source, to: copy.descriptor)
    return copy
  }

  deinit { close(descriptor) }

  /// The copy's path in this process, while this value lives.
  var path: String { "/proc/self/fd/\(descriptor)" }

  /// Up to `count` last bytes.
  func tail(_ count: Int) throws(MalformedDatabase) -> [UInt8] {
    let wanted = min(count, size)
    var bytes = [UInt8](repeating: 0, count: wanted)
    let got = unsafe pread(descriptor, &bytes, wanted, off_t(size - wanted))
    guard got == wanted else { throw Self.failure("its copy cannot be read") }
    return bytes
  }

  private static func status(of descriptor: Int32) throws(MalformedDatabase) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure("it cannot be examined") }
    return status
  }

  private static func copyWhole(
    _ source: Int32, to copy: Int32
  ) throws(MalformedDatabase) -> Int {
    let before = try status(of: source)
    guard before.st_mode & S_IFMT == S_IFREG else {
      throw MalformedDatabase("it is not a regular file")
    }
    guard before.st_size <= maximumSize else {
      throw MalformedDatabase("it is larger than \(maximumSize) bytes")
    }
    let size = try copyBytes(from: source, to: copy)
    let after = try status(of: source)
    guard size == before.st_size, after.st_size == before.st_size,
      after.st_mtim.tv_sec == before.st_mtim.tv_sec,
      after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
    else { throw MalformedDatabase("it changed while it was read; put new files in by renaming") }
    return size
  }

  private static func copyBytes(
    from source: Int32, to copy: Int32
  ) throws(MalformedDatabase) -> Int {
    var total = 0
    while total <= maximumSize {
      let count = sendfile(copy, source, nil, 16 << 20)
      if count == 0 { return total }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("it cannot be read") }
      total += count
    }
    return total
  }

  private static func failure(_ what: String) -> MalformedDatabase {
    unsafe MalformedDatabase("\(what): \(String(cString: strerror(errno)))")
  }
}
