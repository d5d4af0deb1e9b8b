import Counters
import Foundation
import Places
import Synchronization
import Tapping
import TestSupport
import Testing

/// A tap with a reader, and what it counted and told.
private final class World: Sendable {
  let board = CounterBoard()
  let tap: Tap
  private let told: Told

  private final class Told: Sendable {
    let events = Mutex<[Tap.Event]>([])
  }

  init(_ settings: Tap.Settings) throws {
    let told = Told()
    self.told = told
    tap = try Tap.start(settings, board: board) { event in
      told.events.withLock { $0.append(event) }
    }
  }

  var events: [Tap.Event] { told.events.withLock { $0 } }

  func threadTap(_ transport: TapTransport = .udp) -> ThreadTap {
    tap.makeThreadTap(transport: transport, shard: board.makeShard())
  }

  var frames: UInt64 { sum("azimuth_dnstap_frames_total") }

  func dropped(_ reason: String) -> UInt64 {
    sum("azimuth_dnstap_dropped_total", [.init("reason", reason)])
  }

  private func sum(_ name: String, _ labels: [CounterBoard.Label] = []) -> UInt64 {
    board.sums().filter { $0.series == CounterBoard.Series(name, labels: labels) }
      .reduce(0) { $0 + $1.value }
  }

  /// Whether a reader is being served.
  var isConnected: Bool { events.last == .connected }
}

private let client = SocketAddress(address: .ipv4(0xC000_0201), port: 5353)
private let server = SocketAddress(address: .ipv4(0x7F00_0001), port: 53)

extension ThreadTap {
  /// One exchange, as a thread of the data plane has it.
  fileprivate mutating func exchange(
    _ query: [UInt8], _ answer: [UInt8], from client: SocketAddress = client,
    at server: SocketAddress? = server
  ) {
    guard takesNext() else { return }
    takeQuery(query.span.bytes, byteCount: query.count)
    takeAnswer(answer.span.bytes, byteCount: answer.count, from: client, at: server)
  }
}

/// Waits until something is so; false after half a minute.
private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let end = ContinuousClock.now + .seconds(30)
  while ContinuousClock.now < end {
    if try condition() { return true }
    Thread.sleep(forTimeInterval: 0.002)
  }
  return false
}

/// Ends the tap with a reader that reads to the end.
///
/// - Returns: the events that were still to come.
@discardableResult
private func finish(
  _ world: World, _ connection: ScriptedReader.Connection
) throws -> [TapEvent] {
  // Until the reader says that it is done, the tap waits: so both need a thread.
  let stopping = Thread { world.tap.stop() }
  stopping.start()
  let events = try connection.eventsUntilStop()
  #expect(eventually { stopping.isFinished })
  return events
}

/// Serves a reader whose handshake is done.
private func served(_ world: World, _ reader: ScriptedReader) throws -> ScriptedReader.Connection {
  let connection = try reader.acceptStream()
  #expect(eventually { world.isConnected })
  return connection
}

@Suite struct `The tap` {
  @Test func `tells what came and what was answered`() throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path, identity: "node", version: "azimuth 1"))
    let connection = try served(world, reader)
    let before = Date().timeIntervalSince1970
    var tap = world.threadTap()
    tap.exchange([1, 2, 3], [4, 5, 6, 7])

    let query = try connection.event()
    #expect(query.identity == "node" && query.version == "azimuth 1")
    #expect(query.type == 1 && query.family == 1 && query.transport == 1)
    #expect(query.queryAddress == [192, 0, 2, 1] && query.queryPort == 5353)
    #expect(query.responseAddress == [127, 0, 0, 1] && query.responsePort == 53)
    #expect(query.query == [1, 2, 3] && query.response.isEmpty)
    #expect(query.responseNanoseconds == 0)
    #expect(abs(Double(query.queryNanoseconds) / 1e9 - before) < 30)

    let answer = try connection.event()
    #expect(answer.type == 2)
    #expect(answer.query.isEmpty && answer.response == [4, 5, 6, 7])
    #expect(answer.queryNanoseconds == query.queryNanoseconds)
    #expect((0..<30_000_000_000).contains(answer.responseNanoseconds - answer.queryNanoseconds))
    try finish(world, connection)
  }

  @Test func `tells families and transports`() throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path, tellsAnswers: false))
    let connection = try served(world, reader)
    let bits: UInt128 = 0x2001_0DB8 << 96 | 0x99
    let six = SocketAddress(address: .ipv6(bits), port: 1)
    for (transport, number) in [(TapTransport.udp, 1), (.tcp, 2), (.tls, 3)] {
      var tap = world.threadTap(transport)
      tap.exchange([9], [8], from: six, at: nil)
      let event = try connection.event()
      #expect(event.transport == number && event.family == 2)
      #expect(
        event.queryAddress == [0x20, 1, 0x0D, 0xB8] + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99])
      #expect(event.responseAddress.isEmpty && event.responsePort == 0)
      #expect(event.identity.isEmpty && event.version.isEmpty)
    }
    try finish(world, connection)
  }

  @Test(arguments: [(true, true), (true, false), (false, true)])
  func `tells queries, answers or both, and no answer where there is none`(
    queries: Bool, answers: Bool
  ) throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(
      Tap.Settings(path: reader.path, tellsQueries: queries, tellsAnswers: answers))
    let connection = try served(world, reader)
    var tap = world.threadTap()
    tap.exchange([1], [])
    tap.exchange([2], [3])
    let told = try finish(world, connection).map { $0.type == 1 ? $0.query : $0.response }
    #expect(told == (queries ? [[1], [2]] : []) + (answers ? [[3]] : []))
    #expect(world.frames == told.count)
  }

  @Test(arguments: [1, 2, 7, 100])
  func `takes every n-th`(interval: Int) throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(
      Tap.Settings(path: reader.path, interval: interval, tellsAnswers: false))
    let connection = try served(world, reader)
    var tap = world.threadTap()
    for number in 1...(3 * interval) { tap.exchange([UInt8(number & 255), 0], []) }
    for round in 1...3 {
      #expect(try connection.event().query == [UInt8(round * interval & 255), 0])
    }
    try finish(world, connection)
  }

  @Test func `takes nothing where there is none`() {
    var tap = ThreadTap()
    var taken = 0
    for _ in 0..<100_000 where tap.takesNext() { taken += 1 }
    #expect(taken == 0)
  }
}

