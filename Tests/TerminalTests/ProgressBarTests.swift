import Synchronization
import Terminal
import Testing

@Suite struct `A progress bar` {
  @Test(
    arguments: [
      (0, 0.0, "Reading [" + String(repeating: "-", count: 30) + "]   0 %"),
      (
        0.5, 4.0,
        "Reading [" + String(repeating: "#", count: 15) + String(repeating: "-", count: 15)
          + "]  50 %  4 s left"
      ),
      (1, 8.0, "Reading [" + String(repeating: "#", count: 30) + "] 100 %"),
      (7, 8.0, "Reading [" + String(repeating: "#", count: 30) + "] 100 %"),
      (.nan, 8.0, "Reading [" + String(repeating: "-", count: 30) + "]   0 %"),
    ] as [(Double, Double, String)])
  func `says how much is done and how long the rest takes`(
    share: Double, elapsed: Double, line: String
  ) {
    #expect(ProgressBar.line("Reading", share: share, elapsed: elapsed, columns: 60) == line)
  }

  @Test func `fits the line, with or without a bar`() {
    for columns in 1...100 {
      let line = ProgressBar.line("Reading", share: 0.5, elapsed: 1, columns: columns)
      #expect(line.count <= max(columns, "Reading  50 %  1 s left".count))
      #expect(line.contains("50 %"))
    }
  }

  /// What is shown in the course of ten seconds, a step each 10 ms.
  private func shown(isTerminal: Bool, seconds: Double) -> [String] {
    let written = Mutex<[String]>([])
    let time = Mutex(Duration.zero)
    let bar = ProgressBar(
      "Reading", isTerminal: isTerminal, write: { text in written.withLock { $0.append(text) } },
      now: { time.withLock { $0 } })
    for step in 0..<Int(seconds * 100) {
      time.withLock { $0 = .milliseconds(10 * step) }
      bar.show(Double(step) / (seconds * 100))
    }
    bar.end()
    return written.withLock { $0 }
  }

  @Test func `is shown after a moment, ten times a second at most, and goes`() {
    let lines = shown(isTerminal: true, seconds: 10)
    #expect((80...100).contains(lines.count), "\(lines.count)")
    #expect(lines.dropLast().allSatisfy { $0.hasPrefix("\rReading") })
    #expect(lines.last == "\r\u{1B}[K")
  }

  @Test func `is not shown where nobody looks, or where it is soon over`() {
    #expect(shown(isTerminal: false, seconds: 10) == [])
    #expect(shown(isTerminal: true, seconds: ProgressBar.patience - 0.1) == [])
  }
}
