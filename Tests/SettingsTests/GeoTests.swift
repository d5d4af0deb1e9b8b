import Testing

@testable import Settings

@Suite struct `Geodata in the settings` {
  @Test func `files are watched where that is said`() throws {
    for (text, isWatched) in [("{}", false), ("{watch: on}", true), ("{watch: off}", false)] {
      let settings = try SettingsReader.read(text: "geo: \(text)", name: "a.yaml")
      #expect(settings.geo.isWatched == isWatched)
    }
  }

  @Test func `watching is on or off`() {
    #expect(
      faults(of: "geo: {watch: often}")
        == ["a.yaml:1: geo.watch: wants one of on, off, found \"often\""])
  }
}