@Suite struct `A reader of the tap` {
  @Test func `that is not there costs frames, which are counted`() throws {
    let reader = try ScriptedReader()
    let world = try World(Tap.Settings(path: reader.path))
    var tap = world.threadTap()
    for _ in 0..<10 { tap.exchange([1], [2]) }
    tap.exchange([1], [])
    #expect(world.dropped("not_connected") == 21)
    #expect(eventually { !world.events.isEmpty })
    // And comes later.
    try reader.listen()
    let connection = try served(world, reader)
    tap.exchange([7], [])
    #expect(try connection.event().query == [7])
    // Told once, though it was sought more than once.
    #expect(world.events.count == 2)
    try finish(world, connection)
  }

  @Test func `that goes away is sought again`() throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path, tellsAnswers: false))
    var tap = world.threadTap()
    for round in UInt8(1)...3 {
      let connection = try served(world, reader)
      tap.exchange([round], [])
      #expect(try connection.event().query == [round])
      _ = consume connection
      #expect(eventually { world.events.count >= 2 * Int(round) })
    }
    world.tap.stop()
  }

  @Test(arguments: [
    ControlFrame(.accept, contentTypes: ["protobuf:other"]).bytes,
    ControlFrame(.finish).bytes, [1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 255, 255, 255, 255],
    [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 99], [],
  ])
  func `that does not accept gets no frames and is asked again`(reply: [UInt8]) throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path))
    var tap = world.threadTap()
    for _ in 0..<2 {
      let connection = try reader.accept()
      #expect(try connection.control().kind == .ready)
      tap.exchange([1], [2])
      connection.send(reply)
    }
    let connection = try served(world, reader)
    #expect(world.dropped("not_connected") == 4)
    tap.exchange([3], [4])
    #expect(try connection.event().query == [3])
    try finish(world, connection)
  }

  @Test func `that stops reading holds nobody up, and what is lost is counted`() throws {
    let reader = try ScriptedReader()
    try reader.listen()
    var settings = Tap.Settings(path: reader.path)
    settings.ringByteCount = 1 << 18
    let world = try World(settings)
    let connection = try served(world, reader)
    var tap = world.threadTap()
    let query = [UInt8](repeating: 1, count: 40)
    let answer = [UInt8](repeating: 2, count: 300)
    let total = 200_000
    let clock = ContinuousClock()
    let spent = clock.measure { for _ in 0..<total { tap.exchange(query, answer) } }
    #expect(world.dropped("ring_full") > 0)
    // Far above what one exchange takes, far below what one wait for the reader would.
    #expect(spent < .microseconds(50) * total)

    // Whatever was taken is sent once it reads again; nothing is counted twice or not at all.
    let told = try finish(world, connection).count
    #expect(world.frames == told)
    #expect(world.frames + world.dropped("ring_full") == 2 * total)
  }

  @Test func `that breaks off in the middle costs what was under way, counted`() throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path))
    var connection: ScriptedReader.Connection? = try served(world, reader)
    var tap = world.threadTap()
    let bytes = [UInt8](repeating: 1, count: 500)
    let total = 2_000
    for _ in 0..<total { tap.exchange(bytes, bytes) }
    // The writer fills the socket and waits.
    #expect(eventually { world.frames > 0 })
    _ = try connection?.event()
    connection = nil
    #expect(eventually { world.dropped("connection_lost") > 0 })
    // What lay in the ring goes to the next reader.
    let next = try served(world, reader)
    try finish(world, next)
    let dropped = world.dropped("connection_lost") + world.dropped("ring_full")
    #expect(world.frames + dropped + world.dropped("not_connected") == 2 * total)
  }

  @Test(arguments: [false, true])
  func `that says nothing does not hold up the end`(isAfterHandshake: Bool) throws {
    let reader = try ScriptedReader()
    try reader.listen()
    let world = try World(Tap.Settings(path: reader.path))
    let connection: ScriptedReader.Connection
    if isAfterHandshake {
      connection = try served(world, reader)
    } else {
      connection = try reader.accept()
      _ = try connection.control()
    }
    let clock = ContinuousClock()
    #expect(clock.measure { world.tap.stop() } < .seconds(20))
    _ = consume connection
  }
}
