import Testing

@Suite struct `The documents` {
  @Test(arguments: [
    "README.md", "LICENSE", "NOTICE", "CHANGELOG.md", "docs/architecture.md", "docs/glossary.md",
    "docs/configuration.md", "docs/conformance.md", "docs/fuzzing.md", "geodata/README.md",
    ".ci/run", "Makefile",
  ])
  func `a document is there`(path: String) {
    #expect(Repository.exists(path))
  }

  @Test func `every Swift file that the architecture names exists`() {
    let text = Repository.text("docs/architecture.md")
    let named = Set(text.matches(of: #/[\w+\/]+\.swift\b/#).map { String($0.output) })
    let missing = named.filter { name in
      !Repository.files.contains { $0 == name || $0.hasSuffix("/\(name)") }
    }
    #expect(missing.isEmpty, "docs/architecture.md names \(missing.sorted())")
  }

  /// Tests are called as sentences, so everything with a space between backticks is one.
  @Test func `every test that the table of conformance names exists`() {
    let tests = Set(
      Repository.swiftFiles.filter { $0.path.hasPrefix("Tests/") }
        .flatMap { Repository.text($0.path).matches(of: #/func `([^`]+)`/#).map(\.1) })
    let path = "docs/conformance.md"
    let blots = lines(of: path).flatMap { number, line in
      line.matches(of: #/`([^`]+)`/#).filter { $0.1.contains(" ") && !tests.contains($0.1) }
        .map { Blot(path: path, line: number, message: "there is no test \($0.1)") }
    }
    #expect(lines(of: path).count > 50)
    report(blots)
  }

  /// What it links to is looked up by `make documentation`.
  @Test func `the catalogue of the reference lists every module`() {
    let listed = Repository.text("docs/Azimuth.docc/Azimuth.md").matches(of: #/``\/(\w+)``/#)
      .map { String($0.1) }
    let modules = Set(
      Repository.swiftFiles.compactMap { file in
        file.path.firstMatch(of: #/^Sources\/(?:Core|DataPlane|ControlPlane)\/(\w+)\//#)
          .map { String($0.1) }
      })
    #expect(listed.count == Set(listed).count)
    #expect(Set(listed) == modules)
  }

  @Test func `every folder that a document names exists`() {
    let blots = documents.flatMap { path in
      lines(of: path).flatMap { number, line in
        line.matches(
          of: #/`((?:Sources|Tests|Benchmarks|config|docs|geodata|scripts)\/[^`\s*<…]*)`/#
        )
        .filter { !Repository.exists(String($0.1)) }
        .map { Blot(path: path, line: number, message: "there is no \($0.1)") }
      }
    }
    report(blots)
  }

  @Test func `every link from one document to another arrives`() {
    let blots = documents.flatMap { path in
      let folder = path.split(separator: "/").dropLast().joined(separator: "/")
      return lines(of: path).flatMap { number, line in
        line.matches(of: #/\]\(([^)#\s]+)[^)]*\)/#).map { String($0.1) }
          .filter { !$0.contains("://") && !$0.hasPrefix("mailto:") }
          .filter { !Repository.exists(folder.isEmpty ? $0 : "\(folder)/\($0)") }
          .map { Blot(path: path, line: number, message: "leads nowhere: \($0)") }
      }
    }
    report(blots)
  }

  @Test func `the README names the source of the geodata, as its licence asks`() {
    #expect(Repository.text("README.md").contains("[IP Geolocation by DB-IP](https://db-ip.com)"))
  }

  @Test func `the README's two commands are the Makefile's, and CI runs the second`() {
    let readme = Repository.text("README.md")
    let makefile = Repository.text("Makefile")
    for command in ["run", "test"] {
      #expect(readme.contains("\nmake \(command)"))
      #expect(makefile.contains("\n\(command):"))
    }
    #expect(Repository.text(".ci/run").contains("\nmake test\n"))
  }

  /// `make build` does not bring them.
  @Test func `the quick start says where the programs come from that it asks with`() {
    let text = Repository.text("docs/quick-start.md")
    let packages = ["dig": "dnsutils", "curl": "curl"]
    let installed = text.firstMatch(of: #/apt-get install (.*)/#).map { String($0.1) } ?? ""
    for (program, package) in packages where text.contains("\n\(program) ") {
      #expect(installed.contains(package))
    }
  }

  @Test func `the changelog begins with what is unreleased, in the four kinds`() {
    let headings = lines(of: "CHANGELOG.md").map(\.line).filter { $0.hasPrefix("##") }
    #expect(
      headings.prefix(5)
        == ["## Unreleased", "### Added", "### Changed", "### Fixed", "### Faster"])
  }

  private var documents: [String] { Repository.files.filter { $0.hasSuffix(".md") } }

  private func lines(of path: String) -> [(number: Int, line: Substring)] {
    zip(1..., Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false))
      .map { (number: $0.0, line: $0.1) }
  }
}
