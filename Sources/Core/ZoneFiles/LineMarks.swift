/// Numbers all lines of all files in the order in which they are read.
public struct LineMarks: Sendable {
  private struct Stretch {
    var firstMark: UInt32
    var file: String
    var firstLine: Int
  }

  private var stretches: [Stretch] = []
  private var nextMark: UInt32 = 0

  /// A file, or the rest of it, is read from this line on.
  mutating func begin(file: String, line: Int = 1) {
    stretches.append(Stretch(firstMark: nextMark, file: file, firstLine: line))
  }

  /// nil: there are too many lines.
  mutating func mark(ofLine line: Int) -> UInt32? {
    guard let stretch = stretches.last else { return nil }
    let mark = Int(stretch.firstMark) + line - stretch.firstLine
    guard mark < Int(ZoneFileReader.markLimit) else { return nil }
    nextMark = UInt32(mark) + 1
    return UInt32(mark)
  }

  /// Where the line with a mark is; from 1 on.
  public func place(of mark: UInt32) -> (file: String, line: Int) {
    var low = 0
    var high = stretches.count
    while low < high {
      let middle = (low + high) / 2
      if stretches[middle].firstMark <= mark { low = middle + 1 } else { high = middle }
    }
    // Of a stretch without records the next one begins at the same mark and is the one meant.
    guard low > 0 else { return ("", 0) }
    let stretch = stretches[low - 1]
    return (stretch.file, stretch.firstLine + Int(mark - stretch.firstMark))
  }
}
