import Editions
import Foundation
import Publishing
import Routing
import TestSupport
import Testing

@Suite struct `What a restart knows` {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "azimuth-memory-\(UUID().uuidString)"
  ).path
  private static let start = 1_767_225_600.0

  /// A publisher that begins with what the folder has, some time after the first one.
  private func publisher(
    after seconds: Double = 0, regions: RegionSet = .continents, stability: String = "{}"
  ) throws -> EditionPublisher {
    let text = regions.configuration(
      extra: "stability: \(stability)\nmonitors: {tcp: {type: tcp}}"
    ).replacing("    endpoints:", with: "    monitor: tcp\n    endpoints:")
    return EditionPublisher(
      try compiledText(text), isReady: true, memory: BoardMemory(folder: folder),
      now: { Self.start + seconds })
  }

  private func health(_ publisher: EditionPublisher, _ region: String) -> Set<Health> {
    let edition = publisher.desk.take()
    return Set(
      zip(edition.model.endpoints, edition.board.conditions)
        .filter { $0.0.id.hasPrefix("\(region)/") }.map(\.1.health))
  }

  private func report(
    _ health: Health, of region: String, to publisher: EditionPublisher
  ) async {
    let ids = publisher.desk.take().model.endpoints.map(\.id)
      .filter { $0.hasPrefix("\(region)/") }
    await publisher.apply(
      Dictionary(uniqueKeysWithValues: ids.map { ($0, EndpointCondition(health: health)) }))
  }

  private func set(
    _ state: OverrideState, expiresIn seconds: Double? = nil, on publisher: EditionPublisher
  ) async throws {
    try await publisher.set(
      Override(
        target: try #require(Override.Target("tokyo")), state: state, dial: 0.5,
        reason: "night work", author: "ann", expiresAt: seconds.map { Self.start + $0 },
        setAt: Self.start))
  }

  @Test func `is the health of what is checked, while it is fresh`() async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try publisher()
    await report(.healthy, of: "tokyo", to: first)
    await report(.unhealthy, of: "frankfurt", to: first)
    try await first.memory.save(in: folder)
    let second = try publisher(after: 600)
    #expect(health(second, "tokyo") == [.healthy] && health(second, "frankfurt") == [.unhealthy])
    #expect(health(second, "dublin") == [.unknown])
    for seconds in [601.0, -1] {
      #expect(health(try publisher(after: seconds), "tokyo") == [.unknown])
    }
    // What the first checks find counts at once.
    await report(.healthy, of: "frankfurt", to: second)
    #expect(health(second, "frankfurt") == [.healthy])
  }

  @Test func `is an operator's word, whole, until it ends`() async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try publisher()
    try await set(.drain, expiresIn: 3600, on: first)
    try await first.memory.save(in: folder)
    #expect(await (try publisher(after: 60)).overrides == first.overrides)
    #expect(await (try publisher(after: 3601)).overrides.isEmpty)
  }

  @Test func `is nothing that is too old, or of what is gone`() async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let first = try publisher()
    try await set(.drain, on: first)
    try await first.memory.save(in: folder)
    #expect(await (try publisher(after: 6 * 86_400)).overrides.count == 1)
    #expect(await (try publisher(after: 8 * 86_400)).overrides.isEmpty)
    let short = try publisher(after: 61, stability: "{remember_overrides: 60s}")
    #expect(await short.overrides.isEmpty)
    #expect(await (try publisher(regions: .europe)).overrides.isEmpty)
  }

  @Test func `a file that cannot be read is none`() async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("{\"savedAt\": 1".utf8).write(to: URL(filePath: "\(folder)/board.json"))
    #expect(BoardMemory(folder: folder) == nil)
    #expect(await (try publisher()).overrides.isEmpty)
  }
}
