/// Where in the configuration something was said.
package struct Origin: Sendable, Equatable {
  package var file: String
  /// From 1; nil where the file has no such place (a missing key).
  package var line: Int?
  /// Such as `zones.example.org.records[3]`; empty for the file as a whole.
  package var path: String

  package init(file: String, line: Int? = nil, path: String = "") {
    self.file = file
    self.line = line
    self.path = path
  }
}
