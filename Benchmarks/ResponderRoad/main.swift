// The road alone, without sockets: for counting instructions (callgrind: the difference of two
// counts of queries) and allocations (malloc-count.c).
//
//     ResponderRoad KIND COUNT
//
// KIND: steered-subnet, steered, by-key, signed, signed-anew, static, nxdomain, limited,
// limited-cookie.

import Answering
import Cookies
import Counters
import DNSWire
import Editions
import Homes
import Places
import RateLimiting
import Routing
import Signing
import Zones

/// SplitMix64.
struct Generator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

func placeTable(_ generator: inout Generator) -> PlaceTable {
  let places = (0..<200).map { index in
    Place(
      point: GeoPoint(
        latitude: Double(generator.next() % 180) - 90,
        longitude: Double(generator.next() % 360) - 180))
  }
  var builder = AddressTableBuilder()
  let starts = Set((0..<200_000).map { _ in UInt32(truncatingIfNeeded: generator.next()) & ~0xFF })
  for start in starts.union([0]).sorted() {
    builder.append(ipv4: start, value: UInt32(generator.next() % 200))
  }
  builder.append(ipv6: 0, value: 0)
  return PlaceTable(
    addresses: builder.build(), places: places, cityNames: [""], overrides: [], prefixSets: [[]])
}

func routingModel(_ places: PlaceTable) -> RoutingModel {
  let sites = [
    (50.1, 8.7), (40.7, -74.0), (35.7, 139.7), (-23.5, -46.6), (1.3, 103.8), (-33.9, 151.2),
  ]
  let regions = sites.enumerated().map { index, site in
    Region(
      name: "region\(index)", point: GeoPoint(latitude: site.0, longitude: site.1), tags: [])
  }
  let endpoints = regions.indices.map { index in
    RoutingModel.Endpoint(
      region: index, pool: 0,
      socket: SocketAddress(address: .ipv4(0xC000_0201 + UInt32(index)), port: 80), weight: 1,
      id: "web/\(index)")
  }
  let policy = Policy.proximity(
    Policy.Proximity(
      regions: Array(regions.indices), biases: regions.map { _ in 0 },
      unknown: Array(regions.indices)))
  let map = SteeringMap(
    planner: Planner(regions: regions, policy: policy, fences: []), places: places)
  let service = RoutingModel.Service(
    name: "web", map: 0, policyName: "nearest", pool: 0, ttlSeconds: 30, onAllDown: .failOpen,
    maximumAddresses: 4, failoverSpreadMilliseconds: 0,
    drawKey: DrawKey(bitsIPv4: 20, bitsIPv6: 44))
  return RoutingModel(
    regions: regions,
    pools: [
      RoutingModel.Pool(
        name: "web", endpoints: regions.indices.map { [$0] }, panicThreshold: 0, minimumHealthy: 1)
    ],
    endpoints: endpoints, services: [service], maps: [map], places: places)
}

/// A second service, which goes by a key: 100,000 keys at home in six regions, and ranges.
func addHomes(to model: inout RoutingModel) {
  let maps = (0..<2).map { _ in
    SteeringMap(
      planner: Planner(regions: model.regions, policy: .home(fallback: nil), fences: []),
      places: model.places)
  }
  model.maps += maps
  model.uniformMap = 2
  var builder = HomeMapsBuilder(seed: 0x5EED)
  builder.beginMap()
  for number in 0..<100_000 {
    builder.add("tenant-\(number)", rule: .override, home: number % model.regions.count)
  }
  builder.add("eu-", rule: .prefix, home: 0)
  builder.setRanges([(0, 1), (0x8000_0000, 2)])
  model.homes = builder.finish().maps
  var service = model.services[0]
  service.map = 1
  service.home = HomeCell(service: 1, home: nil)
  model.services.append(service)
  for region in model.regions.indices {
    service.home = HomeCell(service: 1, home: Home(region: region))
    model.services.append(service)
  }
}

func zoneTable(_ kind: String) throws -> ZoneTable {
  let apex = try DomainName("example.org.")
  func record(_ owner: String, _ type: RecordType, _ text: String) throws -> ZoneSource.Record {
    ZoneSource.Record(
      owner: try DomainName(owner, origin: apex), ttlSeconds: 300, type: type,
      data: try RecordData.encode(type, text: text, origin: apex))
  }
  var records = [try record("@", .ns, "ns1"), try record("ns1", .a, "192.0.2.53")]
  for index in 0..<1_000 {
    records.append(try record("h\(index)", .a, "198.51.\(index / 250).\(index % 250)"))
    records.append(try record("h\(index)", .aaaa, "2001:db8::\(String(index, radix: 16))"))
  }
  var steered = [ZoneSource.Steered(owner: try DomainName("www", origin: apex), service: 0)]
  if kind == "by-key" {
    steered.append(
      ZoneSource.Steered(
        owner: try DomainName("*.tenants", origin: apex), service: 1, types: [.addresses, .keyed]))
  }
  let zone = ZoneSource(
    name: apex,
    soa: ZoneSource.StartOfAuthority(
      primary: try DomainName("ns1.example.org."),
      mailbox: try DomainName("hostmaster.example.org."), serial: 1, refreshSeconds: 7_200,
      retrySeconds: 900, expireSeconds: 1_209_600, minimumSeconds: 60, ttlSeconds: 3_600),
    records: records, steered: steered)
  return try ZoneTableBuilder(seed: 0x5EED).build([zone])
}

