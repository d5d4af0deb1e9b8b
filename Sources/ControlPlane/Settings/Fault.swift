/// One thing wrong in what people wrote (settings, zone data, override files): where, what was
/// found, what was wanted, how to mend it.
package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
  package var origin: Origin
  /// A sentence: what was found and what is wanted.
  package var message: String
  /// How to mend it, such as a near spelling; nil where the message says it all.
  package var suggestion: String?

  package init(origin: Origin, message: String, suggestion: String? = nil) {
    self.origin = origin
    self.message = message
    self.suggestion = suggestion
  }

  /// `config/azimuth.yaml:12: regions.tokyo.locaton: unknown key; did you mean "location"?`
  package var description: String {
    let line = origin.line.map { ":\($0)" } ?? ""
    let path = origin.path.isEmpty ? "" : " \(origin.path):"
    let hint = suggestion.map { "; \($0)" } ?? ""
    return "\(origin.file)\(line):\(path) \(message)\(hint)"
  }
}

/// All faults of one reading, at least one.
package struct Faults: Error, Sendable, CustomStringConvertible {
  package var faults: [Fault]
  package init(_ faults: [Fault]) { self.faults = faults }
  package var description: String { faults.map(\.description).joined(separator: "\n") }
}
