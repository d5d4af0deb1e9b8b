import Tapping
import TestSupport
import Testing

@Suite struct `Control frames of Frame Streams` {
  /// What libfstrm writes.
  static let written: [(frame: ControlFrame, bytes: [UInt8])] = [
    (ControlFrame(.stop), [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3]),
    (ControlFrame(.finish), [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5]),
    (
      ControlFrame(.start, contentTypes: ["ab"]),
      [0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x61, 0x62]
    ),
    (
      ControlFrame(.ready, contentTypes: ["a", ""]),
      [
        0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0x61, 0, 0, 0, 1, 0, 0, 0, 0,
      ]
    ),
  ]

  @Test func `are written and read`() {
    for (frame, bytes) in Self.written {
      #expect(frame.bytes == bytes)
      #expect(ControlFrame(body: bytes[8...]) == frame)
    }
  }

  @Test(arguments: [
    ([], "is empty"), ([0, 0, 2], "is cut in its type"), ([0, 0, 0, 0], "has type 0"),
    ([0, 0, 0, 6], "has a type beyond the last"), ([2, 0, 0, 0], "has its bytes turned round"),
    ([0, 0, 0, 2, 0, 0, 0, 1], "is cut in a field"),
    ([0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0], "has an unknown field"),
    ([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1], "has a field that reaches beyond it"),
    ([0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 1], "has a field of 4 GiB"),
    ([0, 0, 0, 3] + [UInt8](repeating: 0, count: 509), "is longer than 512 bytes"),
  ])
  func `a body is refused that`(body: [UInt8], what: String) {
    #expect(ControlFrame(body: body) == nil, "\(what)")
  }

  @Test func `whatever comes, reading it ends`() {
    for seed in UInt64(1)...20_000 {
      var generator = SeededGenerator(seed: seed)
      var body = ControlFrame(.accept, contentTypes: ["ab", "protobuf:dnstap.Dnstap"]).bytes
      body.removeFirst(8)
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let index = Int.random(in: 0..<body.count, using: &generator)
        body[index] = UInt8.random(in: 0...255, using: &generator)
      }
      let cut = Int.random(in: 0...body.count, using: &generator)
      guard let frame = ControlFrame(body: body[..<cut]) else { continue }
      #expect(Array(frame.bytes[8...]) == Array(body[..<cut]) || hasReplacement(frame), "\(seed)")
    }
  }

  /// Bytes that are no UTF-8 are not kept as they were.
  private func hasReplacement(_ frame: ControlFrame) -> Bool {
    frame.contentTypes.contains { $0.unicodeScalars.contains("\u{FFFD}") }
  }

  @Test func `no content types mean any`() {
    #expect(ControlFrame(.accept).takes("x"))
    #expect(ControlFrame(.accept, contentTypes: ["y", "x"]).takes("x"))
    #expect(!ControlFrame(.accept, contentTypes: ["y"]).takes("x"))
  }
}
