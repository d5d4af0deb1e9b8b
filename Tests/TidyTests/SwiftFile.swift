/// A Swift file, with its code and its comments told apart. All three have the same lines.
struct SwiftFile: Sendable {
  let path: String
  let lines: [Substring]
  /// The lines with comments and the text of strings blanked.
  let code: [Substring]
  /// The lines with everything but comments blanked.
  let comments: [Substring]

  init(path: String, text: String) {
    self.path = path
    let split = SwiftText(text)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = split.code.split(separator: "\n", omittingEmptySubsequences: false)
    comments = split.comments.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// A blot for every line of the code in which `pattern` is found.
  func blots(_ pattern: some RegexComponent, _ message: String) -> [Blot] {
    zip(1..., code).filter { $0.1.contains(pattern) }
      .map { Blot(path: path, line: $0.0, message: message) }
  }

  /// Whether some of a line is the text of a string: neither code nor comment.
  func hasText(inLine index: Int) -> Bool {
    let space = UInt8(ascii: " ")
    return zip(lines[index].utf8, zip(code[index].utf8, comments[index].utf8)).contains {
      $0 != space && $1.0 == space && $1.1 == space
    }
  }

  /// The modules that the file imports.
  var imports: Set<String> {
    Set(
      code.compactMap { line in
        let words = line.split(separator: " ")
        guard let index = words.firstIndex(of: "import"), index <= 2, index + 1 < words.count,
          words[..<index].allSatisfy({
            ["public", "package", "internal", "private", "@testable", "@preconcurrency"]
              .contains($0)
          })
        else { return nil }
        // `import struct Foundation.Data`
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "typealias"]
        let name = kinds.contains(String(words[index + 1])) ? words.last : words[index + 1]
        return name.map { String($0.prefix { $0 != "." }) }
      })
  }
}

/// Splits Swift into code and comments, byte by byte. Knows nested comments, strings of one and of
/// many lines, raw strings, and interpolation.
private struct SwiftText {
  private(set) var code = ""
  private(set) var comments = ""

  private enum Context {
    case code(closingParentheses: Int)
    case string(quotes: Int, hashes: Int)
    case lineComment
    case blockComment(depth: Int)
  }

  private var stack: [Context] = [.code(closingParentheses: 0)]
  private let bytes: [UInt8]
  private var position = 0
  private var codeBytes: [UInt8] = []
  private var commentBytes: [UInt8] = []

  init(_ text: String) {
    bytes = Array(text.utf8)
    codeBytes.reserveCapacity(bytes.count)
    commentBytes.reserveCapacity(bytes.count)
    while position < bytes.count { step() }
    code = String(decoding: codeBytes, as: UTF8.self)
    comments = String(decoding: commentBytes, as: UTF8.self)
  }

  private mutating func step() {
    switch stack[stack.count - 1] {
    case .code(let open): stepInCode(open)
    case .string(let quotes, let hashes): stepInString(quotes, hashes)
    case .lineComment:
      if bytes[position] == UInt8(ascii: "\n") { stack.removeLast() }
      take(1, isComment: true)
    case .blockComment(let depth): stepInBlockComment(depth)
    }
  }

  private mutating func stepInCode(_ open: Int) {
    if comes("//") {
      stack.append(.lineComment)
      return take(2, isComment: true)
    }
    if comes("/*") {
      stack.append(.blockComment(depth: 1))
      return take(2, isComment: true)
    }
    let hashes = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
    let behind = position + hashes
    if behind < bytes.count, bytes[behind] == UInt8(ascii: "\"") {
      let isLong = bytes[behind...].starts(with: "\"\"\"".utf8)
      stack.append(.string(quotes: isLong ? 3 : 1, hashes: hashes))
      return take(hashes + (isLong ? 3 : 1), isCode: true)
    }
    // Inside an interpolation, the parenthesis that opened it ends it.
    if stack.count > 1 {
      if bytes[position] == UInt8(ascii: "(") {
        stack[stack.count - 1] = .code(closingParentheses: open + 1)
      } else if bytes[position] == UInt8(ascii: ")") {
        if open == 1 {
          stack.removeLast()
        } else {
          stack[stack.count - 1] = .code(closingParentheses: open - 1)
        }
      }
    }
    take(1, isCode: true)
  }

  private mutating func stepInString(_ quotes: Int, _ hashes: Int) {
    let marks = String(repeating: "#", count: hashes)
    if comes(String(repeating: "\"", count: quotes) + marks) {
      stack.removeLast()
      take(quotes + hashes, isCode: true)
    } else if comes("\\" + marks + "(") {
      stack.append(.code(closingParentheses: 1))
      take(hashes + 2, isCode: true)
    } else if comes("\\" + marks) {
      take(min(hashes + 2, bytes.count - position))
    } else {
      // An unclosed string of one line ends there, so that one slip does not blank the rest.
      if quotes == 1, bytes[position] == UInt8(ascii: "\n") { stack.removeLast() }
      take(1)
    }
  }

  private mutating func stepInBlockComment(_ depth: Int) {
    if comes("*/") {
      stack.removeLast()
      if depth > 1 { stack.append(.blockComment(depth: depth - 1)) }
      take(2, isComment: true)
    } else if comes("/*") {
      stack[stack.count - 1] = .blockComment(depth: depth + 1)
      take(2, isComment: true)
    } else {
      take(1, isComment: true)
    }
  }

  private func comes(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  /// Copies bytes to where they belong and blanks them elsewhere; line ends go to both.
  private mutating func take(_ count: Int, isCode: Bool = false, isComment: Bool = false) {
    for byte in bytes[position..<min(position + count, bytes.count)] {
      let isEnd = byte == UInt8(ascii: "\n")
      codeBytes.append(isCode || isEnd ? byte : UInt8(ascii: " "))
      commentBytes.append(isComment || isEnd ? byte : UInt8(ascii: " "))
    }
    position += count
  }
}
