import Listening
import Places
import TestSupport
import Testing

@Suite struct `Connections by what is waited for` {
  typealias Phase = ConnectionQueues.Phase

  @Test func `whoever began to wait first is first`() {
    var queues = ConnectionQueues()
    let slots = (0..<3).map { queues.admit(to: .quiet, now: UInt64($0)) }
    queues.move(slots[0], to: .quiet, now: 10)
    #expect(queues.first(of: .quiet)?.slot == slots[1])
    queues.move(slots[1], to: .sending, now: 11)
    #expect(queues.first(of: .quiet)?.slot == slots[2])
    #expect(queues.first(of: .sending)?.since == 11)
    queues.hold(slots[2])
    #expect(queues.phase(of: slots[2]) == nil)
    #expect(queues.first(of: .quiet)?.slot == slots[0])
    queues.release(slots[2])
    #expect(queues.count == 2)
    #expect(queues.admit(to: .receiving, now: 12) == slots[2])
  }

  /// Against lists that are searched.
  @Test func `any order of events keeps every queue in order`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    var queues = ConnectionQueues()
    var lists = [Phase: [Int]]()
    var held: [Int] = []
    for now in 0..<20_000 {
      let phase = Phase.allCases.randomElement(using: &generator) ?? .quiet
      let waiting = lists.values.flatMap { $0 }
      let slot = waiting.randomElement(using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0, 1:
        if waiting.count < 50 {
          lists[phase, default: []].append(queues.admit(to: phase, now: UInt64(now)))
        }
      case 2, 3:
        guard let slot else { break }
        for key in lists.keys { lists[key]?.removeAll { $0 == slot } }
        lists[phase, default: []].append(slot)
        queues.move(slot, to: phase, now: UInt64(now))
      case 4:
        guard let slot else { break }
        for key in lists.keys { lists[key]?.removeAll { $0 == slot } }
        held.append(slot)
        queues.hold(slot)
      default:
        guard let slot = held.popLast() else { break }
        queues.release(slot)
      }
      for phase in Phase.allCases {
        #expect(queues.first(of: phase)?.slot == lists[phase]?.first, "seed \(seed), event \(now)")
      }
      #expect(queues.count == lists.values.map(\.count).reduce(held.count, +), "seed \(seed)")
    }
  }
}

@Suite struct `Limits of connections` {
  @Test(arguments: [
    (0, 10_000), (50, 10_000), (51, 9_820), (75, 5_500), (99, 1_180), (100, 1_000), (500, 1_000),
  ])
  func `the idle time-out falls as connections use up what there is (RFC 7766 §6.2.3)`(
    open: Int, milliseconds: Int
  ) {
    let limits = StreamLimits(maximumConnections: 100, idleTimeout: .seconds(10))
    let difference = limits.idleTimeout(openConnections: open) - .milliseconds(milliseconds)
    #expect(abs(difference / .milliseconds(1)) < 1)
  }

  @Test(arguments: [1, 2, 3])
  func `even with one connection there is a time-out`(maximum: Int) {
    let limits = StreamLimits(maximumConnections: maximum, idleTimeout: .seconds(10))
    #expect(limits.idleTimeout(openConnections: maximum) >= .milliseconds(999))
  }

  @Test func `an IPv4 address, or an IPv6 prefix of 64 bits, is one client`() throws {
    let counts = ClientCounts(maximum: 2)
    let clients = try ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
      .map { try #require(IPAddress($0)).client }
    #expect(counts.add(clients[0]) && counts.add(clients[0]) && !counts.add(clients[0]))
    #expect(counts.add(clients[1]))
    #expect(counts.add(clients[2]) && counts.add(clients[3]) && !counts.add(clients[2]))
    #expect(counts.add(clients[4]))
    counts.remove(clients[3])
    #expect(counts.add(clients[2]))
    for client in [clients[0], clients[0], clients[1], clients[2], clients[2], clients[4]] {
      counts.remove(client)
    }
    #expect(counts.clientCount == 0)
  }
}
