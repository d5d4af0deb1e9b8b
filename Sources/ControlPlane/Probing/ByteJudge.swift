import DNSWire
import Settings

/// Judges bytes that come over a connection, as they arrive.
protocol ByteJudge {
  /// - Returns: nil as long as more may decide otherwise.
  mutating func received(_ bytes: some Collection<UInt8>) -> ProbeOutcome?

  /// The connection ended without a decision.
  func closed() -> ProbeOutcome
}

/// Wants certain bytes, at the beginning or anywhere in the first 64 KiB.
struct ExchangeJudge: ByteJudge {
  /// How much of an answer is looked through.
  static let limitBytes = 65_536

  private let expected: Settings.Monitor.ExpectedBytes
  private var answer: [UInt8] = []

  init(_ expected: Settings.Monitor.ExpectedBytes) { self.expected = expected }

  mutating func received(_ bytes: some Collection<UInt8>) -> ProbeOutcome? {
    let known = answer.count
    answer += bytes.prefix(Self.limitBytes - known)
    switch expected {
    case .prefix(let wanted):
      let length = min(wanted.count, answer.count)
      guard answer.prefix(length) == wanted.prefix(length) else {
        return .failure(
          "answer begins with \(quoted(answer)), wanted \(quoted(wanted))")
      }
      return length == wanted.count ? .success : nil
    case .contained(let wanted):
      var start = max(0, known - wanted.count + 1)
      while start + wanted.count <= answer.count {
        if answer[start...].starts(with: wanted) { return .success }
        start += 1
      }
      guard answer.count >= Self.limitBytes else { return nil }
      return .failure("answer lacks \(quoted(wanted)) in its first \(Self.limitBytes) bytes")
    }
  }

  func closed() -> ProbeOutcome {
    if answer.isEmpty { return .failure("connection closed before an answer") }
    return switch expected {
    case .prefix(let wanted):
      .failure("connection closed after \(quoted(answer)), wanted \(quoted(wanted))")
    case .contained(let wanted): .failure("answer lacks \(quoted(wanted))")
    }
  }
}

/// The beginning of what was received, for people: text in quotes, anything else in hexadecimal.
func quoted(_ bytes: some Collection<UInt8>) -> String {
  let limit = 40
  let start = Array(bytes.prefix(limit))
  let ellipsis = bytes.count > limit ? "…" : ""
  let isText = start.allSatisfy { (0x20...0x7E).contains($0) || [0x09, 0x0A, 0x0D].contains($0) }
  guard isText else { return hexadecimalText(start, separator: " ") + ellipsis }
  return String(decoding: start, as: UTF8.self).debugDescription + ellipsis
}
