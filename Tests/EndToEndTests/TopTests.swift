import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite struct `azimuth top` {
    /// Plays the one who looks, at a terminal of 100 by 24, and prints what is on it at each step.
    private static let script = """
      import fcntl, os, pty, re, select, signal, struct, sys, termios, time
      program, admin, node = sys.argv[1:]
      child, terminal = pty.fork()
      if child == 0:
          os.execv(program, [program, "top", "--admin", admin, "--interval", "0.2"])
      fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
      seen = ""
      def wait(what):
          global seen
          end = time.monotonic() + 30
          while what not in seen:
              if time.monotonic() > end: print("NO", repr(what), repr(seen)); sys.exit(1)
              if select.select([terminal], [], [], 0.1)[0]:
                  seen += os.read(terminal, 65536).decode(errors="replace")
          print("saw", what, flush=True)
          seen = ""
      def press(key): os.write(terminal, key)
      wait("\\x1b[?1049h")
      wait("endpoints healthy")
      wait("tokyo")
      press(b"s"); wait("by rate")
      press(b"p"); wait("paused")
      press(b"p"); wait("p pause")
      os.kill(int(node), signal.SIGKILL)
      wait("CONNECTION LOST")
      press(b"q"); wait("\\x1b[?1049l")
      _, status = os.waitpid(child, 0)
      print("ended with", status)
      """

    @Test(.timeLimit(.minutes(2)))
    func `shows a node in a terminal until q, and that it is lost; and one picture in a pipe`()
      throws
    {
      let world = try World()
      let admin = "http://127.0.0.1:\(world.ports.admin)"
      let client = try DNSClient(port: world.ports.dns)
      for _ in 0..<20 { _ = try client.ask(DNSQuestion("www.example.org")) }
      let once = try Program.run(["top", "--once", "--admin", admin])
      #expect(once.status == 0, "\(once.all)")
      #expect(once.output.contains("REGION") && once.output.contains("tokyo"), "\(once.all)")
      #expect(!once.output.contains("\u{1B}"))

      let person = try RunningProcess(
        "/usr/bin/python3",
        ["-c", Self.script, Program.path, admin, "\(world.process.identifier)"])
      eventually("the end of the script", within: .seconds(90)) { !person.isRunning }
      #expect(person.status == 0 && person.output.contains("ended with 0"), "\(person.all)")

      let gone = try Program.run(["top", "--once", "--admin", admin])
      #expect(gone.status == 1 && gone.errors.contains("nobody listens there"), "\(gone.all)")
      let pipe = try Program.run(["top", "--admin", admin])
      #expect(pipe.status == 1 && pipe.errors.contains("This is no terminal"), "\(pipe.all)")
    }
  }
}
