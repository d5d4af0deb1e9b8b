import Foundation
import Testing

extension EndToEnd {
  /// Every command that a document shows is run, beside a running demo.
  ///
  /// A block fenced as `sh` is run line group by line group in the root of the repository, by bash,
  /// with the program in `PATH` and the demo's ports moved to the test's. A line `#=> text` says
  /// that the output of the commands above it (since the last such line) contains the text, soon.
  /// Blocks fenced as `sh no-test` are not run.
  @Suite struct `The commands that the documents show` {
    struct Group: Sendable, CustomTestStringConvertible {
      var document: String
      var script: String
      var expected: String?
      var testDescription: String { "\(document): \(script)" }
    }

    static let groups: [Group] = {
      let folder =
        (try? FileManager.default.contentsOfDirectory(atPath: "\(Program.root)/docs")) ?? []
      let documents =
        ["README.md"] + folder.sorted().filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
      return documents.flatMap { document in
        let path = "\(Program.root)/\(document)"
        return groups(in: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "", document)
      }
    }()

    static func groups(in text: String, _ document: String) -> [Group] {
      text.matches(of: #/(?ms)^```sh\n(.*?)^```/#).flatMap { match -> [Group] in
        var groups: [Group] = []
        var lines: [Substring] = []
        func finish(_ expected: String?) {
          let script = lines.joined(separator: "\n")
          if !script.isEmpty {
            groups.append(Group(document: document, script: script, expected: expected))
          }
          lines = []
        }
        for line in match.1.split(separator: "\n") {
          if line.hasPrefix("#=> ") {
            finish(String(line.dropFirst(4)))
          } else {
            lines.append(line)
          }
        }
        finish(nil)
        return groups
      }
    }

    @Test func `a block is cut where its output is told`() {
      let text = "```sh\na\n\nb\n#=> c\nd\n```\n```sh no-test\ne\n```\n```yaml\nf\n```\n"
      let groups = Self.groups(in: text, "")
      #expect(groups.map(\.script) == ["a\nb", "d"])
      #expect(groups.map(\.expected) == ["c", nil])
    }

    @Test(.timeLimit(.minutes(3)))
    func `each does what the document says`() throws {
      let world = try World(verb: "demo")
      #expect(Self.groups.count >= 5)
      for group in Self.groups {
        let script = world.ports.moved(group.script)
        var last: Program.Finished?
        eventually(group.testDescription) {
          let finished = try Program.shell(script)
          last = finished
          return finished.status == 0 && group.expected.map { finished.all.contains($0) } ?? true
        }
        guard let last, last.status == 0 else {
          Issue.record("\(group.testDescription): \(last?.all ?? "did not run")")
          continue
        }
        if let expected = group.expected {
          #expect(last.all.contains(expected), "\(group.testDescription)")
        }
      }
    }
  }
}
