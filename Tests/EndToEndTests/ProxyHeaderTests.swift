import Foundation
import Places
import ProxyProtocol
import TestSupport
import Testing

extension EndToEnd {
  /// Headers of the PROXY protocol: ours as HAProxy reads them, and HAProxy's as we do.
  @Suite struct ProxyHeaders {
    struct Case: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let ends: (source: String, destination: String)?
      var isText = false
      var fields: [(ProxyField, String)] = []
      /// HAProxy's source, destination, name and id.
      let wanted: String
    }

    static let cases = [
      Case(
        testDescription: "version 2, IPv4, fields", ends: ("192.0.2.1:40000", "198.51.100.7:443"),
        fields: [
          (.authority, "www.example.com"), (.region, "tokyo"), (.uniqueID, "1a2b-3"),
          (.country, "JP"), (.epoch, "7"),
        ], wanted: "192.0.2.1:40000 198.51.100.7:443 (www.example.com) (1a2b-3)"),
      Case(
        testDescription: "version 2, IPv6", ends: ("[2001:db8::1]:1", "[2001:db8::2]:65535"),
        fields: [(.uniqueID, String(repeating: "x", count: 128))],
        wanted: "2001:db8::1:1 2001:db8::2:65535 () (\(String(repeating: "x", count: 128)))"),
      Case(
        testDescription: "version 2, two families", ends: ("192.0.2.1:7", "[2001:db8::2]:8"),
        wanted: "::ffff:192.0.2.1:7 2001:db8::2:8 () ()"),
      Case(testDescription: "version 2, LOCAL", ends: nil, wanted: "127.0.0.1 127.0.0.1 () ()"),
      Case(
        testDescription: "version 1, IPv4", ends: ("192.0.2.1:40000", "198.51.100.7:443"),
        isText: true, wanted: "192.0.2.1:40000 198.51.100.7:443 () ()"),
      Case(
        testDescription: "version 1, IPv6", ends: ("[2001:db8:0:0:1::]:1", "[::1]:65535"),
        isText: true, wanted: "2001:db8:0:0:1:::1 ::1:65535 () ()"),
      Case(
        testDescription: "version 1, mapped", ends: ("192.0.2.1:7", "[2001:db8::2]:8"),
        isText: true, wanted: "::ffff:192.0.2.1:7 2001:db8::2:8 () ()"),
      Case(
        testDescription: "version 1, UNKNOWN", ends: nil, isText: true,
        wanted: "127.0.0.1 127.0.0.1 () ()"),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: cases)
    func `are read by HAProxy as we mean them`(header: Case) throws {
      let proxy = try HeaderProxy()
      let socket = try proxy.connection()
      try socket.send(try Self.octets(header) + Array("GET / HTTP/1.0\r\n\r\n".utf8))
      let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
      let body = answer.split(separator: "\r\n\r\n").last.map(String.init) ?? answer
      // The ports of LOCAL are those of the connection, and any.
      #expect(
        header.ends == nil ? HeaderProxy.withoutPorts(body) == header.wanted : body == header.wanted
      )
    }

    @Test func `are refused by HAProxy with a wrong checksum`() throws {
      let proxy = try HeaderProxy()
      let socket = try proxy.connection()
      var octets = try Self.octets(Self.cases[0])
      octets[20] ^= 1
      try socket.send(octets + Array("GET / HTTP/1.0\r\n\r\n".utf8))
      #expect((try? socket.receiveAll())?.isEmpty ?? true)
    }

    @Test(
      .timeLimit(.minutes(1)),
      arguments: [
        "send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id",
        "send-proxy-v2-ssl-cn",
      ])
    func `of HAProxy are read as it means them`(options: String) throws {
      let port = Ports.free()
      let listener = try Socket.listening(on: "127.0.0.1", port: port)
      let proxy = try HeaderProxy(sending: options, to: port)
      let client = try proxy.sendingConnection()
      try client.send(Array("GET / HTTP/1.0\r\n\r\n".utf8))
      let connection = try #require(listener.accept())
      var octets: [UInt8] = []
      var header: ProxyHeader?
      while header == nil {
        octets += try connection.receive(1)
        header = try ProxyHeader.decode(stream: octets.span.bytes)
      }
      let read = try #require(header)
      #expect(read.byteCount == octets.count)
      let ends = try #require(read.ends)
      #expect(ends.source.address.description == "127.0.0.1")
      #expect(ends.destination.description == "127.0.0.1:\(proxy.sendingPort)")
      let hasID = read.value(of: .uniqueID, in: octets.span.bytes) != nil
      #expect(hasID == options.contains("unique-id"))
      let isChecked = read.value(of: .checksum, in: octets.span.bytes) != nil
      #expect(isChecked == options.contains("crc32c"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `go first in health checks of endpoints that want one`() throws {
      let proxy = try HeaderProxy(hasTLS: true)
      let exchange = #"type: tcp, send: "GET / HTTP/1.0\r\n\r\n", expect: {contains: "127.0.0.1"}"#
      let kinds = [
        "tcp": ("type: tcp", proxy.port), "exchange": (exchange, proxy.port),
        "http": ("type: http, expect: {body: 127.0.0.1}", proxy.port),
        "https": ("type: https, tls: {verify: false}", proxy.securePort),
      ]
      let checks = kinds.flatMap { kind, how in
        ["off", "v1", "v2"].map { version in
          CheckingNode.Check(
            "\(kind)-\(version)", "\(how.0), proxy_protocol: \(version), fall: 1", port: how.1)
        }
      }
      let node = try CheckingNode(checks)
      let found = try node.endpoints().mapValues(\.health)
      for kind in kinds.keys {
        #expect(found["\(kind)-v1"] == "healthy", "\(kind)")
        #expect(found["\(kind)-v2"] == "healthy", "\(kind)")
        // A connection alone is there without a header, too.
        #expect(found["\(kind)-off"] == (kind == "tcp" ? "healthy" : "unhealthy"), "\(kind)")
      }
    }

    private static func octets(_ header: Case) throws -> [UInt8] {
      let ends = try header.ends.map {
        ProxyHeader.Ends(
          source: try #require(SocketAddress($0.source)),
          destination: try #require(SocketAddress($0.destination)))
      }
      var octets = [UInt8](repeating: 0, count: ProxyHeader.maximumByteCount)
      var span = octets.mutableSpan
      var buffer = span.mutableBytes
      if header.isText {
        return Array(octets[..<ProxyHeaderWriter.writeText(ends, into: &buffer)])
      }
      var writer = ProxyHeaderWriter(ends, into: &buffer)
      for (field, text) in header.fields {
        let value = Array(text.utf8)
        writer.add(field, value.span.bytes, into: &buffer)
      }
      writer.end(into: &buffer)
      return Array(octets[..<writer.byteCount])
    }
  }
}

