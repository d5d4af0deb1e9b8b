import Terminal
import Testing

/// A node with three regions, of which one is lost.
private func snapshot() -> TopSnapshot {
  var snapshot = TopSnapshot(address: "http://127.0.0.1:8053")
  snapshot.node = "edge-1"
  snapshot.version = "0.1.0"
  snapshot.edition = 12
  snapshot.revision = 3
  snapshot.isReady = true
  snapshot.uptimeSeconds = 7_300
  (snapshot.healthyEndpoints, snapshot.endpoints) = (5, 6)
  snapshot.overrides = 1
  (snapshot.dnsRate, snapshot.proxyRate) = (12_345.6, 0.25)
  snapshot.regions = [
    .init(
      name: "tokyo", standing: "healthy", healthyEndpoints: 2, endpoints: 2, dnsRate: 30,
      proxyRate: 0, load: 80, limit: 100, admission: 0.5),
    .init(
      name: "oslo", standing: "unhealthy", healthyEndpoints: 1, endpoints: 2, dnsRate: 0,
      proxyRate: 0),
    .init(
      name: "lima", standing: "healthy", healthyEndpoints: 2, endpoints: 2, dnsRate: 60,
      proxyRate: 10),
  ]
  snapshot.events = [
    .init(
      at: "2026-11-27T10:04:31.120Z", kind: "region_health", subject: "oslo/web", from: "healthy",
      to: "unhealthy", cause: "connection refused"),
    .init(
      at: "2026-11-27T10:04:30Z", kind: "override_set", subject: "lima", to: "up", author: "ann"),
  ]
  return snapshot
}

private func texts(
  _ snapshot: TopSnapshot, _ view: TopView = TopView(), columns: Int = 100, rows: Int? = 16
) -> [String] {
  TopFrame(snapshot, view: view, columns: columns, rows: rows).lines.map(\.text)
}

private func view(_ keys: String) -> TopView {
  var view = TopView()
  for key in keys.utf8 { _ = view.press(key) }
  return view
}

