import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// The ways to the admin API, each with who is let in and who is not.
  @Suite struct `The doors of the admin API` {
    /// A node with other doors than loopback. Its readiness is asked at `admin.metrics`.
    private final class Node {
      let world: World
      let folder: URL
      let tokens: [String: String]

      /// - Parameter door: lines of section admin; `FOLDER` stands for a folder of the node's own.
      init(_ door: String, scopes: [String] = ["read", "operate", "admin"]) throws {
        let folder = try temporaryFolder()
        var tokens: [String: String] = [:]
        var lines: [String] = []
        struct Made: Decodable { var token: String, sha256: String }
        for scope in scopes {
          let made = try Program.run(
            ["token", "new", "\(scope)-er", "--scope", scope, "--output", "json"])
          let token = try JSONDecoder().decode(Made.self, from: Data(made.output.utf8))
          tokens[scope] = token.token
          lines.append("    - {name: \(scope)-er, scope: \(scope), sha256: \"\(token.sha256)\"}")
        }
        self.folder = folder
        self.tokens = tokens
        world = try World { text in
          let start = text.firstRange(of: "admin:\n")?.lowerBound ?? text.endIndex
          let end = text.firstRange(of: "\nhealth:")?.lowerBound ?? text.endIndex
          let port =
            text[start..<end].firstMatch(of: #/listen: 127.0.0.1:(\d+)/#).map { String($0.1) } ?? ""
          let section = """
            admin:
              metrics: 127.0.0.1:\(port)
              reads: token
              audit_log: FOLDER/audit.log
            \(door.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
              tokens:
            \(lines.joined(separator: "\n"))

            """
          return text.replacingCharacters(in: start..<end, with: section)
            .replacing("FOLDER", with: folder.path).replacing("PORT", with: "\(port)")
        }
      }

      deinit { try? FileManager.default.removeItem(at: folder) }

      /// What curl prints: the body, and the status behind it. The name is one of the node's.
      func curl(
        _ arguments: String, token scope: String? = nil
      ) throws -> (status: Int, body: String) {
        let header = scope.map { "-H 'Authorization: Bearer \(tokens[$0] ?? $0)'" } ?? ""
        let said = try Program.shell("curl -s -w '\\n%{http_code}' \(header) \(arguments) || true")
        let lines = said.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? -1, lines.dropLast().joined(separator: "\n"))
      }

      /// Runs a verb as somebody with a token.
      func azimuth(_ arguments: String, token scope: String) throws -> Program.Finished {
        try Program.shell("AZIMUTH_TOKEN=\(tokens[scope] ?? scope) azimuth \(arguments)")
      }
    }

    @Test func `a unix socket is for whom its mode lets in, with a token of the right scope`()
      throws
    {
      let node = try Node("listen: unix:FOLDER/admin.sock\nmode: \"0640\"")
      let socket = node.folder.appending(path: "admin.sock").path
      eventually("the socket") {
        try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int == 0o640
      }
      func ask(_ path: String, _ more: String = "", token: String?) throws -> Int {
        try node.curl("--unix-socket \(socket) \(more) http://localhost\(path)", token: token)
          .status
      }
      #expect(try ask("/v1/status", token: nil) == 401)
      #expect(try ask("/v1/status", token: "read") == 200)
      #expect(try ask("/v1/status", "-H 'Host: evil.example'", token: "read") == 421)
      #expect(try ask("/v1/reload", "-X POST", token: "operate") == 403)
      #expect(
        try ask("/v1/reload", "-X POST -H 'Origin: http://evil.example'", token: "admin") == 403)
      #expect(try ask("/v1/reload", "-X POST", token: "admin") == 200)
      let drain =
        "-X PUT -H 'Content-Type: application/json' -d '{\"state\": \"drain\", \"reason\": \"x\"}'"
      #expect(try ask("/v1/overrides/tokyo", drain, token: "read") == 403)
      #expect(try ask("/v1/overrides/tokyo", drain, token: "operate") == 201)
      // Guesses through the socket lock nobody out.
      for _ in 0..<12 { #expect(try ask("/v1/status", token: "wrong") == 401) }
      #expect(try ask("/v1/status", token: "read") == 200)
      let verb = try node.azimuth(
        "fleet rollout status --admin unix:\(socket)", token: "read")
      #expect(verb.all.contains("this node is in no fleet"), "\(verb.all)")

      // The other door shows figures, to everybody, and nothing else.
      #expect(try node.world.admin("GET", "/metrics").text.contains("azimuth_"))
      for path in ["/v1/status", "/", "/v1/reload"] {
        #expect(try node.world.admin("GET", path).status == 404)
      }
      try expectAudit(
        node,
        [
          "POST /v1/reload 403 operate-er", "POST /v1/reload 403 admin-er",
          "POST /v1/reload 200 admin-er", "PUT /v1/overrides/tokyo 403 read-er",
          "PUT /v1/overrides/tokyo 201 operate-er",
        ])
      node.world.process.end(with: SIGTERM)
      #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test func `TLS is for those whose roots are there since the last reload`() throws {
      let servers = try TestAuthority()
      let (first, second) = (try TestAuthority(), try TestAuthority())
      let own = try servers.sign(["127.0.0.1", "localhost"])
      let (ada, bob) = (try first.sign(["ada"]), try second.sign(["bob"]))
      let port = FreePorts.take()
      let roots = try temporaryFolder().appending(path: "roots.pem")
      try FileManager.default.copyItem(at: URL(filePath: first.roots), to: roots)
      let node = try Node(
        """
        listen: 127.0.0.1:\(port)
        tls: {certificate: \(own.certificate), key: \(own.key), client_roots: \(roots.path)}
        """)
      func isLetIn(_ client: TestAuthority.Files) throws -> Bool {
        try node.curl(
          "--cacert \(servers.roots) --cert \(client.certificate) --key \(client.key) "
            + "https://127.0.0.1:\(port)/v1/status", token: "read"
        ).status == 200
      }
      /// Without a session of before none is shown.
      func resumes(_ client: TestAuthority.Files, _ how: String) throws -> Bool {
        try Program.shell(
          """
          openssl s_client -connect 127.0.0.1:\(port) -tls1_2 -cert \(client.certificate) \
            -key \(client.key) \(how) \(roots.path).session </dev/null >/dev/null 2>&1 \
            && echo resumed || true
          """
        ).output.contains("resumed")
      }
      #expect(try isLetIn(ada) && !isLetIn(bob))
      #expect(try resumes(ada, "-sess_out") && resumes(ada, "-sess_in"))

      // The same file says otherwise.
      try Data(contentsOf: URL(filePath: second.roots)).write(to: roots)
      node.world.process.signal(SIGHUP)
      eventually("the other roots") { try isLetIn(bob) }
      #expect(try !isLetIn(ada) && !resumes(ada, "-sess_in"))

      // Another file does.
      try node.world.rewrite(node.world.configuration.replacing(roots.path, with: first.roots))
      node.world.process.signal(SIGHUP)
      eventually("the roots of before") { try isLetIn(ada) }
      #expect(try !isLetIn(bob))

      // What is wrong with a file changes nothing.
      try node.world.rewrite(node.world.configuration)
      try "none".write(to: roots, atomically: true, encoding: .utf8)
      node.world.process.signal(SIGHUP)
      eventually("a refusal") { node.world.process.all.contains("roots.pem holds no certificate") }
      #expect(try isLetIn(ada) && !isLetIn(bob))
    }

    private func expectAudit(_ node: Node, _ expected: [String]) throws {
      struct Line: Decodable { var method: String, path: String, status: Int, token: String? }
      let path = node.folder.appending(path: "audit.log").path
      var lines: [String] = []
      eventually("the audit log") {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        lines = try text.split(separator: "\n").map {
          let line = try JSONDecoder().decode(Line.self, from: Data($0.utf8))
          return "\(line.method) \(line.path) \(line.status) \(line.token ?? "-")"
        }
        return lines.count >= expected.count
      }
      #expect(lines == expected)
    }

    @Test func `TLS is for those with a certificate, and takes a renewed one by a reload`() throws {
      let servers = try TestAuthority()
      let clients = try TestAuthority()
      let own = try servers.sign(["127.0.0.1", "localhost"], file: "node")
      let ada = try clients.sign(["ada"])
      let eve = try servers.sign(["eve"])
      let port = FreePorts.take()
      let node = try Node(
        """
        listen: 127.0.0.1:\(port)
        tls: {certificate: \(own.certificate), key: \(own.key), client_roots: \(clients.roots)}
        """)
      let url = "https://127.0.0.1:\(port)"
      func ask(_ identity: TestAuthority.Files?, token: String? = "read") throws -> Int {
        let shown = identity.map { "--cert \($0.certificate) --key \($0.key)" } ?? ""
        return try node.curl("--cacert \(servers.roots) \(shown) \(url)/v1/status", token: token)
          .status
      }
      // 0: no answer, for there was no handshake.
      #expect(try ask(nil) == 0)
      #expect(try ask(eve) == 0)
      #expect(try ask(ada) == 200)
      #expect(try ask(ada, token: nil) == 401)
      let identity = "--admin-certificate \(ada.certificate) --admin-key \(ada.key)"
      let verb = try node.azimuth(
        "fleet rollout status --admin \(url) --admin-roots \(servers.roots) \(identity)",
        token: "read")
      #expect(verb.all.contains("this node is in no fleet"), "\(verb.all)")
      let explained = try node.azimuth(
        "explain 192.0.2.1 'a&type=b' --admin \(url) --admin-roots \(servers.roots) \(identity)",
        token: "read")
      #expect(explained.all.contains("a&type=b is in no zone"), "\(explained.all)")

      func serial() throws -> String {
        try Program.shell(
          """
          openssl s_client -connect 127.0.0.1:\(port) -cert \(ada.certificate) -key \(ada.key) \
            </dev/null 2>/dev/null | openssl x509 -noout -serial
          """
        ).output
      }
      let before = try serial()
      #expect(before.hasPrefix("serial="))
      _ = try servers.sign(["127.0.0.1", "localhost"], file: "node")
      let reload = try node.curl(
        "-X POST --cacert \(servers.roots) --cert \(ada.certificate) --key \(ada.key) "
          + "\(url)/v1/reload", token: "admin")
      #expect(reload.status == 200, "\(reload.body)")
      #expect(try serial() != before)
    }
  }
}
