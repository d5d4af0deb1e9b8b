import Glibc
import Testing

extension EndToEnd {
  /// Against Knot and BIND, as Debian has them.
  @Suite struct `Zone transfers` {
    typealias Kind = NameServer.Kind

    private func keys(_ key: SharedKey) -> String {
      "keys: {\(key.name): {algorithm: \(key.algorithm), secret: \"\(key.secret)\"}}"
    }

    /// Azimuth's zone, which the key opens and of which the secondary is told.
    private func ownZone(
      serial: Int, secondary: Int, key: SharedKey, records: [String]
    ) -> String {
      let lines = records.map { "\"\($0)\"" }.joined(separator: ", ")
      return """
        \(keys(key))
        zones:
          \(NameServer.zone):
            soa: {primary: ns1, serial: \(serial), refresh: 1h, retry: 5s}
            records: ["ns1 A 192.0.2.53", \(lines)]
            steered: {www: web}
            transfer:
              allow: ["key:\(key.name)"]
              notify: ["127.0.0.1:\(secondary) key:\(key.name)"]
        """
    }

    /// A zone that Azimuth has from a primary, with a name of its own laid over it.
    private func foreignZone(primary: Int, key: SharedKey, more: String = "") -> String {
      """
      \(keys(key))
      zones:
        \(NameServer.zone):
          primary: {from: ["127.0.0.1:\(primary)"], key: \(key.name)}
          steered: {www: web}
          \(more)
      """
    }

    /// The addresses of a name of the zone; nil unless the answer is a good one.
    private func addresses(_ name: String, at port: Int) throws -> [String]? {
      let reply = try DNSClient(port: port, timeoutMilliseconds: 500)
        .ask(DNSQuestion("\(name).\(NameServer.zone)"))
      return reply.code == 0 && reply.isAuthoritative ? reply.addresses : nil
    }

    private func dig(_ port: Int, _ arguments: String) throws -> String {
      try Program.shell(
        "dig @127.0.0.1 -p \(port) +time=5 +tries=1 \(arguments) || true"
      ).output
    }

