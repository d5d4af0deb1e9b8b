import Admin
import Counters
import HTTPTypes
import Routing
import Testing

/// The text format of Prometheus, read strictly: a line that does not belong is an error.
private struct ParsedMetrics {
  struct Family {
    var help: String
    var type: String
    var samples: [(labels: [String: String], value: Double)] = []
  }
  struct Malformed: Error { var line: String }

  private(set) var families: [String: Family] = [:]
  private var current = ""

  init(_ text: String) throws {
    #expect(text.hasSuffix("\n"))
    var help: (name: String, text: String)?
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 3).map(String.init)
      if line.hasPrefix("# HELP ") {
        guard words.count == 4 else { throw Malformed(line: String(line)) }
        help = (words[2], words[3])
      } else if line.hasPrefix("# TYPE ") {
        guard words.count == 4, let help, help.name == words[2], families[help.name] == nil,
          ["counter", "gauge", "histogram", "untyped"].contains(words[3])
        else { throw Malformed(line: String(line)) }
        current = help.name
        families[current] = Family(help: help.text, type: words[3])
      } else {
        try parseSample(String(line))
      }
    }
  }

  private mutating func parseSample(_ line: String) throws {
    var rest = line[...]
    let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    let isOfHistogram =
      families[current]?.type == "histogram"
      && ["_bucket", "_sum", "_count"].contains { name == current + $0 }
    guard name == current || isOfHistogram else { throw Malformed(line: line) }
    rest = rest.dropFirst(name.count)
    var labels: [String: String] = [:]
    if rest.first == "{" {
      repeat {
        rest = rest.dropFirst()
        let label = rest.prefix { $0 != "=" }
        rest = rest.dropFirst(label.count + 1)
        guard rest.first == "\"", labels[String(label)] == nil else { throw Malformed(line: line) }
        labels[String(label)] = try parseQuoted(&rest, line: line)
      } while rest.first == ","
      guard rest.first == "}" else { throw Malformed(line: line) }
      rest = rest.dropFirst()
    }
    guard rest.first == " ", let value = Double(rest.dropFirst()) else {
      throw Malformed(line: line)
    }
    if isOfHistogram { labels["__part"] = String(name.dropFirst(current.count + 1)) }
    families[current]?.samples.append((labels, value))
  }

  private func parseQuoted(_ rest: inout Substring, line: String) throws -> String {
    rest = rest.dropFirst()
    var value = ""
    while let character = rest.popFirst() {
      switch character {
      case "\"": return value
      case "\\":
        switch rest.popFirst() {
        case "n": value.append("\n")
        case "\\": value.append("\\")
        case "\"": value.append("\"")
        default: throw Malformed(line: line)
        }
      default: value.append(character)
      }
    }
    throw Malformed(line: line)
  }

  func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    families[name]?.samples.first { $0.labels == labels }?.value
  }
}

@Suite struct `The metrics` {
  private func scrape(_ world: AdminWorld) async throws -> ParsedMetrics {
    let reply = try await world.get("/metrics")
    #expect(reply.status == 200)
    #expect(reply.type == "text/plain; version=0.0.4; charset=utf-8")
    return try ParsedMetrics(reply.text)
  }

  @Test func `sum the counters of all threads`() async throws {
    let world = try AdminWorld()
    let udp = world.counters.index(
      of: .init("azimuth_dns_queries_total", labels: [.init("transport", "udp")]))
    let tcp = world.counters.index(
      of: .init("azimuth_dns_queries_total", labels: [.init("transport", "tcp")]))
    let other = world.counters.index(of: .init("azimuth_new_total"))
    for _ in 0..<3 {
      let shard = world.counters.makeShard()
      shard.add(5, to: udp)
      shard.add(to: tcp)
      shard.add(7, to: other)
    }
    let metrics = try await scrape(world)
    #expect(metrics.value("azimuth_dns_queries_total", ["transport": "udp"]) == 15)
    #expect(metrics.value("azimuth_dns_queries_total", ["transport": "tcp"]) == 3)
    #expect(metrics.families["azimuth_dns_queries_total"]?.type == "counter")
    #expect(metrics.value("azimuth_new_total") == 21)
    #expect(metrics.families["azimuth_new_total"]?.type == "counter")
    #expect(metrics.families["azimuth_new_total"]?.help.isEmpty == false)
    #expect(metrics.value("azimuth_series_overflow_total") == 0)
  }

