import Hummingbird

/// The query of a request, read strictly: what nobody asked for is an error, so that a misspelt
/// parameter is not passed over.
struct QueryReader {
  private var values: [String: [String]] = [:]
  private(set) var errors: [Problem.Item] = []

  /// - Parameters:
  ///   - known: the parameters that there are, of which each may be given once.
  ///   - lists: those that may be given several times.
  init(_ request: Request, known: [String] = [], lists: [String] = []) {
    let names = known + lists
    for (key, value) in request.uri.queryParameters {
      let name = String(key)
      if names.isEmpty {
        report(name, "unknown parameter; there is none at this path")
      } else if !names.contains(name) {
        report(name, "unknown parameter; known are \(names.joined(separator: ", "))")
      } else if values[name] != nil, !lists.contains(name) {
        report(name, "given twice")
      } else {
        values[name, default: []].append(String(value))
      }
    }
  }

  /// nil where it is missing; an empty one counts as given.
  subscript(name: String) -> String? { values[name]?.first }

  /// Each that was given.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  mutating func report(_ parameter: String, _ detail: String) {
    errors.append(Problem.Item(detail: detail, parameter: parameter))
  }

  /// False where it is missing.
  mutating func flag(_ name: String) -> Bool {
    if let value = self[name], !["0", "1", "true", "false"].contains(value) {
      report(name, "wants true or false")
    }
    return ["1", "true"].contains(self[name])
  }

  /// nil where it is missing, or wrong.
  mutating func number(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = self[name] else { return nil }
    if let number = Int(text), range.contains(number) { return number }
    report(name, "wants a whole number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }

  var problem: Problem { Problem(.badRequest, "the query is not understood", errors: errors) }
}
