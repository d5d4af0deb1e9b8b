import Glibc

/// Tells one state of a file from another.
struct FileState: Sendable, Equatable {
  var path: String
  var device: UInt64 = 0
  var inode: UInt64 = 0
  var byteCount: Int64 = -1
  var modifiedSeconds: Int = 0
  var modifiedNanoseconds: Int = 0

  /// Of a file that cannot be read only the path is known; reading it will say why.
  init(path: String) {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    byteCount = Int64(status.st_size)
    modifiedSeconds = status.st_mtim.tv_sec
    modifiedNanoseconds = status.st_mtim.tv_nsec
  }
}

/// What the clock says.
package func secondsSince1970() -> Int { time(nil) }

/// A file, whole; nil if it cannot be read, with the reason in `errno`.
func contents(of path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var status = stat()
  guard fstat(fileno(file), &status) == 0 else { return nil }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(max(0, Int(status.st_size)))
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { return ferror(file) == 0 ? bytes : nil }
    bytes += chunk[..<count]
  }
}
