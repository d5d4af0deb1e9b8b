import Admin
import Editions
import HTTPTypes
import Publishing
import Settings
import Simulating
import Synchronization
import TestSupport
import Testing

@Suite struct `POST /v1/simulate` {
  /// Answers as the program does, and keeps what it was asked.
  private func world() throws -> (AdminWorld, Questions) {
    var world = try AdminWorld()
    let questions = Questions()
    let publisher = world.publisher
    world.sources.simulate = { question in
      questions.add(question)
      let (compiled, edition) = await publisher.current
      return try Simulation(compiled, board: edition.board).report(
        of: question.scenario, population: question.population, services: question.services,
        load: question.load)
    }
    return (world, questions)
  }

  private final class Questions: Sendable {
    private let asked = Mutex<[SimulationQuestion]>([])
    var all: [SimulationQuestion] { asked.withLock { $0 } }
    func add(_ question: SimulationQuestion) { asked.withLock { $0.append(question) } }
  }

  @Test func `says where the clients of the request go`() async throws {
    let (world, _) = try world()
    await world.heal()
    let reply = try await world.change(
      .post, "/v1/simulate",
      body: """
        {"down": ["tokyo"], "services": ["web"], "load": 100,
         "clients": [{"address": "10.1.0.1", "weight": 3}, {"address": "10.3.0.1"}]}
        """)
    #expect(reply.status == 200, "\(reply.text)")
    let service = reply.json["services"][0]
    #expect(service["name"].string == "web")
    #expect(service["moved_share"].number == 0.75 && service["moved_load"].number == 75)
    #expect(service["regions"][0]["share_before"].number == 0.75)
  }

  @Test func `reads every member`() async throws {
    let (world, questions) = try world()
    _ = try await world.change(
      .post, "/v1/simulate",
      body: """
        {"down": ["tokyo"], "drain": ["virginia"], "bias": {"frankfurt": -20}, "load": 5,
         "dial": {"tokyo": 0.5},
         "configuration": "file", "databases": ["/a.mmdb"], "services": ["web"],
         "clients": [{"address": "10.1.0.1"}]}
        """)
    let question = try #require(questions.all.first)
    #expect(question.scenario.down == ["tokyo"] && question.scenario.drained == ["virginia"])
    #expect(question.scenario.biases == ["frankfurt": -20])
    #expect(question.scenario.dials == ["tokyo": 0.5])
    #expect(question.scenario.databases == ["/a.mmdb"] && question.readsFile)
    #expect(question.services == ["web"] && question.load == 5)
    #expect(question.population?.clients.map(\.weight) == [1])
  }

  @Test(arguments: [
    ("[]", ""), (#"{"donw": []}"#, "/donw"), (#"{"down": "tokyo"}"#, "/down"),
    (#"{"down": [1]}"#, "/down/0"), (#"{"bias": {"tokyo": 100}}"#, "/bias/tokyo"),
    (#"{"bias": {"tokyo": 0.5}}"#, "/bias/tokyo"), (#"{"load": -1}"#, "/load"),
    (#"{"dial": {"tokyo": 1.5}}"#, "/dial/tokyo"), (#"{"dial": 1}"#, "/dial"),
    (#"{"configuration": "/etc/passwd"}"#, "/configuration"), (#"{"clients": []}"#, "/clients"),
    (#"{"clients": [{"address": "x"}]}"#, "/clients/0"),
    (#"{"clients": [{"address": "10.0.0.1", "wieght": 1}]}"#, "/clients/0"),
  ])
  func `is refused with every member that is wrong`(body: String, pointer: String) async throws {
    let (world, questions) = try world()
    let reply = try await world.change(.post, "/v1/simulate", body: body)
    #expect(reply.status == 422 && questions.all.isEmpty)
    if !pointer.isEmpty { #expect(reply.text.contains("\"\(pointer)\""), "\(reply.text)") }
  }

  @Test func `asks for the token, and for JSON`() async throws {
    let (world, _) = try world()
    let open = try await world.ask(
      .post, "/v1/simulate", headers: [.contentType: "application/json"], body: "{}")
    #expect(open.status == 401)
    let plain = try await world.ask(
      .post, "/v1/simulate", headers: [.authorization: "Bearer \(AdminWorld.token)"], body: "{}")
    #expect(plain.status == 415)
  }

  @Test(arguments: [
    (SimulationRefusal.busy, 429), (.misunderstood(["there is no region \"x\""]), 422),
  ])
  func `tells why it is not answered`(refusal: SimulationRefusal, status: Int) async throws {
    var (world, _) = try world()
    world.sources.simulate = { _ in throw refusal }
    let reply = try await world.change(.post, "/v1/simulate", body: "{}")
    #expect(reply.status == status)
  }

  @Test func `tells the faults of a changed database`() async throws {
    let (world, _) = try world()
    let reply = try await world.change(
      .post, "/v1/simulate", body: #"{"databases": ["/there/is/none.mmdb"]}"#)
    #expect(reply.status == 422 && reply.text.contains("/there/is/none.mmdb"))
  }
}

@Suite struct `A reload that is forced` {
  @Test(arguments: [("", false), ("?force=true", true), ("?force=false", false)])
  func `says so in its query`(query: String, isForced: Bool) async throws {
    var world = try AdminWorld()
    let seen = Mutex<Bool?>(nil)
    world.sources.reload = { forced in seen.withLock { $0 = forced } }
    #expect(try await world.change(.post, "/v1/reload\(query)").status == 200)
    #expect(seen.withLock { $0 } == isForced)
  }

  @Test(arguments: ["?force=yes", "?forced=true"])
  func `is refused where the query is not understood`(query: String) async throws {
    var world = try AdminWorld()
    world.sources.reload = { _ in Issue.record("reloaded all the same") }
    #expect(try await world.change(.post, "/v1/reload\(query)").status == 400)
  }
}