    @Test(arguments: Kind.allCases)
    func `RFC 5936, RFC 1996: a secondary takes our zone, and each new version at once`(
      kind: Kind
    ) throws {
      let (ports, key) = (Ports(), kind.key)
      let azimuth = try Node(
        dns: ports.dns,
        zones: ownZone(
          serial: 1, secondary: ports.proxy, key: key, records: ["a A 192.0.2.1"]))
      let secondary = try NameServer(
        kind, port: ports.proxy, role: .secondary(primary: ports.dns), key: key)
      eventually("the zone is there: \(secondary.log)") {
        try addresses("a", at: secondary.port) == ["192.0.2.1"]
      }
      // Steered names as they are for a client of whom nothing is known.
      #expect(try addresses("www", at: secondary.port) == ["192.0.2.80"])
      let wide = (0..<3000).map { "n\($0) A 198.51.100.\($0 % 250)" }
      try azimuth.configure(
        ownZone(
          serial: 2, secondary: ports.proxy, key: key, records: ["a A 192.0.2.2"] + wide))
      try azimuth.reload()
      eventually("the new version is there: \(secondary.log) \(azimuth.log)") {
        try addresses("a", at: secondary.port) == ["192.0.2.2"]
      }
      #expect(try addresses("n2999", at: secondary.port) == ["198.51.100.249"])
      eventually("the NOTIFY was answered") {
        try azimuth.metrics()
          .contains(#/azimuth_notifies_out_total\{result="answered"\} [1-9]/#)
      }
    }

    @Test(arguments: Kind.allCases)
    func `RFC 1995, RFC 1996: we take a primary's zone, its changes at once, and keep it`(
      kind: Kind
    ) throws {
      let (ports, key) = (Ports(), kind.key)
      let wide = (0..<3000).map { "n\($0) A 198.51.100.\($0 % 250)" }.joined(separator: "\n")
      let primary = try NameServer(
        kind, port: ports.proxy, role: .primary(secondary: ports.dns), key: key,
        records: "a A 192.0.2.1\nwww A 192.0.2.99\n\(wide)")
      let azimuth = try Node(dns: ports.dns, zones: foreignZone(primary: ports.proxy, key: key))
      eventually("the zone is there: \(azimuth.log)") {
        try addresses("a", at: ports.dns) == ["192.0.2.1"]
      }
      #expect(try addresses("n2999", at: ports.dns) == ["198.51.100.249"])
      // The name of ours wins over theirs.
      #expect(try addresses("www", at: ports.dns) == ["192.0.2.80"])
      try primary.update(serial: 2, records: "a A 192.0.2.2\nwww A 192.0.2.99\n\(wide)")
      eventually("the new version is there: \(primary.log) \(azimuth.log)") {
        try addresses("a", at: ports.dns) == ["192.0.2.2"]
      }
      let metrics = try azimuth.metrics()
      #expect(metrics.contains(#"azimuth_transfers_in_total{result="differences"} 1"#))
      #expect(metrics.contains(#"azimuth_zone_serial{zone="zone.test."} 2"#))
      #expect(try azimuth.zones().map(\.state) == ["current"])
      #expect(try azimuth.zones().map(\.kind) == ["secondary"])
      primary.stop()
      azimuth.stop()
      try azimuth.start()
      #expect(try addresses("a", at: ports.dns) == ["192.0.2.2"])
      #expect(try azimuth.zones().map(\.serial) == [2])
    }

    @Test(arguments: Kind.allCases)
    func `RFC 8945 §5.2: with a wrong key nothing comes, and the zone does not answer`(
      kind: Kind
    ) throws {
      let (ports, key) = (Ports(), kind.key)
      let primary = try NameServer(
        kind, port: ports.proxy, role: .primary(secondary: ports.dns), key: key,
        records: "a A 192.0.2.1")
      let azimuth = try Node(
        dns: ports.dns, zones: foreignZone(primary: primary.port, key: key.forged))
      eventually("the refusal in the log") { azimuth.log.contains("could not be refreshed") }
      let reply = try DNSClient(port: ports.dns)
        .ask(DNSQuestion("a.\(NameServer.zone)"))
      #expect(reply.code == 2)
      #expect(try azimuth.zones().map(\.state) == ["absent"])
    }

    @Test func `dig gets the zone with the key, and nothing without it or with a forged one`()
      throws
    {
      let (ports, key) = (Ports(), SharedKey.sha512)
      let azimuth = try Node(
        dns: ports.dns,
        zones: ownZone(serial: 7, secondary: ports.proxy, key: key, records: ["a A 192.0.2.1"]))
      let zone = NameServer.zone
      let good = try dig(azimuth.dns, "axfr \(zone) -y '\(key.text)'")
      #expect(good.matches(of: #/(?m)\tSOA\t/#).count == 2, "\(good)")
      #expect(good.contains("192.0.2.1") && good.contains("192.0.2.80"))
      #expect(!good.contains("WARNING") && !good.contains("Couldn't verify"))
      #expect(try dig(azimuth.dns, "axfr \(zone)").contains("Transfer failed"))
      let forged = try dig(azimuth.dns, "axfr \(zone) -y '\(key.forged.text)'")
      #expect(forged.contains("Transfer failed") && !forged.contains("192.0.2.1"))
      // A signed question like any other gets a signed answer.
      let signed = try dig(azimuth.dns, "a.\(zone) A -y '\(key.text)'")
      #expect(signed.contains("192.0.2.1") && signed.contains("TSIG PSEUDOSECTION"), "\(signed)")
      #expect(!signed.contains("Couldn't verify"))
      let current = try dig(azimuth.dns, "+tcp ixfr=7 \(zone) -y '\(key.text)'")
      #expect(current.matches(of: #/(?m)\tSOA\t/#).count == 1, "\(current)")
    }

    /// Says what a test wants in place of a primary, and nothing good.
    @Test func `a primary that sends garbage, or nothing, takes no zone down`() throws {
      let (ports, key) = (Ports(), SharedKey.sha256)
      let primary = try NameServer(
        .bind, port: ports.proxy, role: .primary(secondary: ports.dns), key: key,
        records: "a A 192.0.2.1")
      let azimuth = try Node(dns: ports.dns, zones: foreignZone(primary: ports.proxy, key: key))
      eventually("the zone is there") { try addresses("a", at: ports.dns) == ["192.0.2.1"] }
      primary.stop()
      let socket = try Socket.listening(on: "127.0.0.1", port: ports.control)
      defer { socket.interrupt() }
      try azimuth.configure(foreignZone(primary: ports.control, key: key))
      try azimuth.reload()
      for garbage in [[0, 3, 1, 2, 3], [255, 255] + Array(repeating: 255, count: 65_535)] {
        let connection = try #require(socket.accept())
        try connection.send(garbage.map { UInt8($0) })
        connection.finishSending()
        _ = try? connection.receiveAll()
      }
      #expect(try addresses("a", at: ports.dns) == ["192.0.2.1"])
      eventually("the state is known") { try azimuth.zones().map(\.state) == ["stale"] }
    }
  }
}
