import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `A watchdog` {
    /// What systemd does with `WatchdogSec=2s`, up to the moment in which it would kill. A thread
    /// is stopped as a debugger stops it, without the others.
    private static let script = """
      import ctypes, os, socket, subprocess, sys, time
      program, file, path = sys.argv[1:]
      ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      ear.bind(path)
      environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="2000000")
      node = subprocess.Popen(
          ["/bin/sh", "-c", 'WATCHDOG_PID=$$ exec "$0" serve "$1"', program, file],
          env=environment)
      def wait(word, limit):
          end = time.monotonic() + limit
          while (rest := end - time.monotonic()) > 0:
              ear.settimeout(rest)
              try:
                  if ear.recv(4096).decode().startswith(word): return True
              except TimeoutError: pass
          return False
      def check(what, holds):
          print(what, "yes" if holds else "NO", flush=True)
          if not holds: node.kill(); sys.exit(1)
      libc = ctypes.CDLL(None, use_errno=True)
      libc.ptrace.argtypes = [ctypes.c_long] * 4
      libc.ptrace.restype = ctypes.c_long
      SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
      check("ready", wait("READY=1", 60))
      for _ in range(3): check("alive", wait("WATCHDOG=1", 60))
      task = f"/proc/{node.pid}/task"
      def nice(thread): return os.getpriority(os.PRIO_PROCESS, thread)
      # All threads of UDP; one of the proxy; one of TCP and TLS, which give way to those of UDP.
      for kind, way, most in ("azimuth-udp", 0, 99), ("proxy-", 0, 1), ("NIO-", 5, 1):
          threads = [int(t) for t in os.listdir(task)
                     if open(f"{task}/{t}/comm").read().startswith(kind)
                     and nice(int(t)) == nice(node.pid) + way][:most]
          check(f"threads {kind}", len(threads) > 0)
          for thread in threads:
              check("seized", libc.ptrace(SEIZE, thread, 0, 0) == 0)
              check("interrupted", libc.ptrace(INTERRUPT, thread, 0, 0) == 0)
              os.waitpid(thread, 0x40000000)
          # A word that was on its way; then none for as long as systemd waits.
          while wait("WATCHDOG=1", 0.2): pass
          check(f"silent {kind}", not wait("WATCHDOG=1", 2))
          for thread in threads: check("released", libc.ptrace(DETACH, thread, 0, 0) == 0)
          check("alive again", wait("WATCHDOG=1", 60))
      node.terminate()
      check("stopping", wait("STOPPING=1", 60))
      check("ended", node.wait(60) == 0)
      """

    /// Says who has told what.
    private static let ear = """
      import socket, struct, sys
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
      s.bind(sys.argv[1])
      while True:
          data, ancillary, _, _ = s.recvmsg(4096, 4096)
          for _, kind, value in ancillary:
              if kind == socket.SCM_CREDENTIALS:
                  process = struct.unpack("3i", value)[0]
                  print(process, data.decode().split("\\n")[0], flush=True)
      """

    @Test(.timeLimit(.minutes(3)))
    func `is fed while DNS answers and threads turn, and not while one is stuck`() throws {
      let ports = Ports()
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let file = folder.appending(path: "azimuth.yaml")
      try ports.demoConfiguration().write(to: file, atomically: true, encoding: .utf8)
      let systemd = try RunningProcess(
        "/usr/bin/python3",
        ["-c", Self.script, Program.path, file.path, folder.appending(path: "notify").path])
      eventually("the end of the script", within: .seconds(150)) { !systemd.isRunning }
      #expect(systemd.status == 0, "\(systemd.all)")
      for line in ["silent azimuth-udp yes", "silent proxy- yes", "silent NIO- yes", "ended yes"] {
        #expect(systemd.output.contains("\(line)\n"))
      }
      #expect(systemd.errors.contains("the node does not answer itself"), "\(systemd.errors)")
    }

    /// The successor was not started by systemd: its predecessor tells it of the watchdog.
    @Test(.timeLimit(.minutes(3)))
    func `is the successor's after a hot restart`() throws {
      let world = try World { $0 + "\nhandover: {socket: next}\n" }
      let folder = world.file.deletingLastPathComponent()
      let path = folder.appending(path: "notify").path
      let ear = try RunningProcess("/usr/bin/python3", ["-c", Self.ear, path])
      eventually("the ear") { FileManager.default.fileExists(atPath: path) }
      func start(_ variables: String...) throws -> RunningProcess {
        try RunningProcess(
          "/usr/bin/env",
          ["NOTIFY_SOCKET=\(path)"] + variables + [
            Program.path, "serve", world.file.path,
          ])
      }
      func count(_ process: RunningProcess) -> Int {
        ear.output.split(separator: "\n").count(where: { $0 == "\(process.identifier) WATCHDOG=1" })
      }
      let first = try start("WATCHDOG_USEC=1000000")
      eventually("the first one's word") { count(first) >= 2 }
      eventually("the end of the one before") { !world.process.isRunning }
      let second = try start("WATCHDOG_USEC=1000000", "WATCHDOG_PID=1")
      eventually("the end of the first") { !first.isRunning }
      #expect(first.status == 0, "\(first.all)")
      eventually("the second one's word") { count(second) >= 2 }
      withExtendedLifetime(ear) {}
    }

    /// Nobody is answered before, and that may last longer than systemd waits.
    @Test(.timeLimit(.minutes(3)))
    func `is fed while a node waits for the first round of health`() throws {
      let world = try World(endpoints: .isSilent, waitsUntilReady: false) { configuration in
        configuration
          .replacing("interval: 1s", with: "interval: 60s", maxReplacements: 1)
          .replacing("timeout: 500ms", with: "timeout: 59s")
          .replacing("first_round_deadline: 5s", with: "first_round_deadline: 60s")
      }
      world.process.end(with: SIGTERM)
      let path = world.file.deletingLastPathComponent().appending(path: "notify").path
      let ear = try RunningProcess("/usr/bin/python3", ["-c", Self.ear, path])
      eventually("the ear") { FileManager.default.fileExists(atPath: path) }
      let node = try RunningProcess(
        "/usr/bin/env",
        [
          "NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=1000000", Program.path, "serve", world.file.path,
        ])
      eventually("its word") { ear.output.contains("\(node.identifier) WATCHDOG=1") }
      #expect(try world.admin("GET", "/readyz").status == 503)
      withExtendedLifetime(ear) {}
    }
  }
}
