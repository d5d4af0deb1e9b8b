import Announcing
import Foundation
import Testing

@Suite struct `The file of events` {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "azimuth-events-\(UUID().uuidString)")

  private func events(_ range: ClosedRange<UInt64>) -> [Event] {
    range.map {
      Event(
        id: $0, at: Timestamp(seconds: 1_767_225_600), kind: .overrideSet, subject: "tokyo",
        from: "auto", to: "down", cause: "night \"work\"", author: "ann", edition: 3, revision: 2)
    }
  }

  @Test func `gives back what was added, and stays small`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var file = EventFile(folder: folder.path)
    #expect(file.read().isEmpty)
    for id in UInt64(1)...50 {
      let kept = events(max(1, id > 10 ? id - 9 : 1)...id)
      try file.append(events(id...id), kept: { kept }, capacity: 10)
    }
    let read = EventFile(folder: folder.path).read()
    #expect(read.suffix(10) == events(41...50)[...])
    #expect(read.count <= 20)
  }

  @Test func `is read past a line that a crash has cut`() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    var file = EventFile(folder: folder.path)
    try file.append(events(1...2), kept: { events(1...2) }, capacity: 10)
    let path = folder.appending(path: "events.jsonl")
    let whole = try Data(contentsOf: path)
    try whole.dropLast(20).write(to: path)
    var next = EventFile(folder: folder.path)
    #expect(next.read() == events(1...1))
    try next.append(events(3...3), kept: { [] }, capacity: 10)
    #expect(next.read() == events(1...1) + events(3...3))
  }

  @Test func `keeps what was added until the keeper ends`() async {
    defer { try? FileManager.default.removeItem(at: folder) }
    let log = EventLog(capacity: 10)
    let folder = folder.path
    let task = Task {
      var keeper = EventKeeper(log, in: EventFile(folder: folder)) { _ in }
      await keeper.run(after: 0)
    }
    for number in 0..<5 {
      log.append([Change(.regionDial, of: "\(number)")], edition: 1, revision: 1, now: 1)
      await Task.yield()
    }
    task.cancel()
    await task.value
    #expect(EventFile(folder: folder).read() == log.page(after: 0).events)
  }
}