/// Of the kinds that are limited, rules that ask for everything: cookies, rates, an identity.
func rules(_ kind: String) throws -> AnswerRules {
  if kind == "signed" { return AnswerRules(signers: try signers()) }
  // Next to none is kept, so that nearly each has to be made.
  if kind == "signed-anew" { return AnswerRules(signers: try signers(), signatureCount: 2) }
  guard kind.hasPrefix("limited") else { return AnswerRules() }
  return AnswerRules(
    identity: Array("node-1".utf8), cookies: CookieSecrets(active: CookieSecret(low: 1, high: 2)),
    rateLimits: RateLimits(rates: .init(answers: 1_000, nameErrors: 500, errors: 200)))
}

/// Signatures that are made at once: what is counted is finding those that were made before.
func signers() throws -> [DomainName: ZoneSigner] {
  let key = SigningKey(algorithm: 13, tag: 1) { _ in
    [UInt8](repeating: 0x5A, count: SigningKey.signatureByteCount)
  }
  let zone = try DomainName("example.org.")
  return [
    zone: ZoneSigner(
      zone: zone, keys: [[1, 1, 3, 13]], keyTTLSeconds: 3_600, zoneKeys: [key],
      keySigningKeys: [key], validitySeconds: 1_209_600)
  ]
}

func edition(_ kind: String) throws -> Edition {
  var generator = Generator(state: 1)
  let places = placeTable(&generator)
  var model = routingModel(places)
  if kind == "by-key" { addHomes(to: &model) }
  let maps = CohortMaps(model.maps.map { places.addresses.mapValues($0.cohortOfPlace) })
  let board = HealthBoard(
    conditions: model.endpoints.map { _ in EndpointCondition(health: .healthy) })
  return Edition(
    number: 1, revision: 1, zones: try zoneTable(kind), maps: maps, model: model, board: board,
    rules: try rules(kind), isReady: true)
}

/// A query with EDNS, and with an IPv4 /24 as client subnet if there is one.
func query(
  _ name: String, subnet: UInt32?, options: [UInt8] = [], wantsDNSSEC: Bool = false
) throws -> [UInt8] {
  var packet: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
  packet += try DomainName(name).wire + [0, 1, 0, 1]
  packet += [0, 0, 41, 4, 208, 0, 0, wantsDNSSEC ? 0x80 : 0, 0]
  guard let subnet else { return packet + [0, UInt8(options.count)] + options }
  let octets = [UInt8(subnet >> 24), UInt8(subnet >> 16 & 255), UInt8(subnet >> 8 & 255)]
  return packet + [0, UInt8(11 + options.count), 0, 8, 0, 7, 0, 1, 24, 0] + octets + options
}

/// So many different queries of a kind, random names and subnets.
func queries(_ kind: String) throws -> [[UInt8]] {
  var generator = Generator(state: 2)
  return try (0..<4_096).map { _ in
    let number = UInt32(truncatingIfNeeded: generator.next())
    switch kind {
    case "limited-cookie":
      // NSID, and the cookie of a client that asks for the first time.
      let options: [UInt8] = [0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
      return try query("WWW.example.org.", subnet: number, options: options)
    case "steered-subnet", "limited": return try query("WWW.example.org.", subnet: number)
    case "by-key":
      // Half of them among the keys, the others in the ranges.
      return try query("tenant-\(number % 200_000).tenants.example.org.", subnet: number)
    case "steered": return try query("www.Example.org.", subnet: nil)
    case "signed":
      let name = number & 1 == 0 ? "www" : "h\(number % 100)"
      return try query("\(name).example.org.", subnet: number, wantsDNSSEC: true)
    case "signed-anew":
      return try query(
        "h\(number % 1_000).example.org.", subnet: number, wantsDNSSEC: true)
    case "static": return try query("h\(number % 1_000).example.org.", subnet: nil)
    default: return try query("x\(number % 100_000).example.org.", subnet: nil)
    }
  }
}

/// The length of all answers together.
func run(_ queries: [[UInt8]], count: Int, edition: Edition) -> Int {
  let board = CounterBoard()
  var responder = Responder(
    transport: .udp, board: board, shard: board.makeShard(),
    limiter: RateLimiter(byteCount: 1 << 22, seed: 0x5EED))
  var buffer = [UInt8](repeating: 0, count: 2_048)
  var total = 0
  var generator = Generator(state: 3)
  for index in 0..<count {
    let query = queries[index & 4_095]
    let source = IPAddress.ipv4(UInt32(truncatingIfNeeded: generator.next()))
    for offset in query.indices { buffer[offset] = query[offset] }
    var span = buffer.mutableSpan
    var bytes = span.mutableBytes
    let disposal = responder.answer(
      &bytes, queryByteCount: query.count, source: source,
      nowMicroseconds: 1_000_000 &+ UInt64(index), edition: edition)
    if case .answer(let byteCount) = disposal { total += byteCount }
  }
  return total
}

/// What the harness itself costs: the same without the responder.
func runNothing(_ queries: [[UInt8]], count: Int) -> Int {
  var buffer = [UInt8](repeating: 0, count: 2_048)
  var total = 0
  var generator = Generator(state: 3)
  for index in 0..<count {
    let query = queries[index & 4_095]
    let source = UInt32(truncatingIfNeeded: generator.next())
    for offset in query.indices { buffer[offset] = query[offset] }
    total += Int(buffer[index & 63]) + Int(source & 1)
  }
  return total
}

func main() throws {
  let arguments = CommandLine.arguments
  guard arguments.count >= 3, let count = Int(arguments[2]) else {
    print("usage: ResponderRoad KIND COUNT [nothing]")
    return
  }
  let packets = try queries(arguments[1])
  let edition = try edition(arguments[1])
  let clock = ContinuousClock()
  let start = clock.now
  let total =
    arguments.count > 3
    ? runNothing(packets, count: count) : run(packets, count: count, edition: edition)
  let elapsed = clock.now - start
  print("\(total) bytes of answers, \(elapsed / count) a query")
}

try main()
