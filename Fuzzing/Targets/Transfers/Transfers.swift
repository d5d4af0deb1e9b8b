import DNSWire
import FuzzSupport
import Glibc
import Places
import Transferring

// What keepers of zones are told: an AXFR, IXFR, NOTIFY or signed query to the primary that we are,
// or the answers of a primary to the secondary that we are. The first byte chooses. Signatures are
// all zeros here (see Targets/Crypto).

@main enum Transfers {
  static func main() { exit(fuzz(test)) }
}

private func test(_ input: [UInt8]) -> Bool {
  guard let first = input.first, input.count <= 4_096, let peers = thePeers else { return false }
  let rest = Array(input.dropFirst())
  if first & 1 == 0 {
    ask(peers, rest, choices: first)
  } else {
    tell(peers, rest, choices: first)
  }
  return true
}

/// The zone on both sides, and the key.
private struct Peers {
  let zone: DomainName
  let key: TransferKey
  let contents: ZoneContents
  let desk: TransferDesk

  init?() {
    guard let zone = try? DomainName("example.org."),
      let authority = Authority(ttlSeconds: 60, data: soa(serial: 2)),
      let old = Authority(ttlSeconds: 60, data: soa(serial: 1)),
      let owner = try? DomainName("a.example.org."), let keyName = try? DomainName("key.")
    else { return nil }
    self.zone = zone
    key = TransferKey(name: keyName, algorithm: .sha256, secret: [1])
    var contents = ZoneContents(name: zone, authority: authority)
    let records = (0..<40).map {
      ZoneRecord(owner: owner, ttlSeconds: 60, type: .a, data: [192, 0, 2, $0])
    }
    for record in records { contents.append(record) }
    self.contents = contents
    let rules = TransferRules.Zone(
      allow: [.key(keyName), .prefix(AddressPrefix(ipv4: 0x0A00_0000, length: 8))],
      primaries: [SocketAddress(address: .ipv4(0x0A00_0001), port: 53)], primaryKey: keyName)
    desk = TransferDesk(
      TransferRules(keys: [key], zones: [zone: rules]), now: { 1_767_225_600 },
      notified: { _, _ in })
    desk.replace(
      journal: [ZoneDifference(old: old, new: authority, additions: records)], of: zone)
  }
}

private let thePeers = Peers()

/// Of names that are the root.
private func soa(serial: UInt8) -> [UInt8] {
  [0, 0, 0, 0, 0, serial] + Array(repeating: 0, count: 15) + [9]
}

// MARK: - As a primary

private func ask(_ peers: Peers, _ packet: [UInt8], choices: UInt8) {
  let authority = peers.contents.authority
  let contents = peers.contents
  let serving = TransferDesk.Serving(
    maximumUDPBytes: 1_232,
    zone: { name in
      guard name == contents.name else { return nil }
      return ServedZone(name: name, authority: authority) {
        var records = contents.records
        return { records.next().map(ServedZone.Item.record) }
      }
    },
    answer: { packet, _ in packet.count < 12 ? nil : answered(packet) })
  let isUDP = choices & 2 != 0
  let address = IPAddress.ipv4(choices & 4 == 0 ? 0x0A00_0001 : 0xC000_0201)
  let answers = peers.desk.answers(
    to: packet, from: SocketAddress(address: address, port: 5_300), over: isUDP ? .udp : .tcp,
    serving: serving)
  guard let answers else { return }
  insist(packet.count >= 12 && packet[2] < 0x80, "a response is not answered")
  var count = 0
  while let message = answers.next() {
    count += 1
    let answer = AnswerReader(message)
    insist(answer.flags & 0x8000 != 0, "QR is set")
    insist(answer.bytes[..<2] == packet[..<2], "the id is the query's")
    insist(answer.flags & 0x7800 == Int(packet[2] & 0x78) << 8, "the opcode is the query's")
    insist(!isUDP || message.count <= 65_535 && count == 1, "over UDP there is one answer")
    insist(count < 5, "a small zone is few messages")
  }
  insist(count > 0, "who is answered is told something")
}

/// As a server would that knows no name.
private func answered(_ packet: [UInt8]) -> [UInt8]? {
  guard let message = try? WireMessage(packet) else { return nil }
  return MessageBuilder(id: message.id, flags: 0x8003, question: message.questions.first).bytes
}

// MARK: - As a secondary

/// - Parameter stream: messages, the length of each in front of it; shorter at its end.
private func tell(_ peers: Peers, _ stream: [UInt8], choices: UInt8) {
  let limits = TransferReader.Limits(records: 100, bytes: 10_000)
  let current = choices & 2 == 0 ? peers.contents : nil
  var session = TransferSession(
    zone: peers.zone, current: current, key: choices & 4 == 0 ? nil : peers.key, limits: limits,
    id: 0)
  insist((try? WireMessage(session.start(now: 1_767_225_600))) != nil, "we ask what can be read")
  var rest = stream[...]
  while rest.count > 2 {
    let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
    let message = Array(rest.dropFirst(2).prefix(count))
    rest = rest.dropFirst(2 + message.count)
    guard let step = try? session.receive(message, now: 1_767_225_600) else { return }
    switch step {
    case .wait: break
    case .send(let query): insist((try? WireMessage(query)) != nil, "we ask what can be read")
    case .finished(.upToDate): return
    case .finished(.zone(let contents, let differences)):
      return judge(contents, differences, since: current, limits, peers)
    }
  }
}

private func judge(
  _ contents: ZoneContents, _ differences: [ZoneDifference], since current: ZoneContents?,
  _ limits: TransferReader.Limits, _ peers: Peers
) {
  insist(contents.name == peers.zone, "the zone is the one that was asked for")
  insist(contents.recordCount <= limits.records, "no more records than allowed")
  var count = 0
  for record in contents.records {
    count += 1
    insist(record.owner.isWithin(peers.zone), "\(record.owner) is in the zone")
    insist(record.type != .soa, "the SOA stands apart")
  }
  insist(count == contents.recordCount, "the records are as many as there are said to be")
  guard let current else { return }
  insist(
    contents.authority.serial.isNewer(than: current.authority.serial),
    "a version that is taken is newer")
  insist(
    differences.isEmpty || differences.last?.new.serial == contents.authority.serial,
    "differences lead to the version")
}
