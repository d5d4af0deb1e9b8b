import Compiling
import Places
import Settings
import Simulating
import TestSupport
import Testing

@Suite struct `A change of databases` {
  /// Four networks, each in a country.
  private func database(_ countries: [String]) throws -> TemporaryFile {
    let centres = [
      "JP": (35.7, 139.7), "DE": (48.1, 11.6), "US": (40.7, -74.0), "BR": (-23.5, -46.6),
    ]
    var writer = DatabaseWriter()
    for (index, country) in countries.enumerated() {
      let prefix = try #require(AddressPrefix("\(20 + index).0.0.0/8"))
      let centre = try #require(centres[country])
      writer.add(
        prefix,
        .map([
          ("country", .map([("iso_code", .text(country))])),
          (
            "location",
            .map([("latitude", .double(centre.0)), ("longitude", .double(centre.1))])
          ),
        ]))
    }
    return TemporaryFile(writer.file)
  }

  private func compiled(
    _ file: TemporaryFile, policy: String = "{type: proximity, unknown: [dublin]}",
    previous: CompiledSettings? = nil
  ) throws -> CompiledSettings {
    let text = """
      geo: {databases: [\(file.path)]}
      regions:
        tokyo: {location: [35.68, 139.69]}
        dublin: {location: [53.35, -6.26]}
        virginia: {location: [38.95, -77.45]}
      pools:
        web: {endpoints: {tokyo: [192.0.2.1:80], dublin: [192.0.2.2:80], virginia: [192.0.2.3:80]}}
      policies: {nearest: \(policy)}
      services: {web: {policy: nearest, pool: web}}
      """
    return try compiledText(text, previous: previous)
  }

  private let countries = ["JP", "DE", "US", "BR"]

  @Test func `that moves nobody is within any limit`() throws {
    let (one, two) = (try database(countries), try database(countries))
    let gate = try #require(try GeodataGate(from: compiled(one), to: compiled(two)))
    let report = gate.report(limit: 0)
    #expect(report.movedShare == 0 && report.isWithinLimit && report.services.count == 1)
  }

  @Test func `that moves a country says which, and where to`() throws {
    let before = try compiled(try database(countries))
    // Brazil's network is found in Japan.
    let after = try compiled(try database(["JP", "DE", "US", "JP"]))
    let report = try #require(try GeodataGate(from: before, to: after)).report(limit: 0.1)
    let move = try #require(report.services.first?.moves.first)
    #expect(move.country == "BR" && move.from == "virginia" && move.to == "tokyo")
    // 209 of 126 + 83 + 327 + 209 million.
    #expect(abs(report.movedShare - 0.28) < 0.02 && !report.isWithinLimit)
    #expect(report.summary.contains("BR virginia → tokyo"), "\(report.summary)")
    #expect(report.text.contains("BEYOND"))
  }

  @Test func `that knows less moves all whom it does not know any more`() throws {
    let before = try compiled(try database(countries))
    let after = try compiled(try database(["JP"]))
    let report = try #require(try GeodataGate(from: before, to: after)).report(limit: 0.1)
    #expect(report.movedShare > 0.6)
  }

  @Test func `is told apart from a change of policies in the same reload`() throws {
    let (one, two) = (try database(countries), try database(countries))
    let before = try compiled(one)
    let after = try compiled(two, policy: "{type: failover, order: [dublin]}")
    let gate = try #require(try GeodataGate(from: before, to: after))
    #expect(gate.report(limit: 0.1).movedShare == 0)
  }

  @Test func `is none while the files are the same`() throws {
    let file = try database(countries)
    let before = try compiled(file)
    let again = try compiled(file, previous: before)
    #expect(try GeodataGate(from: before, to: again) == nil)
  }
}
