import Answering
import Counters
import DNSWire
import Editions
import Places
import RateLimiting
import Routing
import Zones

/// A small world: 10.0.0.0/8 and 2001:db8::/32 are nearest to region 0, 10.1.0.0/16 to region 1,
/// everyone else to region 2.
enum World {
  static func zones() throws -> ZoneTable {
    let apex = try DomainName("example.org.")
    let texts =
      [
        "@ NS ns1", "ns1 A 192.0.2.53", "alias CNAME www", "far CNAME host.example.net.",
        "gone CNAME nothing", "chain CNAME alias", "child NS ns.child", "ns.child A 192.0.2.9",
        "safe NS ns.child", "safe DS 4711 13 2 \(String(repeating: "ab", count: 32))",
        "big TXT \(String(repeating: "\"\(String(repeating: "x", count: 200))\" ", count: 5))",
        "*.wild TXT any", "host.wild A 192.0.2.8", "a._tcp SRV 0 5 80 www",
        "huge TXT \(String(repeating: "\"\(String(repeating: "x", count: 200))\" ", count: 10))",
        "moved DNAME wild", "steered DNAME cdn", "away DNAME example.net.", "round DNAME round2",
        "round2 DNAME round", "long DNAME \(String(repeating: "x", count: 60)).\(long)",
        "through CNAME a.moved",
        ##"odd TYPE65280 \# 4 c0000c00"##,
      ] + wide
    var source = ZoneSource(
      name: apex,
      soa: ZoneSource.StartOfAuthority(
        primary: try DomainName("ns1", origin: apex), mailbox: try DomainName("mail", origin: apex),
        serial: 1, refreshSeconds: 2, retrySeconds: 3, expireSeconds: 4, minimumSeconds: 60,
        ttlSeconds: 3_600),
      steered: [
        .init(owner: try DomainName("www", origin: apex), service: 0),
        .init(owner: try DomainName("*.cdn", origin: apex), service: 0),
        .init(owner: try DomainName("fenced", origin: apex), service: 1),
        .init(owner: apex, service: 0),
      ])
    for text in texts {
      let parts = text.split(separator: " ", maxSplits: 2).map(String.init)
      guard let type = RecordType(parts[1]) else { continue }
      source.records.append(
        ZoneSource.Record(
          owner: try DomainName(parts[0], origin: apex), ttlSeconds: 300, type: type,
          data: try RecordData.encode(type, text: parts[2], origin: apex)))
    }
    return try ZoneTableBuilder(seed: 9).join([
      source.block(), inner().block(), .unavailable(DomainName("expired.example.")),
    ])
  }

  /// A zone inside the other.
  private static func inner() throws -> ZoneSource {
    let apex = try DomainName("inner.example.org.")
    let host = try DomainName("ns1", origin: apex)
    return ZoneSource(
      name: apex,
      soa: ZoneSource.StartOfAuthority(
        primary: host, mailbox: host, serial: 1, refreshSeconds: 2, retrySeconds: 3,
        expireSeconds: 4, minimumSeconds: 5, ttlSeconds: 6),
      records: [
        ZoneSource.Record(owner: apex, ttlSeconds: 300, type: .ns, data: host.wire),
        ZoneSource.Record(owner: host, ttlSeconds: 300, type: .a, data: [192, 0, 2, 54]),
      ])
  }

  /// Three labels of the greatest length but one.
  private static let long =
    Array(repeating: String(repeating: "y", count: 60), count: 3)
    .joined(separator: ".") + "."

  /// A delegation whose glue is more than one UDP answer holds.
  private static let wide = (0..<30).flatMap {
    ["wide NS ns\($0).wide", "ns\($0).wide AAAA 2001:db8:1::\($0)"]
  }

  static func places() -> PlaceTable {
    let points = [(50.0, 8.0), (35.0, 139.0), (40.0, -74.0)]
    let places = points.map { Place(point: GeoPoint(latitude: $0.0, longitude: $0.1)) }
    var builder = AddressTableBuilder()
    builder.append(ipv4: 0, value: 2)
    builder.append(ipv4: 0x0A00_0000, value: 0)
    builder.append(ipv4: 0x0A01_0000, value: 1)
    builder.append(ipv4: 0x0A02_0000, value: 0)
    builder.append(ipv4: 0x0B00_0000, value: 2)
    builder.append(ipv6: 0, value: 2)
    builder.append(ipv6: 0x2001_0DB8 << 96, value: 0)
    builder.append(ipv6: 0x2001_0DB9 << 96, value: 2)
    return PlaceTable(
      addresses: builder.build(), places: places, cityNames: [""], overrides: [],
      prefixSets: [[]])
  }

  /// Region n answers with 192.0.2.(n + 1) and 2001:db8::(n + 1).
  static func model(onAllDown: LastResort = .failOpen) -> RoutingModel {
    let places = places()
    let regions = places.places.enumerated().map { index, place in
      Region(name: "r\(index)", point: place.point, tags: [])
    }
    let endpoints = regions.indices.flatMap { region in
      [
        IPAddress.ipv4(0xC000_0201 + UInt32(region)),
        .ipv6(0x2001_0DB8 << 96 + UInt128(region) + 1),
      ]
      .map { address in
        RoutingModel.Endpoint(
          region: region, pool: 0, socket: SocketAddress(address: address, port: 80), weight: 1,
          id: "web/r\(region)/\(address)")
      }
    }
    let policy = Policy.proximity(
      Policy.Proximity(regions: [0, 1, 2], biases: [0, 0, 0], unknown: [0, 1, 2]))
    var everyone = ClientMatch()
    everyone.isUnknown = true
    let fence = Fence(name: "none", clients: everyone, isInside: [false, false, false])
    let services = [("web", 0), ("fenced", 1)].map { name, map in
      RoutingModel.Service(
        name: name, map: map, policyName: "nearest", pool: 0, ttlSeconds: 30, onAllDown: onAllDown,
        maximumAddresses: 4, failoverSpreadMilliseconds: 0,
        drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
    }
    return RoutingModel(
      regions: regions,
      pools: [
        RoutingModel.Pool(
          name: "web", endpoints: [[0, 1], [2, 3], [4, 5]], panicThreshold: 0, minimumHealthy: 1)
      ],
      endpoints: endpoints, services: services,
      maps: [[], [fence]].map {
        SteeringMap(planner: Planner(regions: regions, policy: policy, fences: $0), places: places)
      },
      places: places)
  }

  static func edition(
    health: Health = .healthy, onAllDown: LastResort = .failOpen,
    rules: AnswerRules = AnswerRules(), isReady: Bool = true
  ) throws -> Edition {
    let model = model(onAllDown: onAllDown)
    return Edition(
      number: 1, revision: 1, zones: try zones(),
      maps: CohortMaps(model.maps.map { model.places.addresses.mapValues($0.cohortOfPlace) }),
      model: model,
      board: HealthBoard(
        conditions: model.endpoints.map { _ in EndpointCondition(health: health) }),
      rules: rules, isReady: isReady)
  }
}

