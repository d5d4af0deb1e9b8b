import HTTPTypes
import Places
import Simulating

/// The body of `POST /v1/simulate`, every member of which may be left out. Read strictly, and with
/// all its errors at once.
///
///     {"down": ["tokyo"], "drain": ["paris"], "bias": {"dublin": 20}, "dial": {"tokyo": 0.5},
///      "configuration": "file",
///      "databases": ["/var/lib/new.mmdb"], "services": ["web"], "load": 5000,
///      "clients": [{"address": "192.0.2.1", "weight": 3}]}
struct SimulationBody {
  static let maximumByteCount = 1 << 20
  private static let keys = [
    "down", "drain", "bias", "dial", "configuration", "databases", "services", "load", "clients",
  ]

  private(set) var question = SimulationQuestion()
  private let members: [String: JSONValue]
  private var errors: [Problem.Item] = []

  /// - Throws: 400 where it is no JSON object, 422 with every member that is wrong.
  init(_ bytes: [UInt8]) throws(Problem) {
    guard let value = JSONValue(bytes: bytes) else {
      throw Problem(.badRequest, "the body is not JSON")
    }
    guard case .object(let members) = value else {
      throw Problem(.unprocessableContent, "the body is not a JSON object")
    }
    self.members = members
    for key in members.keys.sorted() where !Self.keys.contains(key) {
      report(key, "unknown member; known are \(Self.keys.joined(separator: ", "))")
    }
    question.scenario.down = texts("down", "the names of regions") ?? []
    question.scenario.drained = texts("drain", "the names of regions") ?? []
    question.scenario.databases = texts("databases", "paths of .mmdb files")
    question.services = texts("services", "the names of services")
    readBiases()
    readDials()
    readConfiguration()
    readLoad()
    readClients()
    guard errors.isEmpty else {
      throw Problem(.unprocessableContent, "the question is not understood", errors: errors)
    }
  }

  private mutating func texts(_ key: String, _ wanted: String) -> [String]? {
    guard let value = members[key] else { return nil }
    guard case .array(let elements) = value else {
      report(key, "wants a list: \(wanted)")
      return nil
    }
    return elements.enumerated().compactMap { index, element in
      if case .string(let text) = element, !text.isEmpty { return text }
      report("\(key)/\(index)", "wants text: \(wanted)")
      return nil
    }
  }

  private mutating func readBiases() {
    guard let value = members["bias"] else { return }
    guard case .object(let entries) = value else {
      return report("bias", "wants an object: a region's name and its bias")
    }
    for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
      guard case .number(let number) = entry, number == number.rounded(), abs(number) <= 99 else {
        report("bias/\(name)", "wants a whole number from -99 to 99")
        continue
      }
      question.scenario.biases[name] = Int(number)
    }
  }

  private mutating func readDials() {
    guard let value = members["dial"] else { return }
    guard case .object(let entries) = value else {
      return report("dial", "wants an object: a region's name and its dial")
    }
    for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
      guard case .number(let number) = entry, (0...1).contains(number) else {
        report("dial/\(name)", "wants a number from 0 to 1")
        continue
      }
      question.scenario.dials[name] = number
    }
  }

  private mutating func readConfiguration() {
    guard let value = members["configuration"] else { return }
    guard value == .string("file") else {
      return report("configuration", "wants \"file\": the configuration file as it is now")
    }
    question.readsFile = true
  }

  private mutating func readLoad() {
    guard let value = members["load"] else { return }
    guard case .number(let load) = value, load >= 0, load < 1e15 else {
      return report("load", "wants a number from 0 to 1e15")
    }
    question.load = load
  }

  private mutating func readClients() {
    guard let value = members["clients"] else { return }
    guard case .array(let elements) = value, !elements.isEmpty else {
      return report("clients", "wants a list of {\"address\": …, \"weight\": …}")
    }
    let clients = elements.enumerated().compactMap { index, element -> Population.Client? in
      if case .object(let members) = element, members.count <= 2,
        case .string(let text)? = members["address"], let address = IPAddress(text),
        case .number(let weight) = members["weight"] ?? .number(1), weight >= 0, weight < 1e15,
        members.keys.allSatisfy({ ["address", "weight"].contains($0) })
      {
        return Population.Client(address: address, weight: weight)
      }
      report("clients/\(index)", "wants {\"address\": an IP address, \"weight\": a number}")
      return nil
    }
    question.population = Population(clients: clients, source: "clients of the request")
  }

  private mutating func report(_ pointer: String, _ detail: String) {
    guard errors.count < 100 else { return }
    errors.append(Problem.Item(detail: detail, pointer: "/\(pointer)"))
  }
}
