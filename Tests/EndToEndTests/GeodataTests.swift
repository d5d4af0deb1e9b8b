import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `Geodata` {
    /// One world for both: a good file is taken without a reload, one that moves too many is not.
    @Test(.timeLimit(.minutes(3)))
    func `of one's own come into force when their file is replaced, within the limit`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let shipped = "\(Program.root)/geodata/azimuth-city.mmdb"
      let database = folder.appending(path: "city.mmdb").path
      func build(_ lines: String) throws -> Program.Finished {
        let feed = folder.appending(path: "feed.csv")
        try lines.write(to: feed, atomically: true, encoding: .utf8)
        return try Program.run(
          ["geo", "build", shipped, feed.path, "--output", database], within: .seconds(90))
      }
      let first = try build("198.51.100.0/24,DE,,,\n")
      #expect(first.status == 0 && first.output.contains("-bit records"), "\(first.all)")
      let world = try World {
        $0.replacing("databases: [\(shipped)]", with: "databases: [\(database)]\n  watch: on")
      }
      #expect(try world.route("198.51.100.1").outcome.regions == ["frankfurt"])
      let revision = try world.route("198.51.100.1").revision

      #expect(try build("198.51.100.0/24,JP,,,\n").status == 0)
      eventually("the new file", within: .seconds(60)) {
        try world.route("198.51.100.1").outcome.regions == ["tokyo"]
      }
      #expect(try world.route("198.51.100.1").revision > revision)

      #expect(try build("198.51.100.0/24,DE,,,\n0.0.0.0/1,JP,,,\n").status == 0)
      eventually("the refusal", within: .seconds(60)) {
        world.process.all.contains("would move")
      }
      #expect(try world.route("198.51.100.1").outcome.regions == ["tokyo"])
      let forced = try world.admin("POST", "/v1/reload?force=true", token: World.token)
      #expect(forced.status == 200, "\(forced.text)")
      #expect(try world.route("198.51.100.1").outcome.regions == ["frankfurt"])

      let difference = try Program.run(
        ["geo", "diff", shipped, database, "--config", world.file.path], within: .seconds(90))
      #expect(difference.status == 1 && difference.output.contains("BEYOND"), "\(difference.all)")
    }

    @Test func `with faults are not built, and the old file stays`() throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let input = folder.appending(path: "own.csv")
      let output = folder.appending(path: "own.mmdb")
      try "old".write(to: output, atomically: true, encoding: .utf8)
      try "network,country\n192.0.2.0/24,JP\n192.0.2.0/33\u{1B}[2J,JP\n".write(
        to: input, atomically: true, encoding: .utf8)
      let arguments = ["geo", "build", input.path, "--output", output.path]
      let refused = try Program.run(arguments)
      #expect(refused.status == 1 && refused.errors.contains("own.csv: line 3:"), "\(refused.all)")
      // A strange file does not speak to the terminal.
      #expect(
        !refused.errors.contains("\u{1B}") && refused.errors.contains(#"192.0.2.0/33\u{1b}[2J"#))
      #expect(try String(contentsOf: output, encoding: .utf8) == "old")
      let taken = try Program.run(arguments + ["--skip-malformed"])
      #expect(taken.status == 0 && taken.output.contains("1 ranges, 1 records"), "\(taken.all)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(files) == ["own.csv", "own.mmdb"])
    }
  }
}
