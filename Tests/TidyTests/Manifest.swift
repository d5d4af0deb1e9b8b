/// What Package.swift says of its targets, read from its text: the manifest cannot be asked while
/// SwiftPM runs the tests.
struct Manifest: Sendable {
  struct Target: Sendable {
    var kind: String
    var name: String
    var path: String
    /// Names of targets and products.
    var dependencies: Set<String>
    var isTest: Bool { kind == "testTarget" }
  }

  let targets: [Target]
  /// Modules of other packages that some target names.
  let products: Set<String>

  /// - Parameter text: of a Package.swift whose shared dependencies are `let`s of one product each.
  init(_ text: String) {
    var products: [String: String] = [:]
    for match in text.matches(
      of: #/let (\w+): Target\.Dependency = \.product\(\s*name: "(\w+)"/#)
    {
      products[String(match.1)] = String(match.2)
    }
    self.products = Set(products.values)
    let body = text.firstRange(of: "targets: [\n").map { text[$0.upperBound...] } ?? ""
    targets = body.matches(
      of: #/[.\s](target|executableTarget|testTarget|systemLibrary|core|dataPlane|controlPlane)\(/#
    ).map { match in
      Self.target(
        String(match.1),
        arguments: Self.upToParenthesis(body[match.range.upperBound...]), products: products)
    }
  }

  /// Of the manifest's functions, which stand for a target each.
  private static let planes = [
    "core": "Sources/Core", "dataPlane": "Sources/DataPlane",
    "controlPlane": "Sources/ControlPlane",
  ]

  private static func target(
    _ kind: String, arguments: Substring, products: [String: String]
  ) -> Target {
    let name = arguments.firstMatch(of: #/(?:name: |^\s*)"(\w+)"/#).map { String($0.1) } ?? ""
    let path = arguments.firstMatch(of: #/path: "([^"]+)"/#).map { String($0.1) }
    let folder = planes[kind] ?? (kind == "testTarget" ? "Tests" : "Sources")
    let list = arguments.firstMatch(of: #/(?:dependencies: |^\s*"\w+",\s*)\[([^\]]*)\]/#)?.1 ?? ""
    let dependencies = list.split(separator: ",").compactMap { element -> String? in
      let word = element.trimmingPrefix { $0.isWhitespace }.prefix { !$0.isWhitespace }
      if word.hasPrefix("\"") { return String(word.dropFirst().dropLast()) }
      return word.isEmpty ? nil : products[String(word)] ?? String(word)
    }
    return Target(
      kind: planes[kind] == nil ? kind : "target", name: name, path: path ?? "\(folder)/\(name)",
      dependencies: Set(dependencies))
  }

  private static func upToParenthesis(_ text: Substring) -> Substring {
    var depth = 1
    let end = text.firstIndex { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return depth == 0
    }
    return text[..<(end ?? text.endIndex)]
  }
}
