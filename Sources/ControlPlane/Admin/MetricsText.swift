import Counters

/// What `/metrics` says, in one of two formats: for each family what it means, and all its series
/// together.
struct MetricsText {
  enum Format {
    /// Version 0.0.4, which every Prometheus reads.
    case prometheus
    /// Version 1.0.0.
    case openMetrics

    /// OpenMetrics only for those who would rather have it.
    init(_ accept: AcceptHeader) {
      let isPreferred =
        accept.quality(of: "application/openmetrics-text", version: "1.0.0")
        > accept.quality(of: "text/plain", version: "0.0.4")
      self = isPreferred ? .openMetrics : .prometheus
    }

    var contentType: String {
      switch self {
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  let format: Format
  /// By the name that the catalogue knows.
  private var lines: [String: [String]] = [:]

  init(_ format: Format) { self.format = format }

  mutating func add(_ series: CounterBoard.Series, _ value: UInt64) {
    add(series, text: String(value))
  }

  mutating func add(_ sample: MetricSample) { add(sample.series, text: rendered(sample.value)) }

  mutating func add(_ series: CounterBoard.Series, _ histogram: Histogram) {
    func add(_ suffix: String, _ labels: [CounterBoard.Label], _ text: String) {
      lines[series.name, default: []].append(
        "\(series.name)_\(suffix)\(self.labels(labels)) \(text)")
    }
    let bounds = Histogram.bounds.map { (Double($0) / 1e9).description } + ["+Inf"]
    var count: UInt64 = 0
    for (bound, value) in zip(bounds, histogram.counts) {
      // A bucket has all that the one before it has.
      count &+= value
      add("bucket", series.labels + [.init("le", bound)], "\(count)")
    }
    add("sum", series.labels, rendered(Double(histogram.sumNanoseconds) / 1e9))
    add("count", series.labels, "\(count)")
  }

  private mutating func add(_ series: CounterBoard.Series, text: String) {
    lines[series.name, default: []].append("\(series.name)\(labels(series.labels)) \(text)")
  }

  /// Names sorted, series in the order of their addition.
  var text: String {
    var result = ""
    for (name, series) in lines.sorted(by: { $0.key < $1.key }) {
      result += heading(name)
      for line in series { result += "\(line)\n" }
    }
    return format == .openMetrics ? result + "# EOF\n" : result
  }

  private func heading(_ name: String) -> String {
    let entry = MetricCatalogue.entry(name)
    let help = escaped(entry.help, quotes: format == .openMetrics)
    guard format == .openMetrics else {
      return "# HELP \(name) \(help)\n# TYPE \(name) \(entry.kind.name)\n"
    }
    // The suffix is the sample's, not the family's.
    let family = entry.kind.suffix.map { String(name.dropLast($0.count)) } ?? name
    let unit = MetricCatalogue.unit(ofFamily: family).map { "# UNIT \(family) \($0)\n" } ?? ""
    return "# HELP \(family) \(help)\n# TYPE \(family) \(entry.kind.openMetricsName)\n\(unit)"
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

extension MetricCatalogue.Kind {
  /// As TYPE has it in the format 0.0.4.
  fileprivate var name: String { self == .info ? "gauge" : rawValue }

  fileprivate var openMetricsName: String { self == .untyped ? "unknown" : rawValue }

  /// What the names of samples have behind that of their family.
  fileprivate var suffix: String? {
    switch self {
    case .counter: "_total"
    case .info: "_info"
    case .gauge, .histogram, .untyped: nil
    }
  }
}
