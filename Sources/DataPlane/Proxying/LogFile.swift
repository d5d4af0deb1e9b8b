import CLinux

/// Where lines are written to, and what has come there.
struct LogFile: Sendable {
  /// nil: standard output.
  private let path: String?
  private var fd: Int32
  /// The last line there has no end, since writing it failed half-way.
  private var isTorn = false

  private static let end: [UInt8] = [UInt8(ascii: "\n")]

  /// The file is appended to, and made if absent.
  init(_ destination: AccessLogWriter.Destination) throws(SystemError) {
    switch destination {
    case .standardOutput:
      path = nil
      fd = 1
    case .file(let path):
      self.path = path
      fd = try Self.open(path)
    }
  }

  private static func open(_ path: String) throws(SystemError) -> Int32 {
    let fd = unsafe az_log_open(path)
    guard fd >= 0 else { throw SystemError(code: -fd) }
    return fd
  }

  /// Opens the file of the same path. Where that fails the one that is open stays so.
  mutating func reopen() throws(SystemError) {
    guard let path else { return }
    let fresh = try Self.open(path)
    az_tcp_close(fd)
    fd = fresh
    isTorn = false
  }

  func close() { if path != nil { az_tcp_close(fd) } }

  /// Writes lines, whole ones.
  ///
  /// - Returns: how many of them are lost, and why; nil: none.
  mutating func write(_ lines: [UInt8]) -> (lost: Int, reason: SystemError)? {
    do throws(SystemError) {
      // What is written to a file without a name nobody reads.
      if path != nil, az_log_is_gone(fd) != 0 { try reopen() }
      // What follows is not to be the rest of half a line.
      if isTorn, let failure = attempt(Self.end).failure { throw failure }
    } catch {
      return (Self.count(lines[...]), error)
    }
    let (count, failure) = attempt(lines)
    isTorn = count > 0 && lines[count - 1] != Self.end[0]
    guard let failure else { return nil }
    return (Self.count(lines[count...]), failure)
  }

  private func attempt(_ bytes: [UInt8]) -> (count: Int, failure: SystemError?) {
    var count = 0
    let result = unsafe bytes.withUnsafeBytes {
      unsafe az_log_write(fd, $0.baseAddress, $0.count, &count)
    }
    return (count, result < 0 ? SystemError(code: -result) : nil)
  }

  private static func count(_ lines: ArraySlice<UInt8>) -> Int { lines.count { $0 == end[0] } }
}