/// Asks a responder of its own.
struct Asker {
  var edition: Edition
  var transport = Responder.Transport.udp
  var source = IPAddress.ipv4(0xCB00_7101)
  var nowMicroseconds: UInt64 = 1_000_000_000
  var handsOverUncommon = false
  var keepaliveTenths: UInt16 = 0
  var bufferByteCount = 70_000
  let board = CounterBoard()
  let limiter = RateLimiter(byteCount: 1 << 16, seed: 0x5EED)

  /// The answer's bytes; empty if there is none.
  func ask(_ packet: [UInt8]) -> [UInt8] {
    var responder = responder()
    var buffer = packet + Array(repeating: 0xAA, count: max(0, bufferByteCount - packet.count))
    let count = answer(&buffer, packet.count, &responder)
    return Array(buffer[..<count])
  }

  func answer(_ buffer: inout [UInt8], _ count: Int, _ responder: inout Responder) -> Int {
    disposal(&buffer, count, &responder).answerByteCount
  }

  func disposal(_ packet: [UInt8]) -> Responder.Disposal {
    var responder = responder()
    var buffer = packet + Array(repeating: 0xAA, count: max(0, bufferByteCount - packet.count))
    return disposal(&buffer, packet.count, &responder)
  }

  private func disposal(
    _ buffer: inout [UInt8], _ count: Int, _ responder: inout Responder
  ) -> Responder.Disposal {
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    return responder.answer(
      &bytes, queryByteCount: count, source: source, nowMicroseconds: nowMicroseconds,
      edition: edition)
  }

  func responder() -> Responder {
    var responder = Responder(
      transport: transport, board: board, shard: board.makeShard(), limiter: limiter,
      handsOverUncommon: handsOverUncommon)
    responder.keepaliveTenths = keepaliveTenths
    return responder
  }

