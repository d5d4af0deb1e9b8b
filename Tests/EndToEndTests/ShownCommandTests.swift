import Foundation
import TestSupport
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

      /// Until it does what the document says, which it does soon.
      func run(_ script: String) {
        var last: Program.Finished?
        eventually(testDescription) {
          let finished = try Program.shell(script)
          last = finished
          return finished.status == 0 && expected.map { finished.all.contains($0) } ?? true
        }
        guard let last, last.status == 0 else {
          Issue.record("\(testDescription): \(last?.all ?? "did not run")")
          return
        }
        if let expected { #expect(last.all.contains(expected), "\(testDescription)") }
      }
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

    static func groups(in text: String, _ document: String, fence: String = "sh") -> [Group] {
      let blocks = text.matches(of: #/(?ms)^```([^\n]*)\n(.*?)^```/#).filter { $0.1 == fence }
      return blocks.flatMap { match -> [Group] in
        var groups: [Group] = []
        var lines: [Substring] = []
        func finish(_ expected: String?) {
          let script = lines.joined(separator: "\n")
          if !script.isEmpty {
            groups.append(Group(document: document, script: script, expected: expected))
          }
          lines = []
        }
        for line in match.2.split(separator: "\n") {
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
      for group in Self.groups { group.run(world.ports.moved(group.script)) }
    }

    /// As somebody new would: in a folder with geodata, one block after the other.
    @Test(.timeLimit(.minutes(3)))
    func `the quick start leads to a steered name of one's own`() throws {
      let text = try String(
        contentsOfFile: "\(Program.root)/docs/quick-start.md", encoding: .utf8)
      let groups = Self.groups(in: text, "docs/quick-start.md", fence: "sh quick-start")
      let ports = Ports()
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.createSymbolicLink(
        atPath: folder.appending(path: "geodata").path,
        withDestinationPath: "\(Program.root)/geodata")
      var demo: RunningProcess?
      for group in groups {
        let script = "cd \(folder.path)\n" + ports.moved(group.script)
        if group.script.hasPrefix("azimuth demo ") {
          demo = try RunningProcess(
            "/bin/bash",
            [
              "-c",
              script.replacing("azimuth demo", with: "exec azimuth demo")
                + " --control 127.0.0.1:\(ports.control)",
            ])
        } else {
          group.run(script)
        }
      }
      #expect(groups.count >= 9 && demo?.isRunning == true, "\(demo?.all ?? "")")
    }
  }
}
