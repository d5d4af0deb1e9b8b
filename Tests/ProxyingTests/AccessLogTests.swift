import Balancing
import Counters
import Foundation
import Glibc
import Places
import Proxying
import Synchronization
import Testing

private func line(_ build: (inout AccessLine) -> Void) -> String {
  var line = AccessLine()
  build(&line)
  return String(decoding: line.bytes, as: UTF8.self)
}

@Test(arguments: [
  (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
  (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
  (1_798_761_600_000, "2027-01-01T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
])
func `times are written as RFC 3339`(_ milliseconds: UInt64, _ text: String) {
  let written = line { $0.begin(wallClockNanoseconds: milliseconds * 1_000_000) }
  #expect(written == "{\"time\":\"\(text)\"")
}

@Test func `values are escaped and numbers have their units`() {
  let written = line {
    $0.begin(wallClockNanoseconds: 0)
    $0.add("a", "q\"b\\c\u{1}é")
    $0.add("b", nil as String?)
    $0.add("c", UInt64.max)
    $0.add("d", milliseconds: 12_345_678)
    $0.add("g", milliseconds: nil)
    $0.add("e", SocketAddress(address: .ipv4(0xC000_0201), port: 443))
    $0.add("f", SocketAddress(address: .ipv6(1), port: 53))
    $0.addConnection(startSeconds: 0xABC, worker: 0, sequence: 16)
    $0.end()
  }
  #expect(
    written == """
      {"time":"1970-01-01T00:00:00.000Z","a":"q\\"b\\\\c\\u0001é","b":null,\
      "c":18446744073709551615,"d":12.345,"g":null,"e":"192.0.2.1:443","f":"[::1]:53",\
      "connection":"abc-0-10"}

      """)
}

@Test func `a connection leaves lines when it begins, while it lasts and when it ends`() throws {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-access-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let path = folder.appending(path: "access.log")
  let log = try writer(path.path)
  let server = try TestServer.echo()
  let world = try ProxyWorld(regions: [[server.address]], log: log) {
    $0.logsConnects = true
    $0.logInterval = .seconds(1)
  }
  func records() -> [String] { lines(path).compactMap { $0["record"] as? String } }
  let socket = try TestSocket(to: world.address)
  #expect(eventually { records() == ["connect"] })
  try socket.send([1, 2])
  #expect(try socket.receive() == [1, 2])
  #expect(eventually { records().count == 3 })
  socket.close()
  #expect(eventually { records().last == "close" })
  let entries = lines(path)
  #expect(records().dropFirst().dropLast().allSatisfy { $0 == "progress" })
  #expect(Set(entries.compactMap { $0["connection"] as? String }).count == 1)
  #expect(entries.map { $0["bytes_down"] as? Int }.prefix(3) == [0, 2, 2])
  #expect(entries.map { $0["reason"] != nil }.dropLast().allSatisfy { !$0 })
  withExtendedLifetime((world, server)) {}
}

@Test func `each connection leaves one line, also after a change of file`() throws {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-access-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let path = folder.appending(path: "access.log")
  let log = try writer(path.path)
  let server = try TestServer.greeter("hello")
  let world = try ProxyWorld(regions: [[server.address]], log: log)
  try visit(world)
  #expect(eventually { lines(path).count == 1 })
  let rotated = folder.appending(path: "access.log.1")
  try FileManager.default.moveItem(at: path, to: rotated)
  log.reopen()
  #expect(eventually { FileManager.default.fileExists(atPath: path.path) })
  try visit(world)
  world.server.stop()
  log.stop()
  #expect(lines(rotated).count == 1)
  let entry = try #require(lines(path).first)
  #expect(entry["listener"] as? String == "web")
  #expect(entry["region"] as? String == "r0")
  #expect(entry["endpoint"] as? String == "pool/r0/\(server.address)")
  #expect(entry["balance"] as? String == "p2c")
  #expect(entry["despite"] is NSNull)
  #expect(entry["attempts"] as? Int == 1)
  #expect(entry["bytes_up"] as? Int == 2)
  #expect(entry["bytes_down"] as? Int == 5)
  #expect(entry["reason"] as? String == "upstream_closed")
  #expect(entry["edition"] as? Int == 1)
  #expect(entry["basis"] as? String == "healthy")
  #expect((entry["client"] as? String)?.hasPrefix("127.0.0.1:") == true)
}

@Test func `the log says what was chosen though it is ejected, and that all are full`() throws {
  let path = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-access-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: path) }
  let log = try writer(path.path)
  let bad = try RefusingPort()
  let full = try TestServer.echo()
  defer { withExtendedLifetime((bad, full)) {} }
  var balance = BalanceRules()
  balance.method = .first
  balance.maximumConnections = 1
  balance.ejection?.failures = 1
  let world = try ProxyWorld(regions: [[bad.address, full.address]], balance: balance, log: log)
  // The first one fails, and is ejected; the second one is full from now on.
  let held = try TestSocket(to: world.address)
  try held.send([1])
  #expect(try held.receive() == [1])
  // Nothing but the ejected one is left.
  _ = try? TestSocket(to: world.address).receiveAll()
  #expect(eventually { world.closed(.connectFailed) == 1 })
  world.publish(regions: [[full.address]], balance: balance, revision: 2)
  _ = try? TestSocket(to: world.address).receiveAll()
  #expect(eventually { world.closed(.endpointsFull) == 1 })
  held.close()
  #expect(eventually { world.server.connectionCount == 0 })
  world.server.stop()
  log.stop()
  let entries = lines(path)
  #expect(
    entries.map { $0["reason"] as? String }
      == ["connect_failed", "endpoints_full", "client_closed"])
  #expect(entries.map { $0["despite"] as? String } == ["ejection", nil, nil])
  #expect(entries.map { $0["balance"] as? String } == ["first", nil, "first"])
}

