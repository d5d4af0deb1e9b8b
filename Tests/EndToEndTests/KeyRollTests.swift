import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// One key takes another's place, and no validator notices.
  @Suite struct `Rolls of keys` {
    private let names = ["www", "nothing", "mail", "a.wild", "docs", "a.secure"]

    private func isValid(
      _ world: SignedWorld, _ name: String, trusting anchors: [String]
    ) throws -> Bool {
      try world.delv("\(name).example.org A", trusting: anchors).contains("fully validated")
    }

    private func isAuthentic(_ resolver: Resolver, _ name: String) throws -> Bool {
      var question = DNSQuestion("\(name).example.org")
      question.flags = 0x8000
      return try resolver.ask(question).isAuthentic
    }

    @Test func `RFC 6781 §4.1.2: by three reloads, under which delv and unbound never fail`() throws
    {
      let world = try SignedWorld(.one)
      let old = try #require(world.keys.first)
      let new = try world.folder.make("example.org")
      let (before, both) = (world.anchors, [old, new])
      let cautious = try Resolver(world.world, trusting: before)
      #expect(try isAuthentic(cautious, "mail"), "it knows the old key")

      try world.sign(with: both)
      let anchors = try world.currentAnchors()
      let after = anchors.filter { !before.contains($0) }
      #expect(anchors.count == 2 && after.count == 1)
      let watch = try watched(world, anchors)
      for name in names {
        #expect(try isValid(world, name, trusting: before), "\(name), by the parent's old DS")
        #expect(try isValid(world, name, trusting: after), "\(name), by the parent's new DS")
      }
      #expect(try isAuthentic(cautious, "www"), "with the keys as they were")
      let modern = try Resolver(world.world, trusting: after)
      #expect(try isAuthentic(modern, "mail"), "it knows both keys")

      try world.sign(with: [new])
      for name in names { #expect(try isValid(world, name, trusting: after), "\(name)") }
      #expect(try !isValid(world, "www", trusting: before), "the old key is gone")
      #expect(try isAuthentic(modern, "www"), "with the keys as they were")
      watch.signal(SIGTERM)
      let (good, bad) = (count("fully validated", watch.all), count("failed", watch.all))
      #expect(good > 3 && bad == 0, "\(watch.all)")
    }

    /// delv, again and again.
    private func watched(_ world: SignedWorld, _ anchors: [String]) throws -> RunningProcess {
      let file = world.folder.path + "/watched"
      try SignedWorld.anchorFile(anchors).write(toFile: file, atomically: true, encoding: .utf8)
      return try RunningProcess(
        "/bin/bash",
        [
          "-c",
          """
          while :; do
            delv @127.0.0.1 -p \(world.world.ports.dns) -a \(file) +root=example.org. \
              mail.example.org A
          done
          """,
        ])
    }

    private func count(_ word: String, _ text: String) -> Int {
      text.split(separator: "\n").count { $0.contains(word) }
    }

    @Test func `RFC 6781 §4.1.1.1: a key that is published first never signs beside the old one`()
      throws
    {
      let world = try SignedWorld(.pair)
      let (entry, old) = (world.keys[0], world.keys[1])
      let new = try world.folder.bind("example.org", "-a ED25519")
      let oldTag = try world.signers("mail.example.org A")
      #expect(oldTag.count == 1)

      try world.sign(with: [entry, old], publishing: [new])
      #expect(try world.signers("mail.example.org A") == oldTag)
      let resolver = try Resolver(world.world, trusting: world.anchors)
      #expect(try isAuthentic(resolver, "mail"), "it knows both keys")

      try world.sign(with: [entry, new], publishing: [old])
      let newTag = try world.signers("mail.example.org A")
      #expect(newTag.count == 1 && newTag != oldTag)
      #expect(try isAuthentic(resolver, "mail"), "the old signature, from its cache")
      #expect(try isAuthentic(resolver, "www"), "the new one")

      try world.sign(with: [entry, new])
      for name in names {
        #expect(try isValid(world, name, trusting: world.anchors), "\(name)")
      }
      #expect(try world.signers("example.org DNSKEY").count == 1)
    }

    @Test func `keys change their parts when the times in their files come, without a reload`()
      throws
    {
      let world = try SignedWorld(.pair)
      let first = try world.folder.bind("example.org", "-a ED25519 -I +4 -D +5")
      let second = try world.folder.bind("example.org", "-a ED25519 -P now -A +4")
      try world.sign(with: [world.keys[0], first, second])
      let before = try world.signers("mail.example.org A")
      eventually("the second one signs") {
        let tags = try world.signers("mail.example.org A")
        return tags.count == 1 && tags != before
      }
      eventually("the first one is gone") {
        let text = try Program.shell(
          "kdig @127.0.0.1 -p \(world.world.ports.dns) +short example.org DNSKEY"
        ).all
        return text.split(separator: "\n").count == 2
      }
      #expect(try isValid(world, "mail", trusting: world.anchors))
      #expect(world.world.process.all.contains("keys of signed zones changed their parts"))
    }

    @Test func `a zone that comes from a primary is signed, each of its versions`() throws {
      let (ports, folder) = (Ports(), try KeyFolder())
      let primary = try NameServer(
        .knot, port: ports.proxy, role: .primary(secondary: ports.dns), key: .sha256,
        records: "a A 192.0.2.1")
      let key = try folder.make(NameServer.zone)
      let azimuth = try Node(
        dns: ports.dns,
        zones: """
          keys: {\(SharedKey.sha256.name): {secret: "\(SharedKey.sha256.secret)"}}
          zones:
            \(NameServer.zone):
              primary: {from: ["127.0.0.1:\(primary.port)"], key: \(SharedKey.sha256.name)}
              steered: {www: web}
              dnssec: {keys: [\(key)]}
          """)
      let file = azimuth.folder.appending(path: "c.yaml").path
      let told = try Program.run(["dnssec", "ds", file])
      let anchor = try #require(told.output.firstMatch(of: #/(?m)^(\S+) IN (DS .*)$/#))
      let anchors = ["\(anchor.1) \(anchor.2)"]
      func delv(_ name: String) throws -> String {
        try SignedWorld.delv("\(name).\(NameServer.zone) A", port: ports.dns, trusting: anchors)
      }
      eventually("the zone is there") { try delv("a").contains("192.0.2.1") }
      for name in ["a", "www", "nothing"] {
        #expect(try delv(name).contains("fully validated"), "\(name)")
      }
      try primary.update(serial: 2, records: "a A 192.0.2.2")
      eventually("the new version is there") { try delv("a").contains("192.0.2.2") }
      #expect(try delv("a").contains("; fully validated"))
    }
  }
}
