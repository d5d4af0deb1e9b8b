import Admin
import Clustering
import HTTPTypes
import Settings
import Synchronization
import Testing

/// Takes what it is given, or refuses everything.
private final class Desk: SharedRollouts {
  struct Begun {
    var plan: Rollout.Plan
    var text: String
    var word: Rollout.Word
    var isDry: Bool
    var isForced: Bool
  }

  let refusal: RolloutRefusal?
  let begun = Mutex<[Begun]>([])
  let said = Mutex<[String]>([])

  init(refusal: RolloutRefusal? = nil) { self.refusal = refusal }

  func report() async -> FleetReport.Rollout? { nil }

  func begin(
    _ plan: Rollout.Plan, text: String, by word: Rollout.Word, isDry: Bool, isForced: Bool
  ) async throws(RolloutRefusal) -> LayerProposal {
    if let refusal { throw refusal }
    begun.withLock {
      $0.append(
        Begun(plan: plan, text: text, word: word, isDry: isDry, isForced: isForced))
    }
    return LayerProposal(
      changes: [.init(key: "log.level", from: nil, to: "debug")], faults: [], isUnfit: false)
  }

  func change(
    _ verb: RolloutVerb, by word: Rollout.Word, isForced: Bool
  ) async throws(RolloutRefusal) {
    if let refusal { throw refusal }
    said.withLock { $0.append("\(verb) \(word.author) \(word.reason) \(isForced)") }
  }
}

@Suite struct `A rollout over the admin API` {
  private static let body = """
    {"layer": "global", "text": "log: {level: debug}", "order": ["tokyo", ["oslo", "lima"]],
     "bake": "90s", "max_errors": "2%", "reason": "try it", "author": "mia"}
    """

  private func world(_ desk: Desk) throws -> AdminWorld {
    var world = try AdminWorld()
    world.sources.rollouts = desk
    return world
  }

  @Test func `is for a fleet, and for those with the token`() async throws {
    #expect(try await AdminWorld().get("/v1/rollout").status == 404)
    let world = try world(Desk())
    #expect(try await world.get("/v1/rollout").text.contains("there is no rollout"))
    #expect(try await world.ask(.put, "/v1/rollout", body: Self.body).status == 401)
    #expect(try await world.ask(.post, "/v1/rollout/stop", body: "{}").status == 401)
  }

  /// A form of another page could not say so.
  @Test func `wants a body that says that it is JSON`() async throws {
    let desk = Desk()
    let world = try world(desk)
    for (method, path) in [(HTTPRequest.Method.put, "/v1/rollout"), (.post, "/v1/rollout/stop")] {
      let headers: HTTPFields = [
        .authorization: "Bearer \(AdminWorld.token)", .contentType: "text/plain",
      ]
      #expect(try await world.ask(method, path, headers: headers, body: Self.body).status == 415)
    }
    #expect(desk.begun.withLock(\.isEmpty) && desk.said.withLock(\.isEmpty))
  }

  @Test func `is in the log with the token of who began or changed it`() async throws {
    var world = try world(Desk())
    let lines = LogLines()
    world.logger = lines.logger
    _ = try await world.change(.put, "/v1/rollout", body: Self.body)
    let word = #"{"reason": "enough", "author": "mia"}"#
    for verb in RolloutVerb.allCases {
      _ = try await world.change(.post, "/v1/rollout/\(verb)", body: word)
    }
    let said = lines.all.filter { $0.hasPrefix("rollout: ") }
    #expect(said.count == 1 + RolloutVerb.allCases.count)
    #expect(said.allSatisfy { $0.contains("author=mia") && $0.contains("token=admin") }, "\(said)")
  }

  @Test func `begins as it is asked for`() async throws {
    let desk = Desk()
    let reply = try await world(desk).change(.put, "/v1/rollout?force=1", body: Self.body)
    #expect(reply.status == 201 && reply.json["changes"][0]["key"].string == "log.level")
    let begun = try #require(desk.begun.withLock { $0.first })
    #expect(
      begun.plan.order == [["tokyo"], ["oslo", "lima"]] && "\(begun.plan.layer)" == "global")
    #expect(begun.plan.bake == .seconds(90) && begun.plan.maximumErrors == 0.02)
    #expect(begun.word == Rollout.Word(author: "mia", reason: "try it"))
    #expect(begun.text == "log: {level: debug}" && begun.isForced && !begun.isDry)
    let small = #"{"layer": "global", "text": "", "order": ["tokyo"], "reason": "r"}"#
    let tried = try await world(desk).change(.put, "/v1/rollout?dry_run=true", body: small)
    #expect(tried.status == 200 && tried.json["dry_run"].bool == true)
    let last = try #require(desk.begun.withLock { $0.last })
    #expect(last.isDry && last.plan.bake == .seconds(600) && last.plan.maximumErrors == 0.01)
  }

  @Test(arguments: [
    (#""global""#, #""planet""#, "/layer"), (#""90s""#, #""soon""#, "/bake"),
    (#""90s""#, #""8d""#, "/bake"), (#""2%""#, "2", "/max_errors"),
    (#"["oslo", "lima"]"#, #"["oslo", "tokyo"]"#, "/order"), (#""tokyo""#, "1", "/order"),
    (#"["tokyo", ["oslo", "lima"]]"#, "[]", "/order"),
    (#""log: {level: debug}""#, "{}", "/text"), (#""reason": "try it", "#, "", "/reason"),
    (#""mia""#, #""a\nb""#, "/author"), (#""bake""#, #""bakes""#, "/bakes"),
  ])
  func `is not begun where it is not understood`(
    part: String, wrong: String, pointer: String
  ) async throws {
    let desk = Desk()
    #expect(Self.body.contains(part))
    let reply = try await world(desk).change(
      .put, "/v1/rollout", body: Self.body.replacing(part, with: wrong))
    #expect(reply.status == 422)
    #expect(reply.json["errors"].items.map { $0["pointer"].string } == [pointer])
    #expect(desk.begun.withLock { $0.isEmpty })
  }

  @Test func `is stopped, resumed, abandoned and finished with a reason`() async throws {
    let desk = Desk()
    let world = try world(desk)
    let word = #"{"reason": "r", "author": "mia"}"#
    for verb in ["stop", "resume", "abandon", "finish"] {
      #expect(try await world.change(.post, "/v1/rollout/\(verb)", body: word).status == 204)
    }
    #expect(
      try await world.change(.post, "/v1/rollout/finish?force=true", body: word).status == 204)
    #expect(try await world.change(.post, "/v1/rollout/hurry", body: word).status == 404)
    #expect(try await world.change(.post, "/v1/rollout/stop", body: "{}").status == 422)
    #expect(
      desk.said.withLock { $0 } == [
        "stop mia r false", "resume mia r false", "abandon mia r false", "finish mia r false",
        "finish mia r true",
      ])
  }

  private static let refusals: [(RolloutRefusal, Int)] = [
    (.underWay, 409), (.absent, 404), (.conflict("c"), 409), (.lost, 409),
    (.faults([Fault(origin: Origin(file: "f"), message: "m")], isUnfit: false), 422),
    (.store(.unavailable("u")), 503), (.store(.forbidden("f")), 403),
  ]

  @Test(arguments: refusals)
  func `is refused with what stands against it`(refusal: RolloutRefusal, status: Int) async throws {
    let world = try world(Desk(refusal: refusal))
    #expect(try await world.change(.put, "/v1/rollout", body: Self.body).status == status)
    #expect(
      try await world.change(.post, "/v1/rollout/stop", body: #"{"reason": "r"}"#).status == status)
  }
}