/// HAProxy, which answers what it has read in a header, and sends headers to a server.
private final class HeaderProxy {
  private let proxy: HAProxy
  let port: Int
  let securePort: Int
  let sendingPort: Int

  init(sending options: String = "", to serverPort: Int = 9, hasTLS: Bool = false) throws {
    let (port, securePort, sendingPort) = (Ports.free(), Ports.free(), Ports.free())
    (self.port, self.securePort, self.sendingPort) = (port, securePort, sendingPort)
    proxy = try HAProxy(listeningOn: [port, sendingPort]) { folder in
      let secure =
        try hasTLS
        ? "bind 127.0.0.1:\(securePort) accept-proxy ssl crt \(HAProxy.certificate(in: folder))"
        : ""
      return """
        frontend reads
          mode http
          bind 127.0.0.1:\(port) accept-proxy
          \(secure)
          http-request return status 200 content-type text/plain lf-string \
          "%[src]:%[src_port] %[dst]:%[dst_port] (%[fc_pp_authority]) (%[fc_pp_unique_id])"
        frontend sends
          mode http
          bind 127.0.0.1:\(sendingPort)
          unique-id-format %[uuid]
          default_backend b
        backend b
          mode http
          server s 127.0.0.1:\(serverPort) \(options)
        """
    }
  }

  func connection() throws -> Socket { try Socket.tcp(to: "127.0.0.1", port: port) }

  func sendingConnection() throws -> Socket { try Socket.tcp(to: "127.0.0.1", port: sendingPort) }

  /// Of the two addresses in front.
  static func withoutPorts(_ text: String) -> String {
    text.split(separator: " ").enumerated().map { index, word in
      index < 2 ? word.prefix { $0 != ":" } : word
    }.joined(separator: " ")
  }
}
