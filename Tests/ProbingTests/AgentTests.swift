import Testing

@testable import Probing
@testable import Settings

@Suite struct AgentTests {
  /// Lines as HAProxy's manual and source have them.
  static let lines: [(line: String, outcome: ProbeOutcome, share: Int)] = [
    ("up", .success, 100), ("UP", .success, 100), ("ready", .success, 100),
    ("75%", .success, 75), ("up 75%", .success, 75), ("75%,up\tready", .success, 75),
    ("0%", .success, 0), ("200%", .success, 200), ("maxconn:30", .success, 100),
    ("drain", .success, 0), ("maint", .success, 0), ("up drain 50%", .success, 0),
    ("down", .failure("agent says down"), 100), ("fail", .failure("agent says fail"), 100),
    ("stopped # for a backup", .failure("agent says stopped (for a backup)"), 100),
    ("down#disk", .failure("agent says \"down#disk\", which means nothing"), 100),
    ("up down", .failure("agent says down"), 100), ("down up", .success, 100),
    ("10% 20%", .success, 20), ("down # up", .failure("agent says down (up)"), 100),
    ("", .failure("agent says nothing"), 100),
    ("hello", .failure("agent says \"hello\", which means nothing"), 100),
    ("-5%", .failure("agent says \"-5%\", which means nothing"), 100),
    ("25601%", .failure("agent says \"25601%\", which means nothing"), 100),
    ("up hello", .success, 100),
  ]

  @Test(arguments: lines.indices) func `a line is read as HAProxy reads it`(row: Int) {
    let (line, outcome, share) = Self.lines[row]
    var judge = AgentJudge()
    guard let read = judge.received(Array("\(line)\r\n".utf8)) else {
      Issue.record("no outcome of \(line)")
      return
    }
    var state = AgentState()
    if case .told(let words) = read {
      state.take(words)
      #expect(state.outcome == outcome)
    } else {
      #expect(read == outcome)
    }
    #expect(state.share == share)
  }

  @Test func `what a line does not mention stays`() {
    var state = AgentState()
    func take(_ line: String) { state.take(AgentWords(line: Array(line.utf8))) }
    take("down # disk full")
    take("50%")
    #expect(state.outcome == .failure("agent says down (disk full)"))
    #expect(state.share == 50)
    take("drain maxconn:7")
    #expect(state.share == 0)
    take("up")
    #expect(state.outcome == .success)
    #expect(state.share == 0)
    #expect(state.shareCause == "agent says drain")
    #expect(state.mostConnections == 7)
    take("ready")
    #expect(state.share == 50)
  }

  @Test func `a line may come in pieces and needs an end`() {
    var judge = AgentJudge()
    #expect(judge.received(Array("do".utf8)) == nil)
    #expect(judge.received(Array("wn".utf8)) == nil)
    #expect(judge.closed() == .failure("agent's line \"down\" has no end"))
    var words = AgentWords()
    words.operation = .down
    #expect(judge.received(Array("\nup\n".utf8)) == .told(words))
    var endless = AgentJudge()
    #expect(
      endless.received(Array(repeating: 0x20, count: 5_000))
        == .failure("agent's line has no end within 1024 bytes"))
    #expect(
      AgentJudge().closed() == .failure("connection closed before a line of the agent"))
  }

  @Test func `an agent is asked over TCP, and told what to say`() async throws {
    let server = try await ScriptedServer.start([.request, .send("up 40% # fine\n")])
    var words = AgentWords()
    words.operation = .up
    words.sharePercent = 40
    words.description = "fine"
    let sent = Array("web\r\n\r\n".utf8)
    #expect(
      await probe(.agent(.init(sent: sent)), at: server.address) == .told(words))
    #expect(server.seen.requests == ["web\r\n\r\n"])
    await server.stop()
    #expect(await probe(.agent(.init()), at: server.address) == .failure("connection refused"))
    #expect(
      await probe(.agent(.init(isOptional: true)), at: server.address)
        == .inconclusive("connection refused"))
  }
}
