import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What a person reads when a verb cannot do its work: what, where and why, and nothing of how
  /// the program is made.
  @Suite struct `A verb that fails` {
    private static let shipped = "\(Program.root)/config/azimuth.yaml"

    /// Each with a file that is to be read, in place of `FILE`.
    static let readers: [[String]] = [
      ["check", "FILE"], ["check", shipped, "--against", "FILE"], ["serve", "FILE"],
      ["demo", "FILE"], ["config", "explain", "log", "--config", "FILE"],
      ["explain", "192.0.2.1", "www.example.org", "--config", "FILE"],
      ["audit", "residency", "FILE"], ["plan", "rto", "FILE"], ["simulate", "FILE"],
      ["simulate", shipped, "--log", "FILE"], ["simulate", shipped, "--mmdb", "FILE"],
      ["simulate", shipped, "--candidate", "FILE"],
      ["geo", "lookup", "192.0.2.1", "--config", "FILE"],
      ["geo", "build", "FILE", "--output", "/nowhere/a.mmdb"], ["geo", "diff", "FILE", "FILE"],
      ["migrate", "gdnsd", "FILE"], ["migrate", "haproxy", "FILE"],
      ["migrate", "powerdns", "FILE"],
      ["dnssec", "ds", "FILE"],
      ["fleet", "rollout", "start", "FILE", "--order", "a", "--reason", "x"],
      ["fleet", "status", "--admin-roots", "FILE"],
      ["fleet", "status", "--admin-certificate", "FILE", "--admin-key", "FILE"],
    ]

    private func expectClear(
      _ finished: Program.Finished, says word: String, _ what: String
    ) {
      #expect(finished.status == 1, "\(what): \(finished.all)")
      #expect(finished.all.contains(word), "\(what): \(finished.all)")
      for noise in ["Error:", "Domain=", "NSError", "HTTPClient", "NIO", "Usage:", "(errno"] {
        #expect(!finished.all.contains(noise), "\(what): \(finished.all)")
      }
      #expect(finished.all.split(separator: "\n").count <= 3, "\(what): \(finished.all)")
    }

    @Test(.timeLimit(.minutes(3)), arguments: readers)
    func `for a file that cannot be read names it, and waits for nothing`(arguments: [String])
      throws
    {
      let folder = try temporaryFolder()
      let pipe = folder.appending(path: "pipe").path
      let junk = folder.appending(path: "junk").path
      #expect(mkfifo(pipe, 0o600) == 0)
      try Data(repeating: 0xFE, count: 1000).write(to: URL(filePath: junk))
      for path in ["/nowhere/file", "/dev/zero", pipe, junk] {
        let line = arguments.map { $0 == "FILE" ? path : $0 }
        expectClear(try Program.run(line), says: path, line.joined(separator: " "))
      }
    }

    @Test(arguments: readers)
    func `for a folder in place of a file names it`(arguments: [String]) throws {
      let folder = try temporaryFolder().path
      let line = arguments.map { $0 == "FILE" ? folder : $0 }
      expectClear(try Program.run(line), says: folder, line.joined(separator: " "))
    }

    @Test(arguments: [
      ["simulate", shipped, "--picture", "/nowhere/a.svg"],
      ["migrate", "haproxy", "SOURCE", "--output-file", "/nowhere/a.yaml"],
      ["migrate", "haproxy", "SOURCE", "--output-file", "/dev/null"],
      ["dnssec", "keygen", "example.org", "--folder", "/dev/null"],
      ["geo", "build", "CSV", "--output", "/dev/null"],
      ["geo", "build", "CSV", "--output", "/dev/null/a"],
    ])
    func `for a file that cannot be written names it`(arguments: [String]) throws {
      let folder = try temporaryFolder()
      let files = [
        "SOURCE": "listen l\n mode tcp\n bind 127.0.0.1:81\n server a 192.0.2.1:80\n",
        "CSV": "network,country\n192.0.2.0/24,JP\n",
      ]
      for (name, text) in files {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
      }
      let line = arguments.map { files[$0] == nil ? $0 : folder.appending(path: $0).path }
      let finished = try Program.run(line)
      #expect(finished.status == 1, "\(finished.all)")
      #expect(finished.errors.contains("cannot be"), "\(finished.all)")
      #expect(!finished.errors.contains("Error"), "\(finished.all)")
      #expect(FileManager.default.fileExists(atPath: "/dev/null"))
    }

    static let askers: [[String]] = [
      ["fleet", "status"], ["fleet", "status", "--output", "json"], ["fleet", "rollout", "status"],
      ["fleet", "rollout", "stop", "--reason", "x"], ["top", "--once"],
      ["explain", "192.0.2.1", "www.example.org"],
    ]

    @Test(arguments: askers)
    func `for a node that is not there names it`(arguments: [String]) throws {
      let port = FreePorts.take()
      for address in [
        "http://127.0.0.1:\(port)", "https://127.0.0.1:\(port)", "http://no.such.host.invalid:80",
        "unix:/nowhere/admin.sock", "unix:/dev/null",
      ] {
        let line = arguments + ["--admin", address]
        expectClear(try Program.run(line), says: address, line.joined(separator: " "))
      }
    }

    @Test(arguments: askers)
    func `for what is no address of a node says what one is`(arguments: [String]) throws {
      for address in [
        "http://127.0.0.1:70000", "127.0.0.1:8053", "ftp://127.0.0.1", "http://", "unix:a", "",
        "http://[::1", "http://a b",
      ] {
        let finished = try Program.run(arguments + ["--admin", address])
        #expect(finished.status == 64, "\(address): \(finished.all)")
        #expect(finished.errors.contains("--admin wants a URL"), "\(address): \(finished.all)")
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `for a server that is no node names it, and shows none of its words`() throws {
      let port = FreePorts.take(9)
      let server = try RunningProcess(
        "/usr/bin/python3",
        ["\(Program.root)/Tests/EndToEndTests/Harness/strange_server.py", "\(port)"])
      eventually("the servers listen") { server.output.contains("9") }
      for arguments in Self.askers {
        for offset in 0..<9 {
          // JSON is printed as it is.
          if offset == 5, arguments.contains("json") || arguments.contains("stop") { continue }
          for scheme in ["http", "https"] {
            let address = "\(scheme)://127.0.0.1:\(port + offset)"
            let line = arguments + ["--admin", address]
            expectClear(try Program.run(line), says: address, line.joined(separator: " "))
          }
        }
      }
    }
  }
}
