import Testing

@Suite struct `Words that code does without` {
  struct Ban: Sendable, CustomTestStringConvertible {
    /// What is looked for, as people write it.
    let word: String
    let pattern: String
    /// What to do instead.
    let instead: String
    var folder = "Sources/"
    var exceptIn: String?

    var testDescription: String { word }
  }

  static let bans = [
    Ban(word: "try!", pattern: #"\btry!"#, instead: "handle the error"),
    Ban(word: "as!", pattern: #"\bas!"#, instead: "use as?"),
    Ban(word: "fatalError", pattern: #"\bfatalError\("#, instead: "no trap of input's making"),
    Ban(
      word: "preconditionFailure", pattern: #"\bpreconditionFailure\("#,
      instead: "no trap of input's making"),
    Ban(
      word: "a forced unwrap", pattern: #"[\w\)\]]!(?!=)"#,
      instead: "bind it"),
    Ban(
      word: "print", pattern: #"\bprint\("#, instead: "log, or return",
      exceptIn: "Sources/azimuth/"),
    Ban(
      word: "Date()", pattern: #"\bDate\(\)"#, instead: "time is an argument",
      folder: "Sources/Core/"),
    Ban(
      word: "a clock",
      pattern: #"\b(ContinuousClock|SuspendingClock|clock_gettime|time\(nil\))"#,
      instead: "time is an argument", folder: "Sources/Core/"),
    Ban(
      word: "Task.sleep", pattern: #"\bTask\.sleep|\busleep\(|\bsleep\("#,
      instead: "time is an argument", folder: "Sources/Core/"),
    Ban(
      word: "randomness",
      pattern: #"\.random\(in|\bSystemRandomNumberGenerator\b|\.shuffled\(\)"#,
      instead: "randomness is an argument", folder: "Sources/Core/"),
    Ban(
      word: "async", pattern: #"\basync\b|\bawait\b"#, instead: "Core is plain functions",
      folder: "Sources/Core/"),
    Ban(
      word: "@testable of what is measured",
      pattern: #"@testable import "#
        + #"(?!Settings|Probing|Compiling|Publishing|Transferring|Admin|Demonstrating)"#,
      instead: "use package, so that it is tested as it is served", folder: "Tests/"),
  ]

  @Test(arguments: bans)
  func `a banned word is nowhere in the code`(ban: Ban) throws {
    let pattern = try Regex(ban.pattern)
    let files = Repository.swiftFiles.filter { file in
      file.path.hasPrefix(ban.folder) && ban.exceptIn.map { !file.path.hasPrefix($0) } ?? true
    }
    let blots = files.flatMap { $0.blots(pattern, "\(ban.word): \(ban.instead)") }
    report(blots)
  }

  @Test func `what is still to do has an issue's number`() {
    let blots = Repository.swiftFiles.flatMap { file in
      zip(1..., file.comments).filter { line in
        line.1.contains(#/\b(TODO|FIXME|XXX|HACK)\b/#) && !line.1.contains(#/#\d+/#)
      }.map { Blot(path: file.path, line: $0.0, message: "to do, without an issue's number") }
    }
    report(blots)
  }

  @Test func `no type and no file is named for being of some use`() {
    let types = Repository.swiftFiles.flatMap {
      $0.blots(
        #/\b(?:struct|class|enum|actor|protocol) \w*(?:Manager|Helpers?|Utils?|Common|Misc)\b/#,
        "say what it is")
    }
    let files = Repository.swiftFiles.filter {
      $0.path.contains(#/(Manager|Helpers?|Utils?|Utility|Utilities|Common|Misc)(\+\w+)?\.swift$/#)
    }.map { Blot(path: $0.path, line: 1, message: "say what is in it") }
    report(types + files)
  }

  /// RFCs that a comment may mean as a whole: it says that we speak the protocol, not which rule.
  static let whole: Set = [
    "1035", "3339", "3596", "4343", "5952", "6750", "6891", "6901", "7766", "7871", "8914", "9457",
  ]

  @Test func `an RFC is cited with its section`() {
    let blots = Repository.sources.flatMap { file in
      rules(in: file).filter { !$0.isCited }
        .map { Blot(path: file.path, line: $0.line, message: "RFC \($0.number) without a §") }
    }
    report(blots)
  }

  /// A citation may be split over two lines of a comment.
  private func rules(in file: SwiftFile) -> [(line: Int, number: String, isCited: Bool)] {
    file.comments.indices.flatMap { index -> [(line: Int, number: String, isCited: Bool)] in
      let next =
        index + 1 < file.comments.count
        ? file.comments[index + 1].trimmingPrefix(#/\s*\/*\s*/#) : ""
      let joined = file.comments[index] + " " + next
      let end = file.comments[index].count
      return joined.matches(of: #/RFC[ -](\d{3,5})(,? §| Appendix)?/#).filter {
        joined.distance(from: joined.startIndex, to: $0.range.lowerBound) < end
      }.map { match in
        let number = String(match.1)
        return (index + 1, number, match.2 != nil || Self.whole.contains(number))
      }
    }
  }

  @Test func `the repository is whole: nothing in it points outside`() {
    // Put together here, so that this file is not its own first find.
    let outside = ["../" + "shared", "/work/" + "shared", "/tmp/" + "dev"]
    let texts = Repository.files.filter { path in
      [".swift", ".md", ".yaml", ".yml", ".txt", ".c", ".h", ".py", ".sh"].contains {
        path.hasSuffix($0)
      } || path.hasPrefix("scripts/") || path.hasPrefix(".ci/") || path == "Makefile"
    }
    let blots = texts.flatMap { path in
      zip(1..., Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false))
        .filter { line in outside.contains { line.1.contains($0) } }
        .map { Blot(path: path, line: $0.0, message: "points outside the repository") }
    }
    report(blots)
  }
}
