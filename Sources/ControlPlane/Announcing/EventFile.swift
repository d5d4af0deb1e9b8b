import Foundation
import StateFiles

/// The latest events in a file, a line of JSON each, so that numbers and what consumers have missed
/// outlive a restart.
package struct EventFile: Sendable {
  private let file: StateFile
  /// Lines since the file was last written whole.
  private var lineCount = 0

  package init(folder: String) { file = StateFile("events.jsonl", in: folder) }

  /// What is kept, in order; lines that cannot be read, as a crash leaves them, are passed over.
  package func read() -> [Event] {
    guard let data = file.contents else { return [] }
    let decoder = JSONDecoder()
    var last: UInt64 = 0
    return data.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let event = try? decoder.decode(Event.self, from: line), event.id > last else {
        return nil
      }
      last = event.id
      return event
    }
  }

  /// Adds events, and writes the file anew when it has grown to twice what is kept.
  ///
  /// - Parameter kept: the latest events, these among them.
  package mutating func append(_ events: [Event], kept: () -> [Event], capacity: Int) throws {
    let isNew = !FileManager.default.fileExists(atPath: file.path)
    if isNew || lineCount + events.count > capacity * 2 {
      let all = kept()
      try file.replace(with: Self.lines(all))
      lineCount = all.count
      return
    }
    let handle = try file.updating()
    defer { try? handle.close() }
    let end = try handle.seekToEnd()
    // What a crash has left of a line must not swallow the next one.
    if end > 0 {
      try handle.seek(toOffset: end - 1)
      if try handle.read(upToCount: 1) != Data("\n".utf8) { try handle.write(contentsOf: [10]) }
    }
    try handle.write(contentsOf: Self.lines(events))
    try handle.synchronize()
    lineCount += events.count
  }

  private static func lines(_ events: [Event]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try events.reduce(into: Data()) { data, event in
      data += try encoder.encode(event) + [UInt8(ascii: "\n")]
    }
  }
}

/// Writes every event to its file, soon after it came.
package struct EventKeeper: Sendable {
  private let log: EventLog
  private var file: EventFile
  private let report: @Sendable (String) -> Void

  /// - Parameter report: is told, once, why events cannot be kept.
  package init(
    _ log: EventLog, in file: EventFile, report: @escaping @Sendable (String) -> Void
  ) {
    self.log = log
    self.file = file
    self.report = report
  }

  /// Until the task is cancelled, and then what is left.
  ///
  /// - Parameter start: the number of the last event in the file.
  /// - Returns: the same afterwards.
  @discardableResult
  package mutating func run(after start: UInt64) async -> UInt64 {
    var last = start
    var isFailing = false
    guard let changes = log.changes() else { return last }
    func keep(_ keeper: inout EventKeeper) {
      while case let page = keeper.log.page(after: last), !page.events.isEmpty {
        do {
          let log = keeper.log
          try keeper.file.append(
            page.events, kept: { log.page(after: 0, limit: log.capacity * 2).events },
            capacity: log.capacity)
          isFailing = false
        } catch {
          if !isFailing { keeper.report("\(error)") }
          isFailing = true
        }
        last = page.last
      }
    }
    for await _ in changes { keep(&self) }
    keep(&self)
    return last
  }
}
