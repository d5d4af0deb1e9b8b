import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// Every block fenced as `yaml` in a document is part of a configuration that `check` passes: it
  /// is laid over the demo's, in a folder with the files that the documents name.
  @Suite struct `The configurations that the documents show` {
    struct Block: Sendable, CustomTestStringConvertible {
      var document: String
      var text: String
      var testDescription: String { "\(document): \(text.prefix { $0 != "\n" })" }
    }

    /// The README's is whole, and checked by itself.
    static let blocks: [Block] = {
      let folder = "\(Program.root)/docs"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return names.filter { $0.hasSuffix(".md") }.sorted().flatMap { name in
        let text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
        return text.matches(of: #/(?ms)^```yaml\n(.*?)^```/#).map {
          Block(document: name, text: String($0.1))
        }
      }
    }()

    /// What the documents take as given.
    private static let frame = """
      policies:
        at-home: {type: home, ranges: [{from: 0, home: tokyo}, {from: 50%, home: frankfurt}]}
      services: {local: {policy: nearest, pool: web}, tenants: {policy: at-home, pool: web}}
      keys: {transfer.example.org: {algorithm: hmac-sha256, secret: "c2VjcmV0LXNlY3JldC1zZWNyZXQ="}}
      """

    @Test func `there are some`() { #expect(Self.blocks.count > 8) }

    @Test(arguments: blocks)
    func `check passes each, laid over the demo`(block: Block) throws {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let file = folder.appending(path: "azimuth.yaml")
      try Ports().demoConfiguration().write(to: file, atomically: true, encoding: .utf8)
      let shown = try writeFiles(of: block.text, in: folder)
      let checked = try Program.shell(
        """
        export WEBHOOK_SECRET=0123456789abcdef0123456789abcdef
        azimuth check \(file.path) --set "$(cat <<'EOF'
        \(Self.frame)
        EOF
        )" --set "$(cat <<'EOF'
        \(shown)
        EOF
        )"
        """)
      #expect(checked.status == 0, "\(checked.all)")
    }

    /// Makes the files that a block names.
    ///
    /// - Returns: the block, with the names that they have here.
    private func writeFiles(of text: String, in folder: URL) throws -> String {
      let authority = try TestAuthority()
      for name in ["www", "wildcard"] where text.contains("\(name).pem") {
        let files = try authority.sign(["\(name).example.org"])
        try FileManager.default.copyItem(
          atPath: files.certificate, toPath: folder.appending(path: "\(name).pem").path)
        try FileManager.default.copyItem(
          atPath: files.key, toPath: folder.appending(path: "\(name).key").path)
      }
      for name in ["internal-roots.pem", "etcd-ca.pem"] where text.contains(name) {
        try FileManager.default.copyItem(
          atPath: authority.roots, toPath: folder.appending(path: name).path)
      }
      for name in ["transfer.key", "etcd-password"] where text.contains(name) {
        try "c2VjcmV0LXNlY3JldC1zZWNyZXQ=".write(
          to: folder.appending(path: name), atomically: true, encoding: .utf8)
      }
      for name in ["GeoLite2-City.mmdb", "GeoLite2-ASN.mmdb"] where text.contains(name) {
        try FileManager.default.copyItem(
          atPath: "\(Program.root)/geodata/azimuth-city.mmdb",
          toPath: folder.appending(path: name).path)
      }
      var shown = text.replacing("/etc/azimuth/", with: "\(folder.path)/")
        .replacing("/var/lib/GeoIP/", with: "\(folder.path)/")
      if let key = text.firstMatch(of: #/keys/(K[^\]]+)\]/#)?.1 {
        let path = folder.appending(path: "keys").path
        let made = try Program.shell(
          "mkdir \(path); dnssec-keygen -q -K \(path) -a ECDSAP256SHA256 -f KSK example.org")
        shown = shown.replacing(key, with: made.output.trimmingCharacters(in: .newlines))
      }
      return shown
    }
  }
}
