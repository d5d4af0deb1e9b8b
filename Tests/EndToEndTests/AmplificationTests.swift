import Foundation
import Testing

extension EndToEnd {
  /// By how much an answer is larger than the query that a forger would send: of every name and
  /// type of the demo, and held against docs/amplification.md.
  @Suite struct `Amplification` {
    private static let names = [
      "", "www", "x.geo", "rules", "eu", "pair", "canary", "sticky", "all", "ns1", "ns2", "mail",
      "_dmarc", "_sip._tcp", "sip", "web", "docs", "_443._tcp.www", "4.3.2.1.5.5.5", "svc",
      "partner", "x.partner", "long", "no", "a.b.c.no",
    ].map { $0.isEmpty ? "example.org" : "\($0).example.org" }
    private static let outside = ["example.com", "a", "www.example.net"]
    /// A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, NAPTR, TLSA, HTTPS, TSIG, AXFR, ANY, CAA.
    private static let types: [UInt16] = [
      1, 2, 5, 6, 15, 16, 28, 33, 35, 52, 65, 250, 252, 255, 257,
    ]

    /// - Parameter column: 0: without EDNS, 1: with it, 2: with a client cookie too.
    private func question(_ name: String, _ type: UInt16, column: Int) -> DNSQuestion {
      var question = DNSQuestion(name, type: type)
      question.usesEDNS = column > 0
      question.payloadBytes = 4096
      if column == 2 { question.moreOptions = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] }
      return question
    }

    private func kind(of reply: DNSReply, type: UInt16) -> String {
      switch reply.code {
      case 0 where type == 255 && !reply.answers.isEmpty: "ANY"
      case 0 where !reply.answers.isEmpty: "records"
      case 0 where reply.authority.first?.type == RecordType.ns: "referral"
      case 0: "no data"
      case 3: "no such name"
      default: "refusals and errors"
      }
    }

    /// The largest factor of each kind of answer and each way to ask.
    private func measured(_ world: World) throws -> [String: [Double]] {
      let socket = try Socket.udp(to: "127.0.0.1", port: world.ports.dns)
      var factors: [String: [Double]] = [:]
      for (name, type, column) in (Self.names + Self.outside).flatMap({ name in
        Self.types.flatMap { type in (0...2).map { (name, type, $0) } }
      }) {
        let bytes = question(name, type, column: column).bytes
        try socket.send(bytes)
        let answer = try socket.receive()
        let kind = kind(of: try DNSReply(answer), type: type)
        let factor = Double(answer.count) / Double(bytes.count)
        factors[kind, default: [0, 0, 0]][column] = max(
          factors[kind]?[column] ?? 0, factor)
      }
      return factors
    }

    @Test func `the document states the largest factor of every kind of answer`() throws {
      let rows = try measured(World()).map { kind, factors in
        "| \(kind) | " + factors.map { String(format: "%.2f", $0) }.joined(separator: " | ") + " |"
      }
      let document = try String(
        contentsOfFile: "\(Program.root)/docs/amplification.md", encoding: .utf8)
      let stated = document.split(separator: "\n").map(String.init)
      #expect(rows.count == 6)
      for row in rows.sorted() {
        #expect(stated.contains(row), "the measured row is\n\(row)")
      }
    }
  }
}
