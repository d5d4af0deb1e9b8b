import Settings

/// One line of HAProxy's agent-check, as HAProxy reads it: words in any order, in either case,
/// between spaces, tabs or commas; of words of a kind the last one counts; what stands behind a `#`
/// describes the state. What a line does not mention stays as it was.
///
///     up 75% maxconn:30
///     down # disk full
package struct AgentWords: Sendable, Equatable {
  package enum Operation: String, Sendable { case up, down, fail, stopped }
  package enum Administration: String, Sendable { case ready, drain, maint }

  package var operation: Operation?
  package var administration: Administration?
  /// Of the declared weight; 0 drains.
  package var sharePercent: Int?
  /// Connections that the endpoint would have at the most.
  package var mostConnections: Int?
  /// Behind the `#`.
  package var description = ""
  /// The first word that means nothing.
  package var unknownWord: String?

  /// HAProxy's limit: 256 times the weight.
  package static let mostPercent = 25_600

  package init() {}

  /// - Parameter line: without its end.
  package init(line: some Collection<UInt8>) {
    var words = line[...]
    if let sharp = Self.startOfDescription(line) {
      words = line[..<sharp]
      description = String(
        decoding: line[sharp...].dropFirst().drop { $0 == 0x20 || $0 == 0x09 }.prefix(200),
        as: UTF8.self)
    }
    for word in words.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x2C }) {
      take(String(decoding: word, as: UTF8.self))
    }
  }

  /// A sharp begins a description only where a word could begin.
  private static func startOfDescription<Line: Collection<UInt8>>(_ line: Line) -> Line.Index? {
    var isStart = true
    for index in line.indices {
      if isStart, line[index] == UInt8(ascii: "#") { return index }
      isStart = [0x20, 0x09, 0x2C].contains(line[index])
    }
    return nil
  }

  private mutating func take(_ word: String) {
    let lowered = word.lowercased()
    if let found = Operation(rawValue: lowered) {
      operation = found
    } else if let found = Administration(rawValue: lowered) {
      administration = found
    } else if let percent = Self.percent(lowered) {
      sharePercent = percent
    } else if lowered.hasPrefix("maxconn:"), let count = Int(lowered.dropFirst(8)), count >= 0 {
      mostConnections = count
    } else if unknownWord == nil {
      unknownWord = String(word.prefix(40))
    }
  }

  private static func percent(_ word: String) -> Int? {
    guard word.last == "%", word.first?.isNumber == true, let value = Int(word.dropLast()),
      (0...mostPercent).contains(value)
    else { return nil }
    return value
  }

  var isEmpty: Bool {
    operation == nil && administration == nil && sharePercent == nil && mostConnections == nil
  }
}

/// What an agent has said so far: what it does not mention again stays in force, and only the agent
/// itself takes it back.
package struct AgentState: Sendable, Equatable {
  private var operation = AgentWords.Operation.up
  private var administration = AgentWords.Administration.ready
  private var sharePercent = 100
  private var description = ""
  /// Connections that the endpoint would have at the most; nil: not said.
  package private(set) var mostConnections: Int?

  package init() {}

  package mutating func take(_ words: AgentWords) {
    if let said = words.operation {
      operation = said
      description = words.description
    }
    administration = words.administration ?? administration
    sharePercent = words.sharePercent ?? sharePercent
    mostConnections = words.mostConnections ?? mostConnections
  }

  /// Of the declared weight; 0: no new clients, whatever else fails.
  package var share: Int { administration == .ready ? sharePercent : 0 }

  /// Why ``share`` is what it is.
  package var shareCause: String {
    administration == .ready
      ? "agent says \(sharePercent)%" : "agent says \(administration.rawValue)"
  }

  package var outcome: ProbeOutcome {
    guard operation != .up else { return .success }
    return .failure(
      "agent says \(operation.rawValue)\(description.isEmpty ? "" : " (\(description))")")
  }
}

/// Reads the agent's line: up to the first line end, or to the end of the connection.
struct AgentJudge: ByteJudge {
  /// HAProxy reads what fits its buffer; nobody needs as much.
  static let limitBytes = 1_024
  private var line: [UInt8] = []

  mutating func received(_ bytes: some Collection<UInt8>) -> ProbeOutcome? {
    line += bytes.prefix(Self.limitBytes - line.count)
    if let end = line.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
      return Self.outcome(line[..<end])
    }
    guard line.count >= Self.limitBytes else { return nil }
    return .failure("agent's line has no end within \(Self.limitBytes) bytes")
  }

  /// An unfinished line is not believed (HAProxy: "Ignoring incomplete line from agent").
  func closed() -> ProbeOutcome {
    line.isEmpty
      ? .failure("connection closed before a line of the agent")
      : .failure("agent's line \(quoted(line)) has no end")
  }

  private static func outcome(_ line: ArraySlice<UInt8>) -> ProbeOutcome {
    let words = AgentWords(line: line)
    guard words.isEmpty else { return .told(words) }
    guard let unknown = words.unknownWord else { return .failure("agent says nothing") }
    return .failure("agent says \(unknown.debugDescription), which means nothing")
  }
}
