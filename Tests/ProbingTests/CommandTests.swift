import Glibc
import NIOPosix
import Places
import Testing

@testable import Probing
@testable import Settings

@Suite struct CommandTests {
  private func run(
    _ script: String, _ arguments: String..., degraded: [Int] = [], isAllowed: Bool = true,
    timeout: Duration = .seconds(20)
  ) async -> ProbeOutcome {
    await run(["/bin/sh", "-c", script, "sh"] + arguments, degraded, isAllowed, timeout)
  }

  private func run(
    _ arguments: [String], _ degraded: [Int] = [], _ isAllowed: Bool = true,
    _ timeout: Duration = .seconds(20)
  ) async -> ProbeOutcome {
    var monitor = tcpMonitor(timeout: timeout)
    monitor.name = "check"
    monitor.kind = .command(.init(arguments: arguments, degradedCodes: degraded))
    let runner = ProbeRunner(
      group: MultiThreadedEventLoopGroup.singleton, allowsCommands: isAllowed)
    return await runner.outcome(
      of: ProbeTarget(
        endpointID: "tokyo/web/192.0.2.1:80",
        address: SocketAddress(address: .ipv4(0xC000_0201), port: 80), monitor: monitor))
  }

  @Test func `the exit code decides, and the first line says why`() async {
    #expect(await run("exit 0") == .success)
    #expect(
      await run("echo CRITICAL - no; echo more; exit 2") == .failure("exit code 2: CRITICAL - no"))
    #expect(await run("echo slow >&2; exit 1", degraded: [1]) == .degraded("exit code 1: slow"))
    #expect(await run("exit 1", degraded: [2]) == .failure("exit code 1"))
    #expect(await run("kill -9 $$") == .failure("command ended by signal 9"))
    #expect(
      await run(["/nowhere/check"])
        == .failure("command /nowhere/check cannot run: No such file or directory"))
  }

  @Test func `the address is put in, and the environment is nothing else`() async {
    #expect(
      await run("echo $1 $2 $3; exit 3", "{address}", "-p{port}", "{endpoint}")
        == .failure("exit code 3: 192.0.2.1 -p80 tokyo/web/192.0.2.1:80"))
    let environment = """
      env | grep -Ev '^(PWD|SHLVL|_|OLDPWD)=' | sort | tr '\\n' ' '; pwd; exit 3
      """
    #expect(
      await run(environment)
        == .failure(
          "exit code 3: AZIMUTH_ADDRESS=192.0.2.1 "
            + "AZIMUTH_ENDPOINT=tokyo/web/192.0.2.1:80 AZIMUTH_MONITOR=check AZIMUTH_PORT=80 "
            + "LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /"))
    // No descriptor but the three, and that of the listing itself.
    #expect(await run("ls /proc/self/fd | wc -l; exit 3") == .failure("exit code 3: 4"))
    #expect(await run("cat; exit 3") == .failure("exit code 3"))
  }

  @Test func `what it writes is bounded, and never stops it`() async {
    #expect(
      await run("head -c 3000000 /dev/zero | tr '\\0' x; exit 4")
        == .failure("exit code 4: " + String(repeating: "x", count: 200)))
  }

  @Test func `at its deadline the whole group is killed`() async throws {
    #expect(
      await run("sleep 600 & echo $!; exec sleep 600", timeout: .milliseconds(300))
        == .failure("command killed after 0.3 seconds"))
    // Children that outlive the program are not left behind either.
    guard case .failure(let cause) = await run("sleep 600 & echo $!; exit 5"),
      let process = pid_t(cause.split(separator: " ").last ?? "")
    else {
      Issue.record("no process")
      return
    }
    while isRunning(process) { await Task.yield() }
  }

  @Test func `a cancelled one is killed`() async throws {
    let task = Task { await run("exec sleep 600", timeout: .seconds(60)) }
    task.cancel()
    #expect(await task.value == .inconclusive("cancelled"))
  }

  @Test func `nothing runs that was not allowed`() async {
    #expect(
      await run("exit 0", isAllowed: false) == .inconclusive("commands are not allowed here"))
  }

  /// A zombie that nobody waits for has ended, too.
  private func isRunning(_ process: pid_t) -> Bool {
    guard let file = fopen("/proc/\(process)/stat", "r") else { return false }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 256)
    guard fgets(&text, 256, file) != nil else { return false }
    let stat = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return !String(decoding: stat, as: UTF8.self).contains(") Z")
  }
}
