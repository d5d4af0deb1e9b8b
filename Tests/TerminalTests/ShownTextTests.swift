import Terminal
import Testing

@Suite struct `A text that is shown` {
  @Test func `moves no cursor, names no window and turns no line`() {
    #expect(shownText("a\u{1B}]0;b\u{7}\u{9B}2J") == #"a\u{1b}]0;b\u{7}\u{9b}2J"#)
    #expect(shownText("a\rb\u{202E}c\u{2028}") == #"a\u{d}b\u{202e}c\u{2028}"#)
    for value in (UInt8(0)..<0x20).filter({ $0 != 0x09 && $0 != 0x0A }) + [0x7F, 0x85] {
      let shown = shownText("\(Unicode.Scalar(value))")
      #expect(shown.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) })
    }
  }

  @Test func `is as it was otherwise`() {
    for text in ["", "a\n\tb", "São Paulo, 東京 – “x” 👩‍💻", "\\u{1b}"] {
      #expect(shownText(text) == text)
    }
  }
}
