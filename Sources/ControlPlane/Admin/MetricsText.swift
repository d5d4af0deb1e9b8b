import Counters

/// The text format of Prometheus, version 0.0.4: for each name HELP, TYPE and all its series
/// together.
struct MetricsText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private var lines: [String: [String]] = [:]

  mutating func add(_ series: CounterBoard.Series, _ value: UInt64) {
    add(series, text: String(value))
  }

  mutating func add(_ sample: MetricSample) { add(sample.series, text: rendered(sample.value)) }

  private mutating func add(_ series: CounterBoard.Series, text: String) {
    lines[series.name, default: []].append("\(series.name)\(labels(series.labels)) \(text)")
  }

  /// Names sorted, series in the order of their addition.
  var text: String {
    var result = ""
    for (name, series) in lines.sorted(by: { $0.key < $1.key }) {
      let entry = MetricCatalogue.entry(name)
      result += "# HELP \(name) \(escaped(entry.help, quotes: false))\n"
      result += "# TYPE \(name) \(entry.kind.rawValue)\n"
      for line in series { result += "\(line)\n" }
    }
    return result
  }

  private func labels(_ labels: [CounterBoard.Label]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
    return "{\(pairs.joined(separator: ","))}"
  }

  private func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += #"\\"#
      case "\n": result += #"\n"#
      case "\"" where quotes: result += #"\""#
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private func rendered(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? value.description
  }
}
