/// What `azimuth top` shows: a function of what is known, what was chosen, and the room there is.
package struct TopFrame: Sendable, Equatable {
  package enum Style: Sendable, Equatable {
    case plain, title, warning, faint
  }

  package struct Line: Sendable, Equatable {
    package var text: String
    package var style: Style
  }

  package let lines: [Line]

  /// - Parameters:
  ///   - columns: no line is longer.
  ///   - rows: there are no more lines; nil: as many as it takes.
  ///   - hasKeys: somebody can press some.
  package init(
    _ snapshot: TopSnapshot, view: TopView, columns: Int, rows: Int? = nil, hasKeys: Bool = true
  ) {
    var top = Self.head(snapshot, view)
    let bottom = hasKeys ? [Self.keys(view)] : []
    let room = rows.map { max(0, $0 - top.count - bottom.count) }
    let table = Self.regions(snapshot, view, columns: columns)
    let events = Self.events(snapshot)
    // Where there is not room for all, events get a third of it.
    let eventRoom = room.map { min(events.count, max($0 / 3, $0 - table.count)) } ?? events.count
    let tableRoom = room.map { $0 - eventRoom } ?? table.count
    top += Self.cut(table, to: tableRoom)
    top += events.prefix(eventRoom)
    if let rows {
      top += Array(
        repeating: Line(text: "", style: .plain), count: max(0, rows - top.count - bottom.count))
    }
    lines = (top + bottom).prefix(rows ?? .max).map {
      Line(text: Self.fitted($0.text, columns), style: $0.style)
    }
  }

  private static func head(_ snapshot: TopSnapshot, _ view: TopView) -> [Line] {
    var lines: [Line] = []
    if snapshot.node.isEmpty {
      lines.append(Line(text: "azimuth top  \(snapshot.address)", style: .title))
    } else {
      let words = [
        "\(snapshot.node)  \(snapshot.version)", snapshot.isReady ? "ready" : "NOT READY",
        "up \(span(snapshot.uptimeSeconds))", "edition \(snapshot.edition)",
        "revision \(snapshot.revision)",
      ]
      lines.append(Line(text: words.joined(separator: "  "), style: .title))
      let overrides = snapshot.overrides == 1 ? "1 override" : "\(snapshot.overrides) overrides"
      let counts = [
        "DNS \(rate(snapshot.dnsRate))/s", "proxy \(rate(snapshot.proxyRate))/s",
        "\(snapshot.healthyEndpoints) of \(snapshot.endpoints) endpoints healthy", overrides,
      ]
      lines.append(Line(text: counts.joined(separator: "  "), style: .plain))
    }
    lines.append(state(snapshot, view))
    return lines
  }

  private static func state(_ snapshot: TopSnapshot, _ view: TopView) -> Line {
    if let loss = snapshot.loss {
      let known = snapshot.node.isEmpty ? "" : "  what is shown is from before"
      return Line(
        text: "CONNECTION LOST \(span(loss.seconds)) ago: \(loss.reason)\(known)", style: .warning)
    }
    if view.isPaused { return Line(text: "paused", style: .warning) }
    return Line(text: snapshot.node.isEmpty ? "connecting" : "", style: .plain)
  }

  private static func keys(_ view: TopView) -> Line {
    let pause = view.isPaused ? "p go on" : "p pause"
    return Line(text: "q quit  \(pause)  s sort (by \(view.order.rawValue))", style: .faint)
  }

  // MARK: regions

  private struct Column {
    var title: String
    var isNumber: Bool
    var texts: [String]
  }

  /// Columns from the right are left out where there is no room for them.
  private static func regions(
    _ snapshot: TopSnapshot, _ view: TopView, columns: Int
  ) -> [Line] {
    guard !snapshot.regions.isEmpty else { return [] }
    let regions = sorted(snapshot.regions, by: view.order)
    let total = regions.reduce(0) { $0 + $1.rate }
    let all = [
      Column(title: "REGION", isNumber: false, texts: regions.map { clipped($0.name, 24) }),
      Column(title: "HEALTH", isNumber: false, texts: regions.map(\.standing)),
      Column(
        title: "UP", isNumber: true, texts: regions.map { "\($0.healthyEndpoints)/\($0.endpoints)" }
      ),
      Column(title: "DNS/s", isNumber: true, texts: regions.map { rate($0.dnsRate) }),
      Column(title: "PROXY/s", isNumber: true, texts: regions.map { rate($0.proxyRate) }),
      Column(
        title: "SHARE", isNumber: true,
        texts: regions.map { total > 0 ? percent($0.rate / total) : "-" }),
      Column(title: "LOAD", isNumber: true, texts: regions.map(load)),
      Column(title: "TAKES", isNumber: true, texts: regions.map { percent($0.admission) }),
    ]
    var width = 0
    let shown = all.prefix { column in
      width += self.width(column) + (width == 0 ? 0 : 2)
      return width <= columns || column.title == "REGION"
    }
    func line(_ text: (Column) -> String) -> String {
      shown.map { column in
        let text = text(column)
        let blanks = String(repeating: " ", count: max(0, self.width(column) - text.count))
        return column.isNumber ? blanks + text : text + blanks
      }.joined(separator: "  ")
    }
    return [Line(text: line(\.title), style: .faint)]
      + regions.indices.map { index in
        let isWell = ["healthy", "up"].contains(regions[index].standing)
        return Line(text: line { $0.texts[index] }, style: isWell ? .plain : .warning)
      }
  }

  private static func width(_ column: Column) -> Int {
    column.texts.reduce(column.title.count) { max($0, $1.count) }
  }

  private static func sorted(
    _ regions: [TopSnapshot.Region], by order: TopView.Order
  ) -> [TopSnapshot.Region] {
    switch order {
    case .name: regions.sorted { $0.name < $1.name }
    case .rate: regions.sorted { ($1.rate, $0.name) < ($0.rate, $1.name) }
    case .health:
      regions.sorted {
        ($0.standing == "healthy" ? 1 : 0, $0.name) < ($1.standing == "healthy" ? 1 : 0, $1.name)
      }
    }
  }

  private static func load(_ region: TopSnapshot.Region) -> String {
    guard let load = region.load else { return "-" }
    return rate(load) + (region.limit.map { "/\(rate($0))" } ?? "")
  }

  private static func cut(_ table: [Line], to room: Int) -> [Line] {
    guard table.count > room else { return table }
    guard room > 0 else { return [] }
    let hidden = table.count - room + 1
    return Array(table.prefix(room - 1))
      + [Line(text: "… and \(hidden) more", style: .faint)]
  }

  // MARK: events

  private static func events(_ snapshot: TopSnapshot) -> [Line] {
    guard !snapshot.events.isEmpty else { return [] }
    return [
      Line(text: "", style: .plain), Line(text: "EVENTS (UTC)", style: .faint),
    ]
      + snapshot.events.map { event in
        var words = [clock(event.at), event.kind.map { $0 == "_" ? " " : String($0) }.joined()]
        if !event.subject.isEmpty { words.append(event.subject) }
        if let to = event.to { words.append("\(event.from.map { "\($0) → " } ?? "")\(to)") }
        if let cause = event.cause { words.append("(\(cause))") }
        if let author = event.author { words.append("by \(author)") }
        return Line(text: words.joined(separator: " "), style: .plain)
      }
  }

  /// `10:04:31` of `2026-11-27T10:04:31.123Z`.
  private static func clock(_ moment: String) -> String {
    String(moment.drop { $0 != "T" }.dropFirst().prefix(8))
  }

  // MARK: texts

  /// Cut where it is too long, and without what a terminal would obey: what people have written
  /// comes from anywhere.
  private static func fitted(_ text: String, _ columns: Int) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
        result.unicodeScalars.append("?")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return clipped(result, columns)
  }

  private static func clipped(_ text: String, _ columns: Int) -> String {
    text.count <= columns ? text : text.prefix(max(0, columns - 1)) + (columns > 0 ? "…" : "")
  }

  /// With one digit behind the point below a hundred; `-`: not known yet.
  static func rate(_ value: Double?) -> String {
    guard let value, value.isFinite, value < 1e15 else { return "-" }
    guard value < 99.95 else {
      let digits = String(Int(value.rounded()))
      var result = ""
      for (index, digit) in digits.enumerated() {
        if index > 0 && (digits.count - index) % 3 == 0 { result.append(",") }
        result.append(digit)
      }
      return result
    }
    let tenths = Int((max(0, value) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func percent(_ share: Double) -> String {
    // Of a load beyond all measure.
    guard !share.isNaN else { return "-" }
    return "\(Int((min(max(share, 0), 1) * 100).rounded())) %"
  }

  /// `12 s`, `3 min`, `5 h`, `2 d`.
  private static func span(_ seconds: Int) -> String {
    switch seconds {
    case ..<120: "\(max(0, seconds)) s"
    case ..<7_200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3_600) h"
    default: "\(seconds / 86_400) d"
    }
  }
}
