import Testing

@testable import Settings

struct ShrinkageTests {
  private func settings(regions: Int) throws -> Settings {
    let names = (0..<regions).map { "r\($0): " }.joined(separator: ", ")
    return try SettingsReader.read(
      text: "node: {id: a}\nregions: {\(names)}\n", name: "a.yaml")
  }

  @Test(arguments: [
    (10, 10, nil), (10, 5, nil), (10, 4, "6 of 10 regions"), (10, 0, "10 of 10 regions"),
    (1, 0, "1 of 1 regions"), (0, 10, nil), (0, 0, nil),
  ])
  func `more than the limit may not go at once`(_ before: Int, _ after: Int, _ loss: String?) throws
  {
    let before = try settings(regions: before)
    #expect(before.shrinkage(to: try settings(regions: after), limit: 0.5) == loss)
    #expect(before.shrinkage(to: try settings(regions: after), limit: 1) == nil)
  }
}