@Suite struct `The picture of a node in the terminal` {
  @Test func `has the node, its rates, its regions and what has happened`() {
    #expect(
      texts(snapshot()) == [
        "edge-1  0.1.0  ready  up 2 h  edition 12  revision 3",
        "DNS 12,346/s  proxy 0.3/s  5 of 6 endpoints healthy  1 override",
        "",
        "REGION  HEALTH      UP  DNS/s  PROXY/s  SHARE      LOAD  TAKES",
        "lima    healthy    2/2   60.0     10.0   70 %         -  100 %",
        "oslo    unhealthy  1/2    0.0      0.0    0 %         -  100 %",
        "tokyo   healthy    2/2   30.0      0.0   30 %  80.0/100   50 %",
        "",
        "EVENTS (UTC)",
        "10:04:31 region health oslo/web healthy → unhealthy (connection refused)",
        "10:04:30 override set lima up by ann",
        "", "", "", "",
        "q quit  p pause  s sort (by name)",
      ])
    let styles = TopFrame(snapshot(), view: TopView(), columns: 100, rows: 16).lines.map(\.style)
    #expect(styles[5] == .warning && styles[6] == .plain && styles[0] == .title)
  }

  @Test(arguments: [
    ("", ["lima", "oslo", "tokyo"]), ("s", ["lima", "tokyo", "oslo"]),
    ("ss", ["oslo", "lima", "tokyo"]), ("sss", ["lima", "oslo", "tokyo"]),
  ])
  func `sorts the regions as the key s says`(keys: String, names: [String]) {
    let lines = texts(snapshot(), view(keys))[4..<7]
    #expect(lines.map { $0.prefix { $0 != " " } } == names.map { $0[...] })
  }

  @Test func `says that it is held, and how to go on`() {
    let lines = texts(snapshot(), view("p"))
    #expect(lines[2] == "paused" && lines.last?.contains("p go on") == true)
    #expect(texts(snapshot(), view("pp"))[2] == "")
  }

  @Test func `ends with q and with what Ctrl-C sends, and with no other key`() {
    var view = TopView()
    let ends = (UInt8.min ... .max).filter { !view.press($0) }
    #expect(ends == [3, UInt8(ascii: "Q"), UInt8(ascii: "q")])
  }

  @Test func `says plainly that the connection is lost, over all else`() {
    var lost = snapshot()
    lost.loss = .init(seconds: 130, reason: "nobody listens there")
    let wanted =
      "CONNECTION LOST 2 min ago: nobody listens there  what is shown is from before"
    #expect(texts(lost, view("p"))[2] == wanted)
    var never = TopSnapshot(address: "http://127.0.0.1:1")
    #expect(texts(never)[..<2] == ["azimuth top  http://127.0.0.1:1", "connecting"])
    never.loss = .init(seconds: 1, reason: "nobody listens there")
    #expect(texts(never)[1] == "CONNECTION LOST 1 s ago: nobody listens there")
  }

  @Test func `knows no rates before it has asked twice`() {
    var first = snapshot()
    (first.dnsRate, first.proxyRate) = (nil, nil)
    for index in first.regions.indices {
      (first.regions[index].dnsRate, first.regions[index].proxyRate) = (nil, nil)
    }
    let lines = texts(first)
    #expect(lines[1].hasPrefix("DNS -/s  proxy -/s"))
    #expect(
      lines[4].split(separator: " ") == ["lima", "healthy", "2/2", "-", "-", "-", "-", "100", "%"])
  }

  @Test func `fits every size: as many lines as there are, none longer, the keys last`() {
    var many = snapshot()
    for index in 0..<40 {
      many.regions.append(
        .init(name: "region-\(index)", standing: "healthy", healthyEndpoints: 1, endpoints: 1))
      many.events.append(.init(at: "2026-11-27T10:00:00Z", kind: "region_health", subject: "x"))
    }
    for columns in 1...120 {
      for rows in [1, 2, 3, 5, 8, 13, 24, 60, 200] {
        let lines = texts(many, columns: columns, rows: rows)
        #expect(lines.count == rows && lines.allSatisfy { $0.count <= columns })
        if rows >= 8 && columns >= 40 {
          #expect(lines.last?.hasPrefix("q quit") == true)
          #expect(lines.contains { $0.hasPrefix("REGION") })
        }
      }
    }
    let lines = texts(many, rows: 24)
    #expect(lines.contains { $0.hasPrefix("… and ") } && lines.contains("EVENTS (UTC)"))
    #expect(texts(many, rows: nil).count == 3 + 44 + 44 + 1)
  }

  /// Columns from the right go first; the name of a region stays.
  @Test func `leaves columns out where there is no room`() {
    #expect(texts(snapshot(), columns: 30)[3] == "REGION  HEALTH      UP  DNS/s")
    #expect(texts(snapshot(), columns: 8)[3] == "REGION")
  }

  /// Whoever may set an override may not speak to the terminal of whoever looks.
  @Test func `shows nothing that a terminal would obey`() {
    var evil = snapshot()
    evil.events[0].cause = "\u{1B}]0;owned\u{07}\u{9B}2J\r\n\u{202E}x"
    evil.loss = .init(seconds: 1, reason: "\u{1B}c")
    for line in texts(evil) {
      #expect(line.unicodeScalars.allSatisfy { $0.value >= 32 && !(127...159).contains($0.value) })
    }
  }
}

@Suite struct `The metrics of a node` {
  @Test func `are read by name, with their labels`() {
    let text = """
      # HELP azimuth_a_total Something.
      azimuth_a_total{region="to\\"k\\\\yo",x="a\\nb"} 12
      azimuth_a_total_more{region="x"} 1
      azimuth_b_total 1.5e3
      azimuth_a_total{region="x" nonsense
      azimuth_c_total 3
      """
    let lines = MetricLine.all(of: ["azimuth_a_total", "azimuth_b_total"], in: text)
    #expect(
      lines == [
        .init(name: "azimuth_a_total", labels: ["region": "to\"k\\yo", "x": "a\nb"], value: 12),
        .init(name: "azimuth_b_total", labels: [:], value: 1_500),
      ])
  }

  @Test func `grow by so much a second, once there are two, and of the same process`() {
    var meter = RateMeter()
    #expect(meter.take(["a": 10], at: .seconds(1)) == nil)
    #expect(meter.take(["a": 16, "b": 4], at: .seconds(3)) == ["a": 3, "b": 2])
    #expect(meter.take(["a": 16, "b": 4], at: .seconds(3)) == nil)
    // It was started anew.
    #expect(meter.take(["a": 1, "b": 4], at: .seconds(4)) == nil)
    #expect(meter.take(["a": 2, "b": 4], at: .seconds(5)) == ["a": 1, "b": 0])
  }
}
