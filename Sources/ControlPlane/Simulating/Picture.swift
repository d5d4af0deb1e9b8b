/// The report as a picture: for each service a pair of bars a region, before and after.
extension SimulationReport {
  /// SVG 1.1, of its own and without scripts.
  package var picture: String {
    let charts = services.map { Chart($0) }
    let height = 96 + charts.reduce(0) { $0 + $1.height }
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(Chart.width)" height="\(height)" \
      viewBox="0 0 \(Chart.width) \(height)" font-family="sans-serif" font-size="13">
      <rect width="100%" height="100%" fill="white"/>
      \(label("What if: \(scenario.joined(separator: "; "))", x: 16, y: 28, size: 17))
      \(label("\(grouped(weight)): \(populationSource)", x: 16, y: 48, fill: "#666"))
      """
    ]
    var top = 64
    for chart in charts {
      parts.append(chart.drawing(top: top))
      top += chart.height
    }
    parts.append(
      label("IP Geolocation by DB-IP (https://db-ip.com)", x: 16, y: top + 16, fill: "#666"))
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }
}

/// The bars of one service.
private struct Chart {
  static let width = 900
  private static let rowHeight = 36
  private static let barLeft = 150.0
  private static let barWidth = 470.0

  private let service: SimulationReport.Service
  private let rows: [SimulationReport.Region]
  private let largest: Double

  init(_ service: SimulationReport.Service) {
    self.service = service
    rows = (service.regions + [service.refused]).filter { $0.shareBefore > 0 || $0.shareAfter > 0 }
    largest = max(rows.map { max($0.shareBefore, $0.shareAfter) }.max() ?? 1, 0.001)
  }

  var height: Int { 48 + rows.count * Self.rowHeight }

  func drawing(top: Int) -> String {
    var title = "\(service.name): \(percent(service.movedShare)) move"
    if let before = service.latencyBefore, let after = service.latencyAfter {
      title +=
        ", median \(tenths(before.medianMilliseconds)) → \(tenths(after.medianMilliseconds)) ms, "
        + "p95 \(tenths(before.p95Milliseconds)) → \(tenths(after.p95Milliseconds)) ms"
    }
    let bars = rows.enumerated().map { bar($0.element, top: top + 36 + $0.offset * Self.rowHeight) }
    return ([label(title, x: 16, y: top + 22, size: 15)] + bars).joined(separator: "\n")
  }

  private func bar(_ row: SimulationReport.Region, top: Int) -> String {
    let colour =
      row.name == "refused" ? "#c0392b" : row.shareAfter > row.shareBefore ? "#d35400" : "#2471a3"
    let figures =
      "\(percent(row.shareBefore)) → \(percent(row.shareAfter)), \(grouped(row.loadAfter))"
    return [
      label(row.name, x: 16, y: top + 19),
      rectangle(row.shareBefore, top: top, fill: "#bbb"),
      rectangle(row.shareAfter, top: top + 14, fill: colour),
      label(figures, x: Int(Self.barLeft + Self.barWidth) + 12, y: top + 19),
    ].joined(separator: "\n")
  }

  private func rectangle(_ share: Double, top: Int, fill: String) -> String {
    let width = tenths(share / largest * Self.barWidth)
    return "<rect x=\"\(Int(Self.barLeft))\" y=\"\(top)\" width=\"\(width)\" height=\"12\" "
      + "fill=\"\(fill)\"/>"
  }
}

private func label(_ text: String, x: Int, y: Int, size: Int = 13, fill: String = "#222") -> String
{
  "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" fill=\"\(fill)\">\(escaped(text))</text>"
}

private func escaped(_ text: String) -> String {
  text.reduce(into: "") { result, character in
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    default: result.append(character)
    }
  }
}
