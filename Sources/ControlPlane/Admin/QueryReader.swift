import Hummingbird

/// The query of a request, read strictly: what nobody asked for is an error, so that a misspelt
/// parameter is not passed over.
struct QueryReader {
  private var values: [String: String] = [:]
  private(set) var errors: [Problem.Item] = []

  init(_ request: Request, known: [String]) {
    for (key, value) in request.uri.queryParameters {
      let name = String(key)
      if !known.contains(name) {
        report(name, "unknown parameter; known are \(known.joined(separator: ", "))")
      } else if values[name] != nil {
        report(name, "given twice")
      } else {
        values[name] = String(value)
      }
    }
  }

  /// nil where it is missing; an empty one counts as given.
  subscript(name: String) -> String? { values[name] }

  mutating func report(_ parameter: String, _ detail: String) {
    errors.append(Problem.Item(detail: detail, parameter: parameter))
  }

  /// False where it is missing.
  mutating func flag(_ name: String) -> Bool {
    if let value = values[name], !["0", "1", "true", "false"].contains(value) {
      report(name, "wants true or false")
    }
    return ["1", "true"].contains(values[name])
  }

  /// nil where it is missing, or wrong.
  mutating func number(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = values[name] else { return nil }
    if let number = Int(text), range.contains(number) { return number }
    report(name, "wants a whole number from \(range.lowerBound) to \(range.upperBound)")
    return nil
  }

  var problem: Problem { Problem(.badRequest, "the query is not understood", errors: errors) }
}
