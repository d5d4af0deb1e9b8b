/// What is wrong with a key's file. Never shows anything of a private key.
package struct KeyFileFault: Error, Sendable, Equatable, CustomStringConvertible {
  package var file: String
  /// From 1; nil: the file as a whole.
  package var line: Int?
  /// A sentence: what was found and what is wanted.
  package var message: String
  package var suggestion: String?

  init(file: String, line: Int? = nil, _ message: String, suggestion: String? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.suggestion = suggestion
  }

  package var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(message)" }
}
