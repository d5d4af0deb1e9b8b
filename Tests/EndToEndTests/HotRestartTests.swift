import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `A hot restart` {
    /// The world's process is the first; its successors are started with the same file.
    private func world(
      stop: String = "{deadline: 300s}", hasState: Bool = false, more: String = ""
    ) throws -> World {
      try World { text in
        text
          + "\nhandover: {socket: next}\nstop: \(stop)\n\(hasState ? "state: state\n" : "")\(more)"
      }
    }

    /// Waits until it serves, or has ended.
    private func start(_ world: World) throws -> RunningProcess {
      let process = try RunningProcess(Program.path, ["serve", world.file.path])
      eventually("the successor") { hasTakenOver(process) || !process.isRunning }
      return process
    }

    private func hasTakenOver(_ process: RunningProcess) -> Bool {
      process.all.contains("taken over") && process.all.contains("Server started")
    }

    /// `AZIMUTH_HOT_RESTARTS` says how many times; the numbers of threads change with each.
    @Test(.timeLimit(.minutes(60)))
    func `loses no query, refuses and resets no connection, time and again`() throws {
      let world = try world()
      let loads = try Load.ofEverything(on: world)
      defer { for load in loads { _ = load.stop() } }
      var current = world.process
      for round in 1...rounds("AZIMUTH_HOT_RESTARTS", otherwise: 5) {
        let threads = [1, 3, 2][round % 3]
        try world.rewrite(
          world.configuration
            .replacing("\ndns:\n", with: "\ndns:\n  threads: \(threads)\n")
            .replacing("\nproxy:\n", with: "\nproxy:\n  threads: \(threads)\n"))
        let next = try start(world)
        try #require(next.isRunning && hasTakenOver(next), "round \(round): \(next.all)")
        eventually("the end of the predecessor") { !current.isRunning }
        try #require(current.status == 0, "round \(round): \(current.all)")
        current = next
      }
      expectNoFailure(of: loads)
    }

    @Test func `lets connections finish, and a third process wait for their end`() throws {
      let world = try world()
      var open: HTTPConnection? = try HTTPConnection(port: world.ports.proxy)
      #expect(try open?.request("GET", "/").status == 200)
      let second = try start(world)
      #expect(second.isRunning && hasTakenOver(second), "\(second.all)")
      #expect(try open?.request("GET", "/").status == 200)
      let third = try start(world)
      #expect(!third.isRunning && third.status == 1)
      #expect(
        third.all.contains("process \(world.process.identifier), which process")
          && third.all.contains(
            "still has connections"),
        "\(third.all)")
      #expect(world.process.isRunning && second.isRunning)
      #expect(try open?.request("GET", "/").status == 200)
      open = nil
      eventually("the end of the first") { !world.process.isRunning }
      #expect(world.process.status == 0)
      let fourth = try start(world)
      #expect(fourth.isRunning && hasTakenOver(fourth), "\(fourth.all)")
      eventually("the end of the second") { !second.isRunning }
      #expect(try world.ask(DNSQuestion("www.example.org")).addresses.count == 1)
    }

    @Test func `closes at the deadline who stays`() throws {
      let world = try world(stop: "{deadline: 1s, spread: 500ms}")
      let open = try HTTPConnection(port: world.ports.proxy)
      #expect(try open.request("GET", "/").status == 200)
      let second = try start(world)
      #expect(second.isRunning)
      eventually("the end of the first") { !world.process.isRunning }
      #expect(world.process.status == 0, "\(world.process.all)")
      #expect(throws: (any Error).self) { try open.request("GET", "/") }
    }

    @Test func `takes along what operators said and what probes found, without a folder`() throws {
      let world = try world()
      try world.loseTokyoAndSingapore()
      let before = try world.route("133.11.0.1")
      let second = try start(world)
      #expect(second.isRunning, "\(second.all)")
      #expect(try world.route("133.11.0.1").outcome == before.outcome)
      #expect(try world.dnsRegion(of: "133.11.0.1") == before.outcome.regions.first)
    }

    /// The first one's last writing would undo it, or give numbers of events twice.
    @Test func `only one of the two processes writes`() throws {
      let world = try world(hasState: true)
      var open: HTTPConnection? = try HTTPConnection(port: world.ports.proxy)
      #expect(try open?.request("GET", "/").status == 200)
      #expect(try world.override("tokyo", state: "down").status / 100 == 2)
      let second = try start(world)
      #expect(second.isRunning, "\(second.all)")
      #expect(try world.override("frankfurt", state: "down").status / 100 == 2)
      let state = world.file.deletingLastPathComponent().appending(path: "state")
      func board() -> String {
        (try? String(contentsOf: state.appending(path: "board.json"), encoding: .utf8)) ?? ""
      }
      eventually("the override is on the disk") { board().contains("frankfurt\"") }
      // The old configuration is no longer anybody's.
      world.process.signal(SIGHUP)
      open = nil
      eventually("the end of the first") { !world.process.isRunning }
      #expect(board().contains("\"target\" : \"frankfurt\""), "\(board())")
      let lines = try String(contentsOf: state.appending(path: "events.jsonl"), encoding: .utf8)
        .split(separator: "\n")
      let ids = try lines.map { line in
        try JSONDecoder().decode(Numbered.self, from: Data(line.utf8)).id
      }
      #expect(ids.count > 2 && zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 }, "\(ids)")
    }

    private struct Numbered: Decodable {
      var id: UInt64
    }

    @Test func `does not happen if the successor fails`() throws {
      let world = try world()
      let taken = Ports.free()
      let socket = try Socket.listening(on: "127.0.0.1", port: taken)
      defer { withExtendedLifetime(socket) {} }
      try world.rewrite(
        world.configuration.replacing(
          "\nadmin:\n",
          with: "    other: {listen: [127.0.0.1:\(taken)], service: web}\n\nadmin:\n"))
      let second = try start(world)
      #expect(!second.isRunning && second.status != 0)
      #expect(second.all.contains("Address already in use"), "\(second.all)")
      #expect(world.process.isRunning)
      eventually("it decides again") {
        try world.override("tokyo", state: "down").status / 100 == 2
      }
      #expect(try world.dnsRegion(of: "133.11.0.1") != "tokyo")
      try world.rewrite(world.configuration)
      #expect(try world.reload().status / 100 == 2)
      let third = try start(world)
      #expect(third.isRunning && hasTakenOver(third), "\(third.all)")
    }

    @Test func `is nobody else's`() throws {
      let world = try world()
      let path = world.file.deletingLastPathComponent().appending(path: "next").path
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      // What is said wrongly, or not to the end, harms nobody.
      let script = """
        import socket
        for hello in [b"", b"AH", b"AH\\x02\\x01\\x00", b"AH\\x01\\x06\\x00", b"x" * 40000]:
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.connect("\(path)")
            s.send(hello)
            s.close()
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect("\(path)")
        s.send(b"AH\\x01\\x01\\x00")
        s.recv(100000)
        s.close()
        """
      let hostile = try RunningProcess("/usr/bin/python3", ["-c", script])
      eventually("the end of the script") { !hostile.isRunning }
      #expect(hostile.status == 0, "\(hostile.all)")
      eventually("it decides again") {
        try world.override("tokyo", state: "down").status / 100 == 2
      }
      let second = try start(world)
      #expect(second.isRunning && hasTakenOver(second), "\(second.all)")
    }
  }

  @Suite struct `systemd` {
    /// What systemd does with sockets (sd_listen_fds(3)) and hears (sd_notify(3)).
    private static let script = """
      import os, socket, sys
      program, file, dns, proxy, told = sys.argv[1:]
      udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      udp.bind(("127.0.0.1", int(dns)))
      made = [udp]
      for port in [dns, proxy]:
          s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
          s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
          s.bind(("127.0.0.1", int(port)))
          s.listen(64)
          made.append(s)
      # Somebody asks before there is anybody to answer.
      early = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      early.connect(("127.0.0.1", int(dns)))
      early.send(bytes.fromhex("a21001000001000000000000")
                 + b"\\3www\\7example\\3org\\0" + bytes([0, 1, 0, 1]))
      if os.fork() == 0:
          early.settimeout(30)
          try: open(told + "-early", "w").write(early.recv(512)[:2].hex())
          finally: os._exit(0)
      for number, s in enumerate(made):
          os.dup2(s.fileno(), 100 + number)
      os.closerange(3, 100)
      for number in range(len(made)):
          os.dup2(100 + number, 3 + number)
      os.closerange(100, 200)
      environment = dict(os.environ, LISTEN_FDS=str(len(made)), LISTEN_PID=str(os.getpid()),
                         LISTEN_FDNAMES="dns:dns:web", NOTIFY_SOCKET=told)
      os.execve(program, [program, "serve", file], environment)
      """

    /// The sockets are there before the program: who asks too early waits.
    @Test func `gives sockets, which several threads share, and is told of the start`() throws {
      let ports = Ports()
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let file = folder.appending(path: "azimuth.yaml")
      try ports.demoConfiguration()
        .replacing("\ndns:\n", with: "\ndns:\n  threads: 2\n")
        .replacing("\nproxy:\n", with: "\nproxy:\n  threads: 2\n")
        .write(to: file, atomically: true, encoding: .utf8)
      let listener = folder.appending(path: "notify")
      let told = folder.appending(path: "told")
      let ear = try RunningProcess(
        "/usr/bin/python3",
        [
          "-c",
          """
          import socket, sys
          s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
          s.bind(sys.argv[1])
          while True:
              data, descriptors, _, _ = socket.recv_fds(s, 4096, 64)
              open(sys.argv[2], "a").write(data.decode() + " " + str(len(descriptors)) + "\\n")
          """, listener.path, told.path,
        ])
      eventually("the ear") { FileManager.default.fileExists(atPath: listener.path) }
      let process = try RunningProcess(
        "/usr/bin/python3",
        [
          "-c", Self.script, Program.path, file.path, "\(ports.dns)", "\(ports.proxy)",
          listener.path,
        ])
      eventually("readiness") {
        (try? HTTPConnection(port: ports.admin).request("GET", "/readyz").status) == 200
      }
      eventually("the answer to the question that came too early") {
        try String(contentsOfFile: listener.path + "-early", encoding: .utf8) == "a210"
      }
      let client = try DNSClient(port: ports.dns)
      for _ in 0..<20 {
        #expect(try client.ask(DNSQuestion("www.example.org")).code == 0)
        let proxied = try Socket.tcp(to: "127.0.0.1", port: ports.proxy)
        // Nobody serves behind the proxy: it may have reset the connection by now.
        try? proxied.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
      }
      func said() -> String { (try? String(contentsOf: told, encoding: .utf8)) ?? "" }
      #expect(said().contains("READY=1\nMAINPID=\(process.identifier)"), "\(said())")
      for name in ["udp", "tcp"] {
        #expect(said().contains("FDSTORE=1\nFDNAME=\(name)-127.0.0.1-\(ports.dns) "), "\(said())")
      }
      process.signal(SIGTERM)
      eventually("the end") { !process.isRunning }
      #expect(process.status == 0 && said().contains("STOPPING=1"), "\(process.all)")
      withExtendedLifetime(ear) {}
    }
  }
}
