/// One line of a page of metrics (the text format of Prometheus).
package struct MetricLine: Sendable, Equatable {
  package var name: String
  package var labels: [String: String]
  package var value: Double

  package init(name: String, labels: [String: String], value: Double) {
    self.name = name
    self.labels = labels
    self.value = value
  }

  /// The lines of some metrics, in their order; what is none is passed over.
  package static func all(of names: Set<String>, in text: String) -> [MetricLine] {
    text.split(separator: "\n").compactMap { line in
      let name = line.prefix { $0 != "{" && $0 != " " }
      guard names.contains(String(name)), let value = line.split(separator: " ").last else {
        return nil
      }
      return Double(value).map {
        MetricLine(name: String(name), labels: labels(of: line[name.endIndex...]), value: $0)
      }
    }
  }

  /// `{key="value",…}`, where `\` stands before `"`, `\` and an `n` for the end of a line.
  private static func labels(of text: Substring) -> [String: String] {
    guard text.first == "{" else { return [:] }
    var labels: [String: String] = [:]
    var rest = text.dropFirst()
    while let equals = rest.firstIndex(of: "="), rest.first != "}" {
      let key = String(rest[..<equals])
      rest = rest[equals...].dropFirst()
      guard rest.first == "\"" else { return labels }
      rest = rest.dropFirst()
      var value = ""
      while let mark = rest.popFirst(), mark != "\"" {
        guard mark == "\\" else {
          value.append(mark)
          continue
        }
        guard let escaped = rest.popFirst() else { return labels }
        value.append(escaped == "n" ? "\n" : escaped)
      }
      labels[key] = value
      if rest.first == "," { rest = rest.dropFirst() }
    }
    return labels
  }
}

/// Counters at two moments: by how much a second each has grown.
package struct RateMeter: Sendable {
  private var before: (sums: [String: Double], at: Duration)?

  package init() {}

  /// - Returns: nil the first time, and where a counter has become smaller: the node is another
  ///   one.
  package mutating func take(_ sums: [String: Double], at now: Duration) -> [String: Double]? {
    let last = before
    before = (sums, now)
    guard let last, now > last.at else { return nil }
    let seconds = (now - last.at) / .seconds(1)
    var rates: [String: Double] = [:]
    for (key, sum) in sums {
      let grown = sum - (last.sums[key] ?? 0)
      guard grown >= 0 else { return nil }
      rates[key] = grown / seconds
    }
    return rates
  }
}
