import CMaxMindDB
import Glibc
import MaxMind
import Places
import TestSupport
import Testing

/// The shipped database, read by us and by libmaxminddb: they must agree on every kind of address.
@Suite struct OracleTests {
  private static let path =
    String(#filePath.prefix(#filePath.count - "Tests/MaxMindTests/OracleTests.swift".count))
    + "geodata/azimuth-city.mmdb"

  @Test func placesAgreeWithLibmaxminddb() throws {
    let database = try MaxMindDatabase(file: Self.path)
    let table = PlaceTable(layers: [database.layer])
    let addresses = table.addresses.unpacked()
    let oracle = try #require(Oracle(path: Self.path))
    var random = SeededGenerator(seed: 11)
    let answers = table.places.map { Answer($0, table) }
    var disagreements: [String] = []
    func compare(_ address: IPAddress) {
      let client = address.client
      guard client.bits >> 32 != 0 || client.family == .ipv4 else { return }
      let answer = answers[Int(addresses.find(client).value)]
      let expected = oracle.answer(client)
      if expected != answer && disagreements.count < 5 {
        disagreements.append("\(address): \(expected), not \(answer)")
      }
    }
    for _ in 0..<60_000 { compare(.ipv4(.random(in: 0 ... .max, using: &random))) }
    for _ in 0..<20_000 {
      compare(.ipv6(UInt128.random(in: 0..<(1 << 125), using: &random) | 1 << 125))
    }
    let (starts4, count6) = (addresses.starts4, addresses.values6.count)
    for index in stride(from: 0, to: starts4.count, by: 59) {
      compare(.ipv4(starts4[index]))
      compare(.ipv4(starts4[index] &- 1))
    }
    for index in stride(from: 0, to: count6, by: 101) {
      compare(.ipv6(addresses.start6(at: index)))
      compare(.ipv6(addresses.start6(at: index) &- 1))
    }
    #expect(disagreements == [])
  }
}

/// What both sides say of a client, as far as the shipped database knows it.
private struct Answer: Equatable {
  var latitude: Double?
  var longitude: Double?
  var radius: Int = 0
  var country = ""
  var continent = ""
  var city = ""

  init() {}

  init(_ place: Place, _ table: PlaceTable) {
    latitude = place.point?.latitude
    longitude = place.point?.longitude
    radius = Int(place.accuracyRadiusKilometres)
    country = place.country?.description ?? ""
    continent = place.continent?.description ?? ""
    city = table.cityNames[Int(place.cityName)]
  }
}

private final class Oracle {
  private let database = UnsafeMutablePointer<MMDB_s>.allocate(capacity: 1)
  private var answers: [UInt32: Answer] = [:]

  init?(path: String) {
    guard MMDB_open(path, UInt32(MMDB_MODE_MMAP), database) == MMDB_SUCCESS else { return nil }
  }

  deinit {
    MMDB_close(database)
    database.deallocate()
  }

  func answer(_ client: ClientAddress) -> Answer {
    var error: Int32 = 0
    let result: MMDB_lookup_result_s
    switch client.family {
    case .ipv4:
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(truncatingIfNeeded: client.bits).bigEndian
      result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          MMDB_lookup_sockaddr(database, $0, &error)
        }
      }
    case .ipv6:
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      let bits = client.bits.bigEndian
      withUnsafeMutableBytes(of: &address.sin6_addr) { $0.storeBytes(of: bits, as: UInt128.self) }
      result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          MMDB_lookup_sockaddr(database, $0, &error)
        }
      }
    }
    guard result.found_entry else { return Answer() }
    if let known = answers[result.entry.offset] { return known }
    var entry = result.entry
    var answer = Answer()
    answer.latitude = value(&entry, "location", "latitude")?.double_value
    answer.longitude = value(&entry, "location", "longitude")?.double_value
    answer.radius = value(&entry, "location", "accuracy_radius").map(Self.unsigned) ?? 0
    answer.country = value(&entry, "country", "iso_code").map(Self.text) ?? ""
    answer.continent = value(&entry, "continent", "code").map(Self.text) ?? ""
    answer.city = value(&entry, "city", "names", "en").map(Self.text) ?? ""
    answers[result.entry.offset] = answer
    return answer
  }

  private func value(_ entry: inout MMDB_entry_s, _ path: String...) -> MMDB_entry_data_s? {
    let names = path.map { strdup($0) }
    defer { names.forEach { free($0) } }
    let pointers = names.map { UnsafePointer($0) } + [nil]
    var data = MMDB_entry_data_s()
    guard MMDB_aget_value(&entry, &data, pointers) == MMDB_SUCCESS, data.has_data else {
      return nil
    }
    return data
  }

  private static func text(_ data: MMDB_entry_data_s) -> String {
    let bytes = UnsafeRawBufferPointer(start: data.utf8_string, count: Int(data.data_size))
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unsigned(_ data: MMDB_entry_data_s) -> Int {
    Int(data.type) == Int(MMDB_DATA_TYPE_UINT16) ? Int(data.uint16) : Int(data.uint32)
  }
}
