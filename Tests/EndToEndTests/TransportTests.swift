import Foundation
import Glibc
import TestSupport
import Testing

/// What stands in front of queries: TLS sessions, and proxies' headers as Knot's `kdig` sends them.
extension EndToEnd {
  @Suite struct `The certificate of DNS over TLS` {
    /// A folder with `one.pem`, `one.key`, `two.pem`, `two.key`, and what is served in `now.*`.
    private static func identities() throws -> String {
      let folder = try temporaryFolder().path
      for name in ["one", "two"] {
        let made = try Program.shell(
          """
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj /CN=\(name).test -addext subjectAltName=DNS:\(name).test -days 30 \
            -keyout '\(folder)/\(name).key' -out '\(folder)/\(name).pem' 2>/dev/null
          """)
        try #require(made.status == 0)
      }
      try serve(certificate: "one", key: "one", in: folder)
      return folder
    }

    private static func serve(certificate: String, key: String, in folder: String) throws {
      let copied = try Program.shell(
        "cp '\(folder)/\(certificate).pem' '\(folder)/now.pem'"
          + " && cp '\(folder)/\(key).key' '\(folder)/now.key'")
      try #require(copied.status == 0)
    }

    private static func world(_ port: Int, _ folder: String) throws -> World {
      try World {
        $0.replacing(
          "  receive_buffer: 4MiB",
          with: """
              receive_buffer: 4MiB
              tls:
                listen: [127.0.0.1:\(port)]
                certificate: \(folder)/now.pem
                key: \(folder)/now.key
            """)
      }
    }

    /// Asks by kdig, which believes the one certificate only.
    private static func isAnswered(
      _ port: Int, _ folder: String, believing name: String
    ) throws -> Bool {
      try Program.shell(
        """
        kdig @127.0.0.1 -p \(port) +tls-ca='\(folder)/\(name).pem' \
          +tls-hostname=\(name).test +time=5 +retry=0 www.example.org A
        """
      ).output.contains("status: NOERROR")
    }

    @Test
    func `SIGHUP changes it, drops no connection, and a bad pair changes nothing`() throws {
      let port = Ports.free()
      let folder = try Self.identities()
      let world = try Self.world(port, folder)
      let lasting = try LastingSession(port: port, folder: folder)
      func reload(certificate: String, key: String, says text: String) throws {
        let before = world.process.all.count
        try Self.serve(certificate: certificate, key: key, in: folder)
        world.process.signal(SIGHUP)
        eventually(text) { world.process.all.dropFirst(before).contains(text) }
      }
      func expect(_ name: String, number: Int) throws {
        #expect(try Self.isAnswered(port, folder, believing: name))
        let other = name == "one" ? "two" : "one"
        #expect(try !Self.isAnswered(port, folder, believing: other))
        try lasting.expectAnswer(number)
      }
      try expect("one", number: 1)
      try reload(certificate: "two", key: "two", says: "configuration reloaded")
      try expect("two", number: 2)
      try reload(certificate: "one", key: "two", says: "does not belong to the certificate")
      try expect("two", number: 3)
      try reload(certificate: "one", key: "one", says: "configuration reloaded")
      try expect("one", number: 4)
    }
  }

  @Suite struct `The PROXY protocol` {
    private static let proxy = "127.0.0.9"

    private static func kdig(
      _ ports: Ports, _ arguments: String, from source: String = proxy
    ) throws -> Program.Finished {
      try Program.shell(
        """
        kdig @127.0.0.1 -p \(ports.dns) -b \(source) +time=2 +retry=0 \(arguments) \
          www.example.org A
        """)
    }

    @Test(arguments: ["+notcp", "+tcp"])
    func `kdig's header names the client that is steered, if kdig is trusted`(transport: String)
      throws
    {
      let world = try World {
        $0.replacing(
          "  receive_buffer: 4MiB",
          with: "  receive_buffer: 4MiB\n  proxy_protocol: {trusted: [\(Self.proxy)]}")
      }
      // Clients in Japan and in Germany, as the demo's overrides have them.
      for (client, region) in [("127.81.0.1", "tokyo"), ("127.49.0.1", "frankfurt")] {
        let answer = try Self.kdig(
          world.ports, "\(transport) +proxy=\(client)#4000-127.0.0.1#53")
        #expect(answer.output.contains(world.address(of: region)), "\(answer.all)")
      }
      // Who is trusted must send a header.
      let bare = try Self.kdig(world.ports, transport)
      #expect(!bare.output.contains("status:"), "\(bare.all)")
      // From others it is none, and without it they are steered by their own address.
      let forged = try Self.kdig(
        world.ports, "\(transport) +proxy=127.81.0.1#4000-127.0.0.1#53", from: "127.49.0.1")
      #expect(!forged.output.contains("127.0.10."), "\(forged.all)")
      let plain = try Self.kdig(world.ports, transport, from: "127.49.0.1")
      #expect(plain.output.contains(world.address(of: "frankfurt")), "\(plain.all)")
    }
  }
}

/// A session of TLS that asks whenever it is told to, by `openssl s_client`.
private final class LastingSession {
  private let process: RunningProcess
  private let folder: String

  /// It sends what stands in `query.1`, `query.2` and so on, once each is there.
  init(port: Int, folder: String) throws {
    self.folder = folder
    process = try RunningProcess(
      "/bin/bash",
      [
        "-c",
        """
        for number in 1 2 3 4; do
          until [ -e '\(folder)/query.'$number ]; do sleep 0.01; done
          cat '\(folder)/query.'$number
        done | openssl s_client -quiet -connect 127.0.0.1:\(port) >'\(folder)/answers'
        """,
      ])
  }

  /// Asks once more, and waits until one more answer has come.
  func expectAnswer(_ number: Int) throws {
    let answers = URL(filePath: "\(folder)/answers")
    let before = (try? Data(contentsOf: answers))?.count ?? 0
    var question = DNSQuestion("www.example.org", subnet: "133.11.0.1")
    question.id = UInt16(number)
    let message = question.bytes
    let file = URL(filePath: "\(folder)/query.\(number)")
    try Data(UInt16(message.count).wire + message).write(to: file, options: .atomic)
    eventually("answer \(number) over TLS") {
      let bytes = [UInt8](try Data(contentsOf: answers)).dropFirst(before)
      guard bytes.count > 2 else { return false }
      return try DNSReply(Array(bytes.dropFirst(2))).id == UInt16(number)
    }
  }
}