  func reply(_ name: String, _ type: RecordType = .a, edns: [UInt8]? = []) throws -> Reply {
    let bytes = ask(try query(name, type, edns: edns))
    return try Reply(bytes)
  }
}

/// A query; with OPT if there are options.
func query(
  _ name: String, _ type: RecordType = .a, edns: [UInt8]? = [], payload: UInt16 = 1_232
) throws -> [UInt8] {
  var packet: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns == nil ? 0 : 1]
  packet += try DomainName(name).wire
  packet += [UInt8(type.rawValue >> 8), UInt8(type.rawValue & 255), 0, 1]
  guard let edns else { return packet }
  packet += [0, 0, 41, UInt8(payload >> 8), UInt8(payload & 255), 0, 0, 0, 0]
  return packet + [UInt8(edns.count >> 8), UInt8(edns.count & 255)] + edns
}

/// A client-subnet option: `ecs(10, 1, 2, bits: 24)`.
func ecs(_ octets: UInt8..., bits: UInt8, family: UInt8 = 1) -> [UInt8] {
  [0, 8, 0, UInt8(4 + octets.count), 0, family, bits, 0] + octets
}

/// An answer taken apart by a reader that shares nothing with the code under test.
struct Reply {
  struct Record: Equatable {
    var owner: String
    var type: UInt16
    var ttlSeconds: UInt32
    var data: [UInt8]
  }
  struct Malformed: Error {}

  var bytes: [UInt8]
  var code: Int
  var isAuthoritative: Bool
  var isTruncated: Bool
  var sections: [[Record]] = [[], [], []]
  /// Options by code; nil without OPT.
  var options: [Int: [UInt8]]?

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    guard bytes.count >= 12, bytes[2] & 0x80 != 0 else { throw Malformed() }
    code = Int(bytes[3] & 15)
    isAuthoritative = bytes[2] & 4 != 0
    isTruncated = bytes[2] & 2 != 0
    var offset = 12
    if bytes[5] == 1 {
      _ = try name(at: &offset)
      offset += 4
    }
    for section in 0..<3 {
      for _ in 0..<(Int(bytes[6 + section * 2]) << 8 | Int(bytes[7 + section * 2])) {
        try readRecord(section, &offset)
      }
    }
    guard offset == bytes.count else { throw Malformed() }
  }

  private mutating func readRecord(_ section: Int, _ offset: inout Int) throws {
    let owner = try name(at: &offset)
    guard offset + 10 <= bytes.count else { throw Malformed() }
    let head = bytes[offset..<(offset + 10)].map(UInt32.init)
    let count = Int(head[8] << 8 | head[9])
    offset += 10
    guard offset + count <= bytes.count else { throw Malformed() }
    let data = Array(bytes[offset..<(offset + count)])
    offset += count
    let ttlSeconds = head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7]
    if head[0] << 8 | head[1] == 41 {
      code |= Int(head[4]) << 4
      options = [:]
      var rest = data[...]
      while rest.count >= 4 {
        let bytes = Array(rest)
        let length = Int(bytes[2]) << 8 | Int(bytes[3])
        guard bytes.count >= 4 + length else { throw Malformed() }
        options?[Int(bytes[0]) << 8 | Int(bytes[1])] = Array(bytes[4..<(4 + length)])
        rest = rest.dropFirst(4 + length)
      }
      guard rest.isEmpty else { throw Malformed() }
    } else {
      sections[section].append(
        Record(
          owner: owner, type: UInt16(head[0] << 8 | head[1]), ttlSeconds: ttlSeconds, data: data))
    }
  }

  /// Follows pointers.
  private func name(at offset: inout Int) throws -> String {
    var text = ""
    var position = offset
    var end: Int?
    for _ in 0..<200 {
      guard position < bytes.count else { throw Malformed() }
      let length = Int(bytes[position])
      if length == 0 {
        offset = end ?? position + 1
        return text.isEmpty ? "." : text
      }
      guard position + 1 < bytes.count else { throw Malformed() }
      if length >= 0xC0 {
        end = end ?? position + 2
        position = (length & 0x3F) << 8 | Int(bytes[position + 1])
      } else {
        guard position + 1 + length <= bytes.count else { throw Malformed() }
        text +=
          String(decoding: bytes[(position + 1)..<(position + 1 + length)], as: UTF8.self) + "."
        position += 1 + length
      }
    }
    throw Malformed()
  }
}
