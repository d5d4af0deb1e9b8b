package import Places

/// The clients of a question: each an address, with the weight that it has.
///
/// People stand for themselves, by where they live; a query log has the addresses that asked.
package struct Population: Sendable {
  package struct Client: Sendable {
    package var address: IPAddress
    /// People, or what the log says: requests, connections.
    package var weight: Double

    package init(address: IPAddress, weight: Double) {
      self.address = address
      self.weight = weight
    }
  }

  package var clients: [Client]
  /// Of whom no address is known to be where they are; not among ``clients``.
  package var unplacedWeight = 0.0
  /// Where the clients come from, in words; with the notice that its licence asks for.
  package var source: String

  package var weight: Double { clients.reduce(0) { $0 + $1.weight } }

  package init(clients: [Client], unplacedWeight: Double = 0, source: String) {
    self.clients = clients
    self.unplacedWeight = unplacedWeight
    self.source = source
  }
}

/// Why a query log is none.
package struct PopulationFault: Error, Equatable, CustomStringConvertible {
  /// From 1.
  package var line: Int
  package var message: String
  package var description: String { "line \(line): \(message)" }
}

extension Population {
  /// Lines above this number are too many to be asked about.
  package static let mostLogLines = 5_000_000

  /// Reads `address` or `address,weight` a line; empty lines, `#` comments and a first line of
  /// `address,weight` are passed over. Equal addresses add up.
  ///
  /// - Parameter name: of the log, for reports.
  package init(log text: String, name: String) throws(PopulationFault) {
    var weights: [IPAddress: Double] = [:]
    var order: [IPAddress] = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count <= Self.mostLogLines else {
      throw PopulationFault(line: lines.count, message: "more than \(Self.mostLogLines) lines")
    }
    for (number, line) in zip(1..., lines) {
      let fields = line.split(separator: ",").map { field in
        String(field.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
      }
      guard let first = fields.first, !first.isEmpty, !first.hasPrefix("#") else { continue }
      if number == 1 && first == "address" { continue }
      guard let address = IPAddress(first) else {
        throw PopulationFault(line: number, message: "wants an address, found \"\(first)\"")
      }
      guard let weight = fields.count > 1 ? Double(fields[1]) : 1, weight >= 0, weight < 1e15,
        fields.count <= 2
      else {
        throw PopulationFault(line: number, message: "wants address,weight, found \"\(line)\"")
      }
      if weights[address] == nil { order.append(address) }
      weights[address, default: 0] += weight
    }
    self.init(
      clients: order.map { Client(address: $0, weight: weights[$0] ?? 0) }, source: "log \(name)")
  }
}
