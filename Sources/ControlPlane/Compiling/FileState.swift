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
