/// A text as it may be shown on a terminal: what would move its cursor, name its window or turn its
/// lines around is written out, as `\\u{1b}`. Ends of lines and tabs stay.
///
/// Names in strange files, and answers of strange servers, are shown to people.
package func shownText(_ text: String) -> String {
  func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A, 0x09: true
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: false
    // What turns the direction of text.
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: false
    default: true
    }
  }
  guard !text.unicodeScalars.allSatisfy(isHarmless) else { return text }
  return text.unicodeScalars.map { scalar in
    isHarmless(scalar) ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
  }.joined()
}
