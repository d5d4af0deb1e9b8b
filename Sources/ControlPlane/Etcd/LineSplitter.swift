/// Cuts a stream into its lines, whatever pieces it comes in.
package struct LineSplitter {
  /// Bytes of a line that is not over yet. etcd takes requests up to 1.5 MiB, and one frame brings
  /// many.
  static let mostWaiting = 64 << 20

  /// What has come of a line that is not over. etcd's last one, a fault, has no end.
  package private(set) var waiting: [UInt8] = []

  package init() {}

  /// - Returns: the lines that are over, without their ends; nil: this one never ends.
  package mutating func take(_ piece: some Sequence<UInt8>) -> [[UInt8]]? {
    var lines: [[UInt8]] = []
    for byte in piece {
      if byte == UInt8(ascii: "\n") {
        if !waiting.isEmpty { lines.append(waiting) }
        waiting = []
      } else {
        waiting.append(byte)
      }
    }
    return waiting.count <= Self.mostWaiting ? lines : nil
  }
}
