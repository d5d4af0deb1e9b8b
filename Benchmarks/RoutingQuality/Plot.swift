/// The learning curves as a picture: the mean excess of the n-th request, and by distance alone as
/// a dashed line.
struct LearningPlot {
  let curves: [(title: String, distance: Double, curve: [Double])]

  private let width = 760.0
  private let height = 420.0
  private let left = 60.0
  private let bottom = 50.0
  private let colours = ["#1b6ca8", "#c1440e", "#2a7f3e", "#7b3fa0", "#b8860b", "#555555"]

  private var top: Double {
    max(1, curves.map { max($0.distance, $0.curve.max() ?? 0) }.max() ?? 1) * 1.05
  }
  private var length: Int { max(2, curves.map(\.curve.count).max() ?? 2) }

  var svg: String {
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" \
      font-family="sans-serif" font-size="13">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(left)" y="20">Mean excess over the best region, ms, weighted by users</text>
      <text x="\(width / 2)" y="\(height - 8)" text-anchor="middle">request of a network</text>
      """
    ]
    parts += gridLines
    for (index, curve) in curves.enumerated() {
      parts += lines(of: curve, colour: colours[index % colours.count], row: index)
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private var gridLines: [String] {
    (0...5).flatMap { step -> [String] in
      let value = top * Double(step) / 5
      let request = 1 + (length - 1) * step / 5
      return [
        "<line x1=\"\(left)\" x2=\"\(width - 20)\" y1=\"\(y(value))\" y2=\"\(y(value))\" "
          + "stroke=\"#ddd\"/>",
        "<text x=\"\(left - 8)\" y=\"\(y(value) + 4)\" text-anchor=\"end\">\(fixed(value))</text>",
        "<text x=\"\(x(request - 1))\" y=\"\(height - bottom + 18)\" text-anchor=\"middle\">"
          + "\(request)</text>",
      ]
    }
  }

  private func lines(
    of curve: (title: String, distance: Double, curve: [Double]), colour: String, row: Int
  ) -> [String] {
    let points = curve.curve.enumerated().map { "\(fixed(x($0))),\(fixed(y($1)))" }
    let distance = y(curve.distance)
    return [
      "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" points=\""
        + points.joined(separator: " ") + "\"/>",
      "<line x1=\"\(left)\" x2=\"\(width - 20)\" y1=\"\(distance)\" y2=\"\(distance)\" "
        + "stroke=\"\(colour)\" stroke-dasharray=\"6 5\"/>",
      "<text x=\"\(width - 150)\" y=\"\(50 + 18 * row)\" fill=\"\(colour)\">\(curve.title)"
        + "</text>",
    ]
  }

  private func x(_ request: Int) -> Double {
    left + (width - 20 - left) * Double(request) / Double(length - 1)
  }

  private func y(_ milliseconds: Double) -> Double {
    let room = height - bottom - 35
    return height - bottom - room * milliseconds / top
  }
}
