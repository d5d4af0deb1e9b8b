import Foundation
import Testing

extension EndToEnd {
  /// DNS over TLS (RFC 7858) as real clients speak it.
  @Suite struct `Real clients over TLS` {
    /// A server with a certificate of its own.
    final class Server: Sendable {
      let world: World
      let port: Int
      let certificate: String

      init() throws {
        let folder = try temporaryFolder()
        let port = Ports.free()
        let certificate = folder.appending(path: "certificate.pem").path
        let key = folder.appending(path: "key.pem").path
        let made = try Program.shell(
          """
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
            -subj /CN=ns1.example.org -addext subjectAltName=DNS:ns1.example.org \
            -keyout \(key) -out \(certificate)
          """)
        try #require(made.status == 0, "\(made.all)")
        world = try World {
          $0.replacing(
            "  receive_buffer:",
            with: """
                tls: {listen: [127.0.0.1:\(port)], certificate: \(certificate), key: \(key)}
                receive_buffer:
              """)
        }
        self.port = port
        self.certificate = certificate
      }

      deinit {
        try? FileManager.default.removeItem(
          at: URL(filePath: certificate).deletingLastPathComponent())
      }
    }

    static let server = Result { try Server() }

    @Test func `RFC 7858 §3.1: kdig trusts the certificate and gets a padded answer`() throws {
      let server = try Self.server.get()
      let text = try Program.shell(
        """
        kdig @127.0.0.1 -p \(server.port) +tls-ca=\(server.certificate) \
          +tls-hostname=ns1.example.org +padding www.example.org +subnet=133.11.0.0/24
        """
      ).all
      #expect(text.contains(";; TLS session (TLS1.3)"), "\(text)")
      #expect(text.contains(";; Received 468 B"), "RFC 8467 §4.1: \(text)")
      #expect(text.contains(server.world.address(of: "tokyo")))
    }

    @Test func `RFC 7858 §3.2: the protocol's name is told in the handshake`() throws {
      let server = try Self.server.get()
      for version in ["-tls1_2", "-tls1_3"] {
        let text = try Program.shell(
          """
          openssl s_client \(version) -alpn dot -CAfile \(server.certificate) \
            -connect 127.0.0.1:\(server.port) </dev/null
          """
        ).all
        #expect(text.contains("ALPN protocol: dot") && text.contains("Verification: OK"), "\(text)")
      }
    }

    @Test func `RFC 7858 §3.4: unbound asks over TLS alone, with its clients' subnets`() throws {
      let server = try Self.server.get()
      let before = try ["udp", "tcp"].map { try server.world.queryCount(over: $0) }
      let resolver = try Resolver(
        server.world,
        over: .tls(
          port: server.port, authority: server.certificate, name: "ns1.example.org"))
      for (client, region) in [("127.81.0.1", "tokyo"), ("127.55.0.1", "saopaulo")] {
        let reply = try resolver.ask(DNSQuestion("docs.example.org"), from: client)
        #expect(reply.addresses == [server.world.address(of: region)])
      }
      #expect(try ["udp", "tcp"].map { try server.world.queryCount(over: $0) } == before)
    }
  }
}
