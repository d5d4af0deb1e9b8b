import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `The commands` {
    static let shipped = "\(Program.root)/config/azimuth.yaml"

    /// Every configuration that we ship or show.
    static let configurations: [String] = {
      let folder = "\(Program.root)/config/examples"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return [shipped]
        + names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    }()

    @Test(arguments: configurations)
    func `check passes what we ship`(file: String) throws {
      let checked = try Program.run(["check", file])
      #expect(checked.status == 0, "\(checked.all)")
    }

    @Test func `check passes the configuration that the README shows`() throws {
      let readme = try String(contentsOfFile: "\(Program.root)/README.md", encoding: .utf8)
      let shown = try #require(readme.firstMatch(of: #/(?ms)^```yaml\n(.*?)^```/#)?.1)
      let file = try temporaryFolder().appending(path: "readme.yaml")
      try shown.replacing("geodata/", with: "\(Program.root)/geodata/")
        .write(to: file, atomically: true, encoding: .utf8)
      let checked = try Program.run(["check", file.path])
      #expect(checked.status == 0, "\(checked.all)")
    }

    @Test func `the schema that the program prints is the file that editors read`() throws {
      let path = "\(Program.root)/config/azimuth.schema.json"
      let printed = try Program.run(["config", "schema"])
      #expect(try printed.output == String(contentsOfFile: path, encoding: .utf8))
    }

    /// The demo's configuration with three slips, on lines that ``slips`` names.
    private func broken() throws -> URL {
      let file = try temporaryFolder().appending(path: "broken.yaml")
      try Ports().demoConfiguration()
        .replacing("interval: 1s", with: "intervall: 1s", maxReplacements: 1)
        .replacing("{policy: by-rule,", with: "{policy: by-rules,")
        .replacing("[35.68, 139.69]", with: "[135.68, 139.69]")
        .write(to: file, atomically: true, encoding: .utf8)
      return file
    }

    @Test func `check tells all faults at once, each with its place and what was meant`() throws {
      let file = try broken()
      let text = try String(contentsOf: file, encoding: .utf8)
      let checked = try Program.run(["check", file.path])
      #expect(checked.status == 1)
      for (slip, meant) in [
        ("intervall", "interval"), ("by-rules", "by-rule"), ("135.68", "latitude"),
      ] {
        let before = try #require(text.firstRange(of: slip)).lowerBound
        let line = text[..<before].count { $0 == "\n" } + 1
        let told = checked.all.split(separator: "\n").first { $0.contains(":\(line):") }
        #expect(told?.contains(meant) == true, "\(slip): \(checked.all)")
      }
    }

    @Test func `check prints its faults as JSON too`() throws {
      let checked = try Program.run(["check", broken().path, "--output", "json"])
      #expect(checked.status == 1)
      struct Answer: Decodable {
        struct Fault: Decodable {
          var file: String
          var line: Int?
          var path: String
          var message: String
        }
        var faults: [Fault]
      }
      let answer = try JSONDecoder().decode(Answer.self, from: Data(checked.output.utf8))
      #expect(answer.faults.count == 3)
      #expect(answer.faults.allSatisfy { $0.line != nil && !$0.path.isEmpty })
    }

    @Test func `serve refuses a configuration with faults, and tells them`() throws {
      let served = try Program.run(["serve", broken().path])
      #expect(served.status == 1)
      #expect(served.all.contains("by-rules"))
    }

    @Test func `a database that is none is refused by name, with the reason`() throws {
      let file = try temporaryFolder().appending(path: "azimuth.yaml")
      let database = file.deletingLastPathComponent().appending(path: "cut.mmdb")
      let whole = try Data(contentsOf: URL(filePath: "\(Program.root)/geodata/azimuth-city.mmdb"))
      try whole.prefix(100_000).write(to: database)
      try Ports().demoConfiguration()
        .replacing("\(Program.root)/geodata/azimuth-city.mmdb", with: database.path)
        .write(to: file, atomically: true, encoding: .utf8)
      let checked = try Program.run(["check", file.path])
      #expect(checked.status == 1)
      #expect(checked.all.contains("cut.mmdb"), "\(checked.all)")
    }

    @Test func `geo lookup tells place, preference and scope`() throws {
      for output in ["text", "json"] {
        let looked = try Program.run([
          "geo", "lookup", "133.11.0.1", "--config", Self.shipped, "--output", output,
        ])
        #expect(looked.status == 0, "\(looked.all)")
        for word in ["JP", "tokyo", "scope"] { #expect(looked.output.contains(word)) }
      }
    }

    @Test func `explain tells the decision in words`() throws {
      let explained = try Program.run([
        "explain", "133.11.0.1", "www.example.org", "--config", Self.shipped,
      ])
      #expect(explained.status == 0, "\(explained.all)")
      #expect(explained.output.contains("tokyo") && explained.output.contains("km"))
    }

    @Test(arguments: [
      ["explain", "nonsense", "www.example.org", "--config", shipped],
      ["explain", "133.11.0.1", "www.example.com", "--config", shipped],
      ["geo", "lookup", "nonsense", "--config", shipped], ["check", "/there/is/no.yaml"],
      ["nonsense"],
    ])
    func `what cannot be done ends with a reason and an exit code`(arguments: [String]) throws {
      let finished = try Program.run(arguments)
      #expect(finished.status != 0)
      #expect(!finished.all.isEmpty)
    }

    @Test func `a port that is taken is named, and serve ends`() throws {
      let world = try World()
      let served = try Program.run(["serve", world.file.path])
      #expect(served.status != 0)
      #expect(served.all.contains(#/:\d{5}/#), "\(served.all)")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `serve ends at once and well when it is told to`(signal: Int32) throws {
      let world = try World()
      // Neither an idle connection nor a busy one holds it up for long.
      let idle = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
      world.process.signal(signal)
      eventually("the end", within: .seconds(8)) { !world.process.isRunning }
      #expect(!world.process.isRunning && world.process.status == 0, "\(world.process.all)")
      idle.finishSending()
    }
  }
}