  @Test func `escape what labels hold`() async throws {
    let world = try AdminWorld()
    let value = "a\"b\\c\nd é"
    let index = world.counters.index(
      of: .init("azimuth_proxy_accepted_total", labels: [.init("listener", value)]))
    world.counters.makeShard().add(to: index)
    let metrics = try await scrape(world)
    #expect(metrics.value("azimuth_proxy_accepted_total", ["listener": value]) == 1)
  }

  @Test func `show the edition and the health of regions and endpoints`() async throws {
    let world = try AdminWorld()
    await world.heal()
    await world.report(.unhealthy, of: "virginia")
    _ = try await world.change(.put, "/v1/overrides/frankfurt/web", body: ChangeBodies.drain)
    let metrics = try await scrape(world)
    #expect(metrics.value("azimuth_edition") == 4)
    #expect(metrics.value("azimuth_revision") == 1)
    #expect(metrics.value("azimuth_ready") == 1)
    #expect(metrics.value("azimuth_build_info", ["node": "node-1", "version": "1.2.3"]) == 1)
    func state(_ region: String, _ state: String) -> Double? {
      metrics.value(
        "azimuth_region_health", ["region": region, "pool": "web", "state": state])
    }
    #expect(state("tokyo", "healthy") == 1)
    #expect(state("tokyo", "unhealthy") == 0)
    #expect(state("virginia", "unhealthy") == 1)
    #expect(state("frankfurt", "removed") == 1)
    #expect(
      metrics.value(
        "azimuth_region_health", ["region": "tokyo", "pool": "eu", "state": "healthy"]) == nil)
    let tokyo = ["region": "tokyo", "pool": "web", "address": "127.0.10.1:8080"]
    let frankfurt = ["region": "frankfurt", "pool": "web", "address": "127.0.10.3:8080"]
    #expect(metrics.value("azimuth_endpoint_healthy", tokyo) == 1)
    #expect(metrics.value("azimuth_endpoint_healthy", frankfurt) == 1)
    let drained = frankfurt.merging(["state": "drain"]) { $1 }
    #expect(metrics.value("azimuth_endpoint_override", drained) == 1)
    #expect(metrics.families["azimuth_endpoint_override"]?.samples.count == 1)
  }

  private enum ChangeBodies {
    static let drain = #"{"state": "drain", "reason": "x"}"#
  }

  @Test func `show the process`() async throws {
    let metrics = try await scrape(AdminWorld())
    #expect((metrics.value("process_resident_memory_bytes") ?? 0) > 1e6)
    #expect((metrics.value("process_virtual_memory_bytes") ?? 0) > 1e6)
    #expect((metrics.value("process_open_fds") ?? 0) > 2)
    #expect((metrics.value("process_max_fds") ?? 0) > 2)
    #expect((metrics.value("process_cpu_seconds_total") ?? 0) > 0)
    #expect((metrics.value("process_start_time_seconds") ?? 0) > AdminWorld.start - 1e9)
  }

  @Test func `take in figures from elsewhere`() async throws {
    var world = try AdminWorld()
    world.sources.samples = {
      [
        MetricSample(
          "azimuth_proxy_connections", labels: [.init("listener", "front")], value: 12),
        MetricSample("azimuth_engine_watch_lag_seconds", value: 0.125),
      ]
    }
    let metrics = try await scrape(world)
    #expect(metrics.value("azimuth_proxy_connections", ["listener": "front"]) == 12)
    #expect(metrics.value("azimuth_engine_watch_lag_seconds") == 0.125)
  }

  @Test func `show how long things took, in buckets that each have the ones before`() async throws {
    var world = try AdminWorld()
    let name = "azimuth_proxy_connect_duration_seconds"
    let front = world.counters.histogram(of: .init(name, labels: [.init("listener", "front")]))
    for nanoseconds: UInt64 in [100_000, 300_000, 9_000_000_000] {
      world.counters.makeShard().record(nanoseconds: nanoseconds, in: front)
    }
    var probes = Histogram()
    probes.record(.milliseconds(1500))
    world.sources.histograms = { [probes] in [(.init("azimuth_probe_duration_seconds"), probes)] }
    let metrics = try await scrape(world)
    func value(_ part: String, le: String? = nil) -> Double? {
      var labels = ["listener": "front", "__part": part]
      labels["le"] = le
      return metrics.value(name, labels)
    }
    #expect(value("bucket", le: "0.00025") == 1)
    #expect(value("bucket", le: "0.0005") == 2)
    #expect(value("bucket", le: "5.0") == 2)
    #expect(value("bucket", le: "+Inf") == 3)
    #expect(value("count") == 3)
    #expect(value("sum") == 9.0004)
    #expect(metrics.families[name]?.type == "histogram")
    let sum = ["__part": "sum"]
    #expect(metrics.value("azimuth_probe_duration_seconds", sum) == 1.5)
  }

  static let accepts: [(String?, isOpenMetrics: Bool)] = [
    (nil, false), ("*/*", false), ("application/openmetrics-text", true),
    ("application/openmetrics-text; version=1.0.0; charset=utf-8", true),
    ("application/openmetrics-text;version=0.0.1", false),
    ("application/openmetrics-text;q=0", false), ("text/html", false),
    ("application/openmetrics-text;q=0.4,text/plain;q=0.5", false),
    ("Application/OpenMetrics-Text;version=\"1.0.0\";q=0.5, */*;q=0.1", true),
    // Of Prometheus 2 and 3.
    (
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        + "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true
    ),
    (
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
        + "*/*;q=0.1", true
    ),
  ]

  @Test(arguments: accepts)
  func `are OpenMetrics for those who would rather have that`(
    accept: String?, isOpenMetrics: Bool
  ) async throws {
    let reply = try await AdminWorld().ask(
      .get, "/metrics", headers: accept.map { [.accept: $0] } ?? [:])
    #expect(reply.type?.hasPrefix("application/openmetrics-text; version=1.0.0") == isOpenMetrics)
    #expect(reply.text.hasSuffix("\n# EOF\n") == isOpenMetrics)
    #expect(reply.text.contains("# TYPE azimuth_series_overflow counter\n") == isOpenMetrics)
    #expect(reply.text.contains("# TYPE azimuth_series_overflow_total counter\n") != isOpenMetrics)
  }

  @Test func `have in OpenMetrics the same samples, under families with their units`() async throws
  {
    let world = try AdminWorld()
    let accept: HTTPFields = [.accept: "application/openmetrics-text"]
    let lines = try await world.ask(.get, "/metrics", headers: accept).text
      .split(separator: "\n").map(String.init)
    for line in [
      "# TYPE process_cpu_seconds counter", "# UNIT process_cpu_seconds seconds",
      "# UNIT process_resident_memory_bytes bytes", "# TYPE azimuth_build info",
      "azimuth_series_overflow_total 0",
    ] {
      #expect(lines.contains(line))
    }
    func names(_ lines: [String]) -> [Substring] {
      lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
    }
    let plain = try await world.get("/metrics").text.split(separator: "\n").map(String.init)
    #expect(names(lines) == names(plain))
  }

  @Test func `are all described`() async throws {
    let metrics = try await scrape(AdminWorld())
    for name in metrics.families.keys {
      #expect(MetricCatalogue.entries[name] != nil, "\(name) has no help text")
    }
  }
}

@Suite struct `The catalogue of metrics` {
  @Test(arguments: MetricCatalogue.entries.keys.sorted())
  func `holds names as Prometheus wants them`(name: String) throws {
    let entry = try #require(MetricCatalogue.entries[name])
    #expect(MetricCatalogue.isWellFormed(name))
    #expect(name.hasPrefix("azimuth_") || name.hasPrefix("process_"))
    #expect(name.hasSuffix("_total") == (entry.kind == .counter))
    #expect(name == name.lowercased() && !name.contains("__"))
    #expect(entry.help.hasSuffix("."))
    #expect(!entry.help.contains("\n"))
  }

  /// In OpenMetrics a counter's family is its name without `_total`.
  @Test func `holds no two names that are one family`() {
    let families = MetricCatalogue.entries.map { name, entry in
      entry.kind == .counter ? String(name.dropLast("_total".count)) : name
    }
    #expect(Set(families).count == families.count)
  }

  @Test(arguments: ["", "1a", "a-b", "a b", "é", "a:b", "a\n"])
  func `knows a name that is none`(name: String) { #expect(!MetricCatalogue.isWellFormed(name)) }
}
