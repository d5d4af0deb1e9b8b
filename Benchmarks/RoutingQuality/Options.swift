import Latency

/// What was asked for on the command line.
struct Options {
  var places = "Benchmarks/RoutingQuality/azure-regions.csv"
  var roundTrips = "Benchmarks/RoutingQuality/azure-rtt.csv"
  var people: String?
  /// Names of regions, one list a trial; empty: ``sets``.
  var regions: [[String]] = []
  /// Numbers of regions; see ``metros``.
  var sets = [3, 5, 8, 12, 34]
  var requests = 100
  var seed: UInt64 = 1
  var plot: String?
  /// What the model weighs differently, to see what its constants are worth.
  var weights = LatencyWeights()

  init(_ arguments: some Sequence<String>) throws {
    var arguments = Array(arguments)[...]
    while let option = arguments.popFirst() {
      guard let value = arguments.popFirst() else {
        throw Complaint(text: "\(option) wants a value")
      }
      switch option {
      case "--places": places = value
      case "--round-trips": roundTrips = value
      case "--people": people = value
      case "--regions": regions.append(value.split(separator: ",").map(String.init))
      case "--sets": sets = value.split(separator: ",").compactMap { Int($0) }
      case "--requests": requests = max(1, Int(value) ?? requests)
      case "--seed": seed = UInt64(value) ?? seed
      case "--plot": plot = value
      case "--weight": try setWeight(value)
      default: throw Complaint(text: "there is no option \(option)")
      }
    }
  }

  /// - Parameter text: `network=0.3`.
  private mutating func setWeight(_ text: String) throws {
    let paths: [String: WritableKeyPath<LatencyWeights, Double>] = [
      "network": \.network, "system": \.system, "country": \.country,
    ]
    let parts = text.split(separator: "=")
    guard parts.count == 2, let path = paths[String(parts[0])], let value = Double(parts[1]) else {
      throw Complaint(text: "--weight wants one of \(paths.keys.sorted()), \"=\" and a number")
    }
    weights[keyPath: path] = value
  }
}
