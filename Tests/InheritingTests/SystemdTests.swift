import CLinux
import Glibc
import Inheriting
import Places
import TestSupport
import Testing

/// What systemd does: a socket of datagrams that services write to.
private final class FalseSystemd {
  let path = "/tmp/azimuth-notify-\(getpid())-\(UInt32.random(in: .min ... .max))"
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  func next() throws -> (text: String, descriptors: [Int32]) {
    try #require(az_unix_wait(descriptor, -1, 0, 10_000) != 0)
    var bytes = [UInt8](repeating: 0, count: 1_000)
    var descriptors = [Int32](repeating: -1, count: 64)
    var count = 64
    let byteCount = az_unix_receive(descriptor, &bytes, bytes.count, &descriptors, &count)
    try #require(byteCount >= 0)
    return (String(decoding: bytes[..<byteCount], as: UTF8.self), Array(descriptors[..<count]))
  }
}

@Test func `systemd is told how the service stands`() throws {
  let system = try FalseSystemd()
  let systemd = Systemd(environment: ["NOTIFY_SOCKET": system.path], processID: 7)
  systemd.tellStarting(within: .seconds(30))
  #expect(try system.next().text == "EXTEND_TIMEOUT_USEC=30000000")
  systemd.tellReady(processID: 7)
  #expect(try system.next().text == "READY=1\nMAINPID=7")
  systemd.tellReloading()
  #expect(try system.next().text.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
  systemd.tellAlive()
  #expect(try system.next().text == "WATCHDOG=1")
  systemd.tellStopping()
  #expect(try system.next().text == "STOPPING=1")
}

@Test func `systemd keeps the sockets of now`() throws {
  let system = try FalseSystemd()
  let systemd = Systemd(environment: ["NOTIFY_SOCKET": system.path], processID: 7)
  let udp = az_udp_open([127, 0, 0, 1], 0, 0, 65_536, 100)
  defer { az_udp_close(udp) }
  let name = "udp-127.0.0.1-\(az_udp_port(udp))"
  systemd.keep([udp])
  let kept = try system.next()
  #expect(kept.text == "FDSTORE=1\nFDNAME=\(name)" && kept.descriptors.count == 1)
  for descriptor in kept.descriptors { az_tcp_close(descriptor) }
  systemd.keep([])
  #expect(try system.next().text == "FDSTOREREMOVE=1\nFDNAME=\(name)")
}

@Test(arguments: [
  [:], ["LISTEN_PID": "8", "LISTEN_FDS": "3"], ["LISTEN_PID": "7"],
  ["LISTEN_PID": "7", "LISTEN_FDS": "-1"], ["LISTEN_PID": "7", "LISTEN_FDS": "x"],
  ["LISTEN_PID": "7", "LISTEN_FDS": "99999999999999999999"],
])
func `sockets that are another process's are left alone`(environment: [String: String]) {
  let inherited = InheritedSockets()
  Systemd(environment: environment, processID: 7).handSockets(to: inherited)
  #expect(inherited.count == 0)
}

@Test func `without systemd nobody is told`() {
  let systemd = Systemd(environment: [:], processID: 7)
  #expect(!systemd.isPresent)
  systemd.tellReady(processID: 7)
  systemd.keep([0])
}

@Test(
  arguments: [
    ([:], nil), (["WATCHDOG_USEC": "30000000"], 30),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"], 30),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], nil),
    (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""], nil),
    (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "-1"], nil), (["WATCHDOG_USEC": "x"], nil),
    (["WATCHDOG_USEC": "18446744073709551615"], nil), (["WATCHDOG_USEC": "9000000000000000"], nil),
  ] as [([String: String], Int?)])
func `a watchdog is for the process that it names`(environment: [String: String], seconds: Int?) {
  let watchdog = Systemd(environment: environment, processID: 7).watchdog
  #expect(watchdog?.limit == seconds.map { .seconds($0) })
}

@Test func `whoever answers within half of a watchdog's time is heard in time`() throws {
  let watchdog = try #require(Watchdog(limit: .seconds(30)))
  for seed in UInt64(0)..<200 {
    var random = SeededGenerator(seed: seed)
    var asked = Duration.zero
    var lastWord: Duration?
    for _ in 0..<50 {
      let word = asked + .milliseconds(Int64.random(in: 0...15_000, using: &random))
      if let lastWord { #expect(word - lastWord <= watchdog.limit, "seed \(seed)") }
      lastWord = word
      asked = watchdog.next(asked: asked, now: word, wasAnswered: true)
      #expect(asked >= word && asked - word <= watchdog.pace, "seed \(seed)")
    }
  }
}

@Test func `whoever does not answer a watchdog's question is asked again at once`() throws {
  for limit in [Duration.milliseconds(80), .seconds(30)] {
    let watchdog = try #require(Watchdog(limit: limit))
    let next = watchdog.next(asked: .zero, now: limit, wasAnswered: false)
    #expect(next > limit && next - limit <= min(watchdog.worry, .milliseconds(100)))
  }
}
