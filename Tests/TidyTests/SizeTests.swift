import Testing

@Suite struct `The size of things` {
  static let longestLine = 100
  static let longestFile = 500
  static let longestFunction = 70

  /// A string is as long as it is; all else can be broken.
  @Test func `no line is longer than 100 columns`() {
    let blots = Repository.swiftFiles.flatMap { file in
      file.lines.indices.filter { index in
        file.lines[index].count > Self.longestLine && !file.hasText(inLine: index)
      }.map { index in
        Blot(path: file.path, line: index + 1, message: "\(file.lines[index].count) columns")
      }
    }
    report(blots)
  }

  @Test func `no file is longer than 500 lines`() {
    let blots = Repository.swiftFiles.filter { $0.lines.count > Self.longestFile + 1 }
      .map { Blot(path: $0.path, line: 1, message: "\($0.lines.count) lines") }
    report(blots)
  }

  @Test func `no function is longer than 70 lines`() {
    let blots = Repository.swiftFiles.flatMap { file in
      functions(in: file).filter { $0.lines > Self.longestFunction }
        .map { Blot(path: file.path, line: $0.line, message: "\($0.lines) lines") }
    }
    report(blots)
  }

  @Test func `the measure itself measures`() {
    let text = """
      func a() { // {
        let b = "\\(c { "}" })}"
        if b { }
      }
      protocol D { func e(f: () -> Void); var g: Int { get } }
      init<H>(i: H) where H: J
      {
      }
      """
    let found = functions(in: SwiftFile(path: "", text: text))
    #expect(found.map(\.line) == [1, 6])
    #expect(found.map(\.lines) == [4, 3])
  }

  /// The functions, initialisers and the like that have a body, with the lines from their head to
  /// their closing brace.
  private func functions(in file: SwiftFile) -> [(line: Int, lines: Int)] {
    let head = #/(^|[^.\w])(func\s|init[?!]?[(<]|deinit\b|subscript[(<])/#
    return file.code.indices.compactMap { index in
      guard let match = file.code[index].firstMatch(of: head) else { return nil }
      return end(of: file.code, from: index, at: match.range.upperBound).map {
        (line: index + 1, lines: $0 - index + 1)
      }
    }
  }

  /// The index of the line on which the body closes; nil if there is none, as in a protocol.
  private func end(of code: [Substring], from first: Int, at start: String.Index) -> Int? {
    var parentheses = code[first][..<start].last == "(" ? 1 : 0
    var braces = 0
    for index in first..<code.count {
      let line = index == first ? code[index][start...] : code[index]
      if index > first, braces == 0, parentheses == 0,
        line.contains(#/^\s*(@|func |var |let |init|case |static |private |package |public )/#)
      {
        return nil
      }
      for character in line {
        switch character {
        case "(": parentheses += 1
        case ")": parentheses -= 1
        case ";" where braces == 0 && parentheses == 0: return nil
        case "{" where parentheses == 0 || braces > 0: braces += 1
        case "}":
          braces -= 1
          if braces == 0 { return index }
          if braces < 0 { return nil }
        default: break
        }
      }
    }
    return nil
  }
}
