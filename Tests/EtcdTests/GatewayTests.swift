import Engine
import Etcd
import Testing

struct GatewayTests {
  /// Lines as etcd 3.4.23 wrote them.
  @Test(arguments: [
    (
      "a watch that stands",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","#
        + #""member_id":"10276657743932975437","revision":"4","raft_term":"2"},"created":true}}"#,
      WatchFrame.Content.created
    ),
    (
      "a put is a type that is left out",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"},"events":["#
        + #"{"kv":{"key":"L2E=","create_revision":"4","mod_revision":"4","version":"1","#
        + #""value":"MQ=="}}]}}"#,
      .changes([StoreChange(key: "/a", value: Array("1".utf8), revision: 4)])
    ),
    (
      "an empty value is left out",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"},"events":["#
        + #"{"kv":{"key":"L2E=","mod_revision":"4"}}]}}"#,
      .changes([StoreChange(key: "/a", value: [], revision: 4)])
    ),
    (
      "a delete",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"},"events":["#
        + #"{"type":"DELETE","kv":{"key":"L2E=","mod_revision":"4"}}]}}"#,
      .changes([StoreChange(key: "/a", value: nil, revision: 4)])
    ),
    (
      "progress is a frame with nothing in it",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"}}}"#, .progress
    ),
    (
      "a watch from a compacted revision",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"},"#
        + #""canceled":true,"compact_revision":"9"}}"#,
      .canceled(compacted: 9, reason: "")
    ),
    (
      "a watch that may not be: created and canceled at once",
      #"{"result":{"header":{"cluster_id":"14841639068965178418","revision":"4"},"#
        + #""created":true,"canceled":true,"cancel_reason":"no"}}"#,
      .canceled(compacted: 0, reason: "no")
    ),
  ])
  func `lines of a watch are read`(
    _ title: String, _ line: String, _ content: WatchFrame.Content
  ) throws {
    #expect(
      try watchFrame(line.utf8)
        == WatchFrame(clusterID: 14_841_639_068_965_178_418, revision: 4, content: content))
  }

  @Test(arguments: [
    (
      #"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","#
        + #""http_status":"Service Unavailable"}}"#,
      StoreFault.unavailable("etcdserver: no leader")
    ),
    (
      #"{"error":{"grpc_code":16,"message":"etcdserver: invalid auth token"}}"#,
      .unauthenticated("etcdserver: invalid auth token")
    ),
    ("{}", .malformed("neither a result nor an error")),
  ])
  func `a line of a stream under status 200 may be a fault`(_ line: String, _ fault: StoreFault) {
    #expect(throws: fault) { try watchFrame(line.utf8) }
  }

  @Test(arguments: [
    "", "nonsense", "[]", #"{"result":{"header":{"revision":"four"}}}"#,
    #"{"result":{"header":{"revision":"9223372036854775808"}}}"#,
    #"{"result":{"events":[{"kv":{"key":"***"}}]}}"#, #"{"result":{"events":{}}}"#,
  ])
  func `what is not the gateway's is malformed`(_ line: String) {
    #expect {
      _ = try watchFrame(line.utf8)
    } throws: {
      if case StoreFault.malformed = $0 { true } else { false }
    }
  }

  @Test func `a key that is no text is passed over`() throws {
    let line = #"{"result":{"events":[{"kv":{"key":"/w==","mod_revision":"4"}}]}}"#
    #expect(try watchFrame(line.utf8).content == .changes([]))
  }

  @Test(arguments: [
    (
      401, #"{"error":"x","code":16,"message":"etcdserver: invalid auth token"}"#, "unauthenticated"
    ),
    (400, #"{"code":3,"message":"etcdserver: user name is empty"}"#, "unauthenticated"),
    (403, #"{"code":7,"message":"etcdserver: permission denied"}"#, "forbidden"),
    (503, #"{"code":14,"message":"etcdserver: no leader"}"#, "unavailable"),
    (500, #"{"code":2,"message":"etcdserver: request timed out"}"#, "unavailable"),
    (404, #"{"code":5,"message":"etcdserver: requested lease not found"}"#, "leaseEnded"),
    (400, #"{"code":3,"message":"etcdserver: key is not provided"}"#, "refused"),
    (502, "<html>bad gateway</html>", "unavailable"), (404, "", "refused"),
  ])
  func `answers with another status say what to do`(_ status: Int, _ body: String, _ kind: String) {
    let fault = fault(status: status, body: body.utf8)
    #expect("\(fault)".isEmpty == false)
    let name =
      switch fault {
      case .unavailable: "unavailable"
      case .unauthenticated: "unauthenticated"
      case .forbidden: "forbidden"
      case .leaseEnded: "leaseEnded"
      case .malformed: "malformed"
      case .refused: "refused"
      }
    #expect(name == kind)
  }

  @Test func `a transaction without its verdict is lost, and says what stands there`() throws {
    let answer =
      #"{"header":{"revision":"7"},"responses":[{"response_range":{"kvs":["#
      + #"{"key":"L2E=","mod_revision":"5","value":"MQ=="}],"count":"1"}}]}"#
    let transaction = try decoded(GatewayAnswer.Transaction.self, from: answer.utf8)
    #expect(
      transaction.outcome
        == .lost(["/a": StoreEntry(value: Array("1".utf8), revision: 5)]))
    let won = #"{"header":{"revision":"7"},"succeeded":true}"#
    #expect(try decoded(GatewayAnswer.Transaction.self, from: won.utf8).outcome == .committed(7))
  }

  @Test func `an empty range has a revision and nothing else`() throws {
    let answer = #"{"header":{"cluster_id":"1","revision":"7"}}"#
    let picture = try decoded(GatewayAnswer.Range.self, from: answer.utf8)
      .picture(.serializable)
    #expect(
      picture == StorePicture(clusterID: 1, revision: 7, entries: [:], isVerified: false))
  }

  @Test(arguments: [
    ("/azimuth/", Array("/azimuth0".utf8)), ("a\u{7F}", [0x61, 0x80]), ("", [0]),
  ])
  func `a prefix ends where the next begins`(_ prefix: String, _ end: [UInt8]) {
    #expect(GatewayQuestion.end(ofPrefix: prefix) == end)
  }

  @Test func `lines come whole, however they are cut`() {
    let text = Array("one\ntwo\n\nthree\nrest".utf8)
    for size in 1...text.count {
      var splitter = LineSplitter()
      var lines: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        let piece = text[start..<min(start + size, text.count)]
        lines += (splitter.take(piece) ?? []).map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(lines == ["one", "two", "three"])
    }
  }
}
