import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// TLS that ends in the proxy, and TLS that begins there, as real programs speak it.
  @Suite struct `TLS in the proxy` {
    /// The demo's listener with TLS, and one more whose endpoint is `openssl s_server`.
    final class Server: Sendable {
      let authority: TestAuthority
      let site: TestAuthority.Files
      let world: World
      let endpoint: RunningProcess
      /// Of the listener to an endpoint that proves its name, and of that to one that does not.
      let secured = Ports.free()
      let wrong = Ports.free()

      init() throws {
        authority = try TestAuthority()
        site = try authority.sign(["www.example.org"])
        let backend = try authority.sign(["backend.internal"])
        let port = Ports.free()
        endpoint = try RunningProcess(
          "/usr/bin/openssl",
          [
            "s_server", "-quiet", "-WWW", "-accept", "127.0.0.1:\(port)", "-cert",
            backend.certificate, "-key", backend.key,
          ])
        let (site, roots, secured, wrong) = (site, authority.roots, secured, wrong)
        world = try World { demo in
          let certificates = "{certificate: \(site.certificate), key: \(site.key)}"
          let tls = "tls: {certificates: [\(certificates)], alpn: [http/1.1]}"
          return demo.replacing("access_log: off", with: "access_log: stdout").replacing(
            #/(?m)^( +web: \{listen: \[127\.0\.0\.1:\d+\], service: web)\}/#
          ) { found in
            """
            \(found.1), \(tls)}
                secured: {listen: [127.0.0.1:\(secured)], service: secured, \(tls)}
                wrong: {listen: [127.0.0.1:\(wrong)], service: wrong}
            """
          }.replacing(
            "\npolicies:",
            with: """
                secured:
                  endpoints: {tokyo: [127.0.0.1:\(port)]}
                  tls: {server_name: backend.internal, roots: \(roots)}
                wrong:
                  endpoints: {tokyo: [127.0.0.1:\(port)]}
                  tls: {server_name: other.internal, roots: \(roots)}

              policies:
              """
          ).replacing(
            "\nservices:\n",
            with: """

              services:
                secured: {policy: nearest, pool: secured}
                wrong: {policy: nearest, pool: wrong}

              """)
        }
      }

      /// What `curl` gets and says.
      func curl(port: Int, _ path: String = "/") throws -> Program.Finished {
        try Program.shell(
          """
          curl -sS -m 10 --cacert \(authority.roots) --resolve www.example.org:\(port):127.0.0.1 \
            https://www.example.org:\(port)\(path)
          """)
      }

      /// The subject of the certificate that is shown to new clients.
      func subject() throws -> String {
        try Program.shell(
          """
          openssl s_client -connect 127.0.0.1:\(world.ports.proxy) -servername www.example.org \
            </dev/null 2>/dev/null | openssl x509 -noout -subject -serial
          """
        ).all
      }
    }

    @Test func `curl gets the page of a plain endpoint and that of a secured one`() throws {
      let server = try Server()
      let plain = try server.curl(port: server.world.ports.proxy)
      #expect(server.world.named(in: plain.all) != "", "\(plain.all)")
      #expect(plain.status == 0)
      let secured = try server.curl(port: server.secured, "/README.md")
      #expect(secured.status == 0 && secured.output.contains("Azimuth"), "\(secured.all)")
      eventually("the line of the log") {
        server.world.process.output.contains(#""tls":"1.3""#)
      }
    }

    @Test func `an endpoint without a good certificate gets nothing, and the log says why`() throws
    {
      let server = try Server()
      let result = try Program.shell("curl -sS -m 10 http://127.0.0.1:\(server.wrong)/")
      #expect(result.status != 0)
      func line() -> Substring? {
        server.world.process.output.split(separator: "\n").first {
          $0.contains(#""listener":"wrong""#)
        }
      }
      eventually("the line of the log") { line() != nil }
      let text = line() ?? ""
      #expect(
        text.contains(#""reason":"upstream_tls","tls_fault":"hostname mismatch""#),
        "\(result.all) \(text)")
    }

    @Test func `a reload changes the certificate, and an open connection goes on`() throws {
      let server = try Server()
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let request = "GET / HTTP/1.1\\r\\nHost: www.example.org\\r\\n\\r\\n"
      let lasting = try RunningProcess(
        "/bin/bash",
        [
          "-c",
          """
          (printf '\(request)'; until [ -e '\(folder.path)/go' ]; do sleep 0.01; done
           printf '\(request)'; sleep 5) |
            openssl s_client -quiet -connect 127.0.0.1:\(server.world.ports.proxy) \
              -servername www.example.org 2>/dev/null
          """,
        ])
      func answers() -> Int { lasting.output.matches(of: #/HTTP\/1\.1 200/#).count }
      eventually("the first answer") { answers() == 1 }
      let before = try server.subject()
      let renewed = try server.authority.sign(["www.example.org"])
      try Self.replace(server.site.certificate, by: renewed.certificate)
      // Half of the pair is new: as it would be in the middle of a renewal.
      let refused = try server.world.reload()
      #expect(refused.status / 100 == 4 && refused.text.contains("does not belong"))
      #expect(try server.subject() == before)
      try Self.replace(server.site.key, by: renewed.key)
      #expect(try server.world.reload().status / 100 == 2)
      #expect(try server.subject() != before)
      try Data().write(to: folder.appending(path: "go"))
      eventually("the second answer, on the old connection") { answers() == 2 }
      #expect(try server.curl(port: server.world.ports.proxy).status == 0)
    }

    @Test func `a certificate that ends soon or has ended is served, and told of`() throws {
      let server = try Server()
      let world = server.world
      eventually("a warning") { world.process.all.contains(#/expires in [89] days/#) }
      let before = try server.subject()
      let ended = try server.authority.sign(["www.example.org"], days: -1)
      try Self.replace(server.site.certificate, by: ended.certificate)
      try Self.replace(server.site.key, by: ended.key)
      let checked = try Program.run(["check", world.file.path])
      #expect(checked.status == 0 && checked.all.contains("has expired"), "\(checked.all)")
      #expect(try world.reload().status / 100 == 2)
      #expect(try server.subject() != before)
      #expect(try server.curl(port: world.ports.proxy).status != 0)
      eventually("a warning") { world.process.all.contains("has expired") }
      let line = try #require(
        world.admin("GET", "/metrics").text.split(separator: "\n").first {
          $0.hasPrefix("azimuth_proxy_certificate_expiry_timestamp_seconds{")
            && $0.contains(#"listener="web""#)
        })
      let end = try #require(line.split(separator: " ").last.flatMap { Double($0) })
      #expect(end < Date.now.timeIntervalSince1970 && line.contains(#"name="www.example.org""#))
    }

    private static func replace(_ file: String, by other: String) throws {
      try Data(contentsOf: URL(filePath: other)).write(to: URL(filePath: file), options: .atomic)
    }
  }
}
