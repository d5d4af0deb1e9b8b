/// When the next sample is due: every n-th time on average, and never in a fixed step, which what
/// is sampled could keep, too (resolvers ask for A and AAAA in turn).
struct SampleClock {
  /// Every how manieth; nil: none.
  private let interval: Int?
  /// Until the next sample.
  private(set) var left: Int
  private var state: UInt64

  /// - Parameter interval: 1: all.
  init(every interval: Int?, seed: UInt64) {
    self.interval = interval.map { max(1, $0) }
    state = seed | 1
    left = .max
    restart()
  }

  /// Lets so many pass; at most ``left``.
  ///
  /// - Returns: whether the last of them is to be taken.
  mutating func pass(_ count: Int) -> Bool {
    guard interval != nil else { return false }
    left -= count
    guard left <= 0 else { return false }
    restart()
    return true
  }

  /// Any distance below twice the interval is as likely as any other.
  private mutating func restart() {
    guard let interval else { return }
    // Xorshift64 (Marsaglia 2003).
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    let width = UInt64(2 * interval - 1)
    left = 1 + Int(state.multipliedFullWidth(by: width).high)
  }
}
