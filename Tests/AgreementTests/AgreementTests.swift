import Admin
import Answering
import Compiling
import Counters
import Editions
import Places
import RateLimiting
import Routing
import TestSupport
import Testing

/// The four ways to ask where a client goes.
@Suite struct `DNS, the API, explain and the proxy` {
  private static let policies = [
    "{type: proximity}",
    "{type: proximity, bias: {frankfurt: 40, tokyo: -50}}",
    "{type: weighted, shares: {tokyo: 1, frankfurt: 2, dublin: 0}}",
    "{type: hash, among: [tokyo, frankfurt, virginia], key: {ipv4: 32, ipv6: 64}}",
    """
    {type: geo, rules: [{continent: EU, use: [dublin, frankfurt]}, {country: BR, use: saopaulo}],
      default: {type: proximity}}
    """,
  ]

  @Test(arguments: policies)
  func `name the same region for 10,000 random addresses in several states of health`(
    policy: String
  ) throws {
    let text = RegionSet.continents.configuration(
      policy: policy,
      prefixes: ["133.11.0.0/16 regions=sydney", "10.0.0.0/8 at=1.35,103.82 country=SG"],
      extra: "fences: {eu-data: {clients: {eu: true}, regions: {tags: [eu]}}}"
    )
    let compiled = try compiledText(
      text.replacing("pool: web}", with: "pool: web, https: 1 . port=443}"))
    var generator = SeededGenerator(seed: 10_000)
    for state in 0..<4 {
      var board = compiled.healthyBoard
      for index in board.conditions.indices where state > 0 {
        board.conditions[index].health =
          [.healthy, .healthy, .degraded, .unknown, .unhealthy]
          .randomElement(using: &generator) ?? .healthy
      }
      let edition = Edition(
        number: 1, revision: 1, zones: compiled.zones, maps: compiled.maps, model: compiled.model,
        board: board, isReady: true)
      var asker = Asker(edition: edition)
      for _ in 0..<2500 {
        let bits = UInt32.random(in: .min ... .max, using: &generator)
        let disagreement = try asker.disagreement(about: bits)
        try #require(disagreement == nil, "state \(state) of seed 10000")
      }
    }
  }
}

/// Asks one edition in every way.
private struct Asker: ~Copyable {
  let edition: Edition
  private var responder: Responder

  init(edition: Edition) {
    self.edition = edition
    let board = CounterBoard()
    responder = Responder(
      transport: .udp, board: board, shard: board.makeShard(),
      limiter: RateLimiter(byteCount: 64, seed: 0))
  }

  /// nil if all agree; else what they say.
  mutating func disagreement(about bits: UInt32) throws -> String? {
    let address = IPAddress.ipv4(bits)
    let report = try #require(
      RouteReport(
        edition: edition, address: address, service: 0,
        question: .name("www.example.org", isIPv6: false)))
    let proxied = try #require(
      RouteReport(edition: edition, address: address, service: 0, question: .listener("web")))
    var silent = SilentTrace()
    let decision = edition.steering.route(address.client, to: 0, trace: &silent)
    let first = edition.targets.regionsToTry(for: decision, service: 0).first
    let firstName = first.map { edition.model.regions[$0].name }
    let answer = answer(bits)
    let said = """
      \(address): DNS \(answer), route \(report.outcome), proxy \(firstName ?? "none"), \
      listener \(proxied.outcome.regions)
      """
    let hint = hint(bits)
    let isSame =
      hint.address == answer.addresses.first && hint.scope == answer.scope
      && answer.addresses == report.outcome.addresses && answer.scope == report.scope
      && report.outcome.regions == proxied.outcome.regions
      && report.outcome.regions.first == firstName
      && report.candidates.filter(\.chosen).map(\.region).sorted()
        == report.outcome.regions.sorted()
    return isSame ? nil : said
  }

  /// The first of the IPv4 hints of the HTTPS record, and the scope.
  private mutating func hint(_ bits: UInt32) -> (address: String?, scope: Int) {
    let answer = reply(bits, type: 65)
    let record = 12 + 17 + 4
    guard answer.count > record, answer[7] == 1 else { return (nil, -1) }
    let length = Int(answer[record + 10]) << 8 | Int(answer[record + 11])
    // Priority, the root, the port's parameter; then key and length of the hint.
    let hint = record + 12 + 2 + 1 + 6
    let address =
      answer[hint..<(hint + 2)] == [0, 4]
      ? answer[(hint + 4)..<(hint + 8)].map(String.init).joined(separator: ".") : nil
    return (address, Int(answer[record + 12 + length + 11 + 7]))
  }

  /// The addresses and the scope that DNS answers for a client subnet of full length.
  private mutating func answer(_ bits: UInt32) -> (addresses: [String], scope: Int) {
    let answer = reply(bits, type: 1)
    guard answer.count > 12 else { return ([], -1) }
    var addresses: [String] = []
    var offset = 12 + 17 + 4
    for _ in 0..<Int(answer[7]) {
      let data = answer[(offset + 12)..<(offset + 16)]
      addresses.append(data.map(String.init).joined(separator: "."))
      offset += 16
    }
    // The OPT record: 11 bytes, then the option: code, length, family, source, scope.
    return (addresses, Int(answer[offset + 11 + 7]))
  }

  private mutating func reply(_ bits: UInt32, type: UInt8) -> [UInt8] {
    var packet: [UInt8] = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]
    for label in ["www", "example", "org"] { packet += [UInt8(label.utf8.count)] + label.utf8 }
    packet += [0, 0, type, 0, 1]
    packet += [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 12, 0, 8, 0, 8, 0, 1, 32, 0]
    packet += stride(from: UInt32(24), through: 0, by: -8).map { UInt8(bits >> $0 & 255) }
    var bytes = packet + Array(repeating: 0, count: 4096)
    // Through a pointer: what a span of the array writes, an optimised read of the array misses
    // (Swift 6.3.1).
    let length = bytes.withUnsafeMutableBytes { pointer in
      var raw = pointer.mutableBytes
      return responder.answer(
        &raw, queryByteCount: packet.count, source: .ipv4(0x7F00_0001), nowMicroseconds: 0,
        edition: edition
      ).answerByteCount
    }
    return Array(bytes[..<length])
  }
}
