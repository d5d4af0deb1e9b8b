import Glibc
import Spawning
import Testing

private func end(_ arguments: [String], within limit: Duration = .seconds(60)) -> ProgramRun.End {
  ProgramRun(
    arguments, environment: ["WORD=so it is"], deadline: ContinuousClock.now + limit
  ).end()
}

@Suite struct `Programs that are run` {
  @Test func `a program says how it ended, and what it had to say`() {
    #expect(
      end(["/bin/sh", "-c", "echo $WORD; echo and more >&2; exit 3"])
        == .exited(code: 3, output: Array("so it is\nand more\n".utf8)))
    #expect(end(["/bin/sh", "-c", "kill -9 $$"]) == .ended(signal: 9, output: []))
    #expect(end(["/no/such/program"]) == .notStarted(ENOENT))
  }

  @Test func `arguments are no shell's`() {
    #expect(
      end(["/bin/echo", "$(id); 'a' *"])
        == .exited(code: 0, output: Array("$(id); 'a' *\n".utf8)))
  }

  @Test func `whoever takes too long is killed, and so is whoever nobody waits for`() {
    #expect(end(["/bin/sleep", "1000"], within: .milliseconds(20)) == .killed)
    let run = ProgramRun(
      ["/bin/sleep", "1000"], environment: [], deadline: ContinuousClock.now + .seconds(60))
    run.cancel()
    #expect(run.end() == .cancelled)
  }

  @Test func `of what it says the first kilobyte is kept`() {
    guard case .exited(0, let output) = end(["/usr/bin/seq", "100000"]) else {
      Issue.record("it did not end")
      return
    }
    #expect(output.count == ProgramRun.keptBytes && output.starts(with: Array("1\n2\n".utf8)))
  }
}