@Suite struct `A log of lines` {
  private static let line = Array("{}\n".utf8)

  /// A path in a folder that goes with the test.
  private func withPath(_ test: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "azimuth-lines-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try test(folder.appending(path: "log"))
  }

  @Test func `counts the lines that a full disk takes, and says so once until it has room`()
    throws
  {
    try withPath { path in
      let manager = FileManager.default
      try manager.createSymbolicLink(
        at: path, withDestinationURL: URL(filePath: "/dev/full"))
      let counters = CounterBoard()
      let words = Words()
      let full = "failing(No space left on device (28))"
      let log = try writer(path.path, counters, tell: words.add)
      let ring = log.makeRing()
      for count in 1...3 {
        #expect(ring.append(Self.line + Self.line))
        #expect(eventually { lost(counters) == UInt64(2 * count) })
      }
      #expect(words.all == [full])
      try manager.removeItem(at: path)
      log.reopen()
      #expect(eventually { manager.fileExists(atPath: path.path) })
      #expect(ring.append(Self.line))
      log.stop()
      #expect(words.all == [full, "writing(lost: 6)"])
      #expect(lost(counters) == 6)
      #expect(lines(path).count == 1)
    }
  }

  @Test func `makes a file anew that somebody has deleted, or counts what it loses`() throws {
    try withPath { path in
      let counters = CounterBoard()
      let words = Words()
      let log = try writer(path.path, counters, tell: words.add)
      let ring = log.makeRing()
      #expect(ring.append(Self.line))
      #expect(eventually { lines(path).count == 1 })
      try FileManager.default.removeItem(at: path)
      #expect(ring.append(Self.line))
      #expect(eventually { lines(path).count == 1 })
      try FileManager.default.removeItem(at: path.deletingLastPathComponent())
      #expect(ring.append(Self.line))
      #expect(eventually { lost(counters) == 1 })
      log.stop()
      #expect(words.all == ["failing(No such file or directory (2))"])
    }
  }

  @Test func `goes on in the old file where the new one cannot be opened`() throws {
    try withPath { path in
      let words = Words()
      let log = try writer(path.path, tell: words.add)
      let rotated = path.deletingLastPathComponent().appending(path: "log.1")
      try FileManager.default.moveItem(at: path, to: rotated)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
      log.reopen()
      #expect(eventually { words.all == ["notReopened(Is a directory (21))"] })
      #expect(log.makeRing().append(Self.line))
      log.stop()
      #expect(lines(rotated).count == 1)
    }
  }

  /// A pipe whose reader goes away takes half a line, as a disk does when it is full.
  @Test func `begins a line of its own after the half of one`() throws {
    try withPath { path in
      #expect(mkfifo(path.path, 0o600) == 0)
      // No program that another test starts may hold it open.
      let reader = open(path.path, O_RDWR | O_CLOEXEC)
      // F_SETPIPE_SZ, which Glibc does not show to Swift.
      let room = fcntl(reader, 1031, 4096)
      let counters = CounterBoard()
      let log = try writer(path.path, counters)
      let ring = log.makeRing()
      let long = Array("{\"x\": \"\(String(repeating: "x", count: 90))\"}\n".utf8)
      let (whole, half) = Int(room).quotientAndRemainder(dividingBy: long.count)
      try #require(half > 0)
      for _ in 0..<2 * whole { #expect(ring.append(long)) }
      #expect(eventually { count(in: reader) == room })
      close(reader)
      #expect(eventually { lost(counters) == UInt64(whole) })
      let again = open(path.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      defer { close(again) }
      #expect(all(in: again) == (0..<whole).flatMap { _ in long } + long.prefix(half))
      #expect(ring.append(Self.line))
      log.stop()
      #expect(all(in: again) == Array("\n{}\n".utf8))
    }
  }

  /// Bytes that wait in a pipe.
  private func count(in pipe: Int32) -> Int32 {
    var count: Int32 = 0
    return unsafe ioctl(pipe, UInt(FIONREAD), &count) == 0 ? count : -1
  }

  private func all(in pipe: Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, Int(count(in: pipe))))
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(pipe, $0.baseAddress, $0.count) }
    return Array(bytes.prefix(max(0, count)))
  }
}

/// What a writer has said.
private final class Words: Sendable {
  private let words = Mutex<[String]>([])

  func add(_ word: AccessLogWriter.Word) { words.withLock { $0.append("\(word)") } }
  var all: [String] { words.withLock { $0 } }
}

private func writer(
  _ path: String, _ counters: CounterBoard = CounterBoard(),
  tell: @escaping @Sendable (AccessLogWriter.Word) -> Void = { _ in }
) throws -> AccessLogWriter {
  try AccessLogWriter(
    .file(path), failed: "azimuth_proxy_log_failed_total", counters: counters, tell: tell)
}

private func lost(_ counters: CounterBoard) -> UInt64? {
  counters.sums().first { $0.series.name == "azimuth_proxy_log_failed_total" }?.value
}

private func visit(_ world: ProxyWorld) throws {
  let client = try TestSocket(to: world.address)
  try client.send([1, 2])
  _ = try client.receiveAll()
  let before = world.closed(.upstreamClosed)
  client.close()
  #expect(eventually { world.closed(.upstreamClosed) > before })
}

private func lines(_ path: URL) -> [[String: Any]] {
  guard let data = try? Data(contentsOf: path) else { return [] }
  return data.split(separator: UInt8(ascii: "\n")).compactMap {
    (try? JSONSerialization.jsonObject(with: $0)) as? [String: Any]
  }
}
