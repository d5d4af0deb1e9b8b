import Settings
import Testing

@Suite struct `handover` {
  private func read(_ text: String) throws -> Settings.Handover {
    try SettingsReader.read(
      text: "handover: \(text)\n", name: "a.yaml", folder: "/etc/azimuth"
    ).handover
  }

  @Test func `is off unless it is asked for`() throws {
    #expect(try SettingsReader.read(text: "log: {}\n", name: "a.yaml").handover.socket == nil)
    #expect(try read("{}").socket == nil)
  }

  @Test func `wants a socket, from the folder of the file`() throws {
    #expect(try read("{socket: /run/azimuth/next}").socket == "/run/azimuth/next")
    #expect(try read("{socket: next}").socket == "/etc/azimuth/next")
  }

  @Test func `takes no path that a socket cannot have`() throws {
    let longest = "/" + String(repeating: "a", count: 95)
    #expect(try read("{socket: \(longest)}").socket == longest)
    let faults = #expect(throws: Faults.self) { try read("{socket: \(longest)a}") }
    #expect(
      faults?.description
        == "a.yaml:1: handover.socket: the path is longer than the 96 bytes that a socket may have")
  }
}
