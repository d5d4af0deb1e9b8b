import Testing

/// The walls between the modules: Package.swift says who may import whom, and nothing else is true.
@Suite struct `The arrows between modules` {
  static let manifest = Manifest(Repository.text("Package.swift"))

  /// Part of the toolchain.
  static let toolchain: Set = [
    "Swift", "Synchronization", "Foundation", "FoundationEssentials", "FoundationNetworking",
    "Glibc", "Musl", "Dispatch", "Testing",
  ]

  /// Modules that come with a product and have no product of their own in our reach.
  static let broughtAlong = [
    "HTTPTypes": "Hummingbird", "NIOFoundationCompat": "NIOCore",
    "NIOConcurrencyHelpers": "NIOCore",
    "NIOTLS": "NIOSSL", "UnixSignals": "ServiceLifecycle",
  ]

  private static func imports(of target: Manifest.Target) -> Set<String> {
    Repository.swiftFiles.filter { $0.path.hasPrefix("\(target.path)/") }
      .reduce(into: []) { $0.formUnion($1.imports) }
  }

  @Test func `every target is found in the manifest, and every folder has a target`() {
    #expect(Self.manifest.targets.count > 10)
    for target in Self.manifest.targets {
      #expect(Repository.exists(target.path), "\(target.name) has no folder \(target.path)")
    }
    let paths = Repository.swiftFiles.map(\.path).filter { path in
      path.hasPrefix("Sources/") || path.hasPrefix("Tests/")
    }
    let homeless = paths.filter { path in
      !Self.manifest.targets.contains { path.hasPrefix("\($0.path)/") }
    }
    #expect(homeless.isEmpty, "in no target: \(homeless)")
  }

  @Test(arguments: manifest.targets.filter { $0.kind != "systemLibrary" })
  func `a target declares what it imports, and imports what it declares`(
    target: Manifest.Target
  ) {
    guard Repository.swiftFiles.contains(where: { $0.path.hasPrefix("\(target.path)/") }) else {
      return  // written in C
    }
    let imported = Self.imports(of: target).subtracting(Self.toolchain)
    let undeclared = imported.subtracting(target.dependencies).filter { module in
      !target.dependencies.contains(Self.broughtAlong[module] ?? "")
    }
    #expect(undeclared.isEmpty, "\(target.name) imports without declaring: \(undeclared.sorted())")
    // The tests of the program run it; they don't import it.
    let unused = target.dependencies.subtracting(imported).subtracting(["azimuth"])
    #expect(unused.isEmpty, "\(target.name) declares and never imports: \(unused.sorted())")
  }

  @Test func `Core imports only Core and the standard library`() {
    let core = Self.manifest.targets.filter { $0.path.hasPrefix("Sources/Core/") }
    // The C library for its mathematics; what else it has, the banned words keep out.
    let allowed = Set(core.map(\.name)).union(["Swift", "Synchronization", "Glibc", "Musl"])
    #expect(core.count >= 7)
    for target in core {
      let others = Self.imports(of: target).subtracting(allowed)
      #expect(others.isEmpty, "\(target.name) imports \(others.sorted())")
    }
  }

  @Test func `the data plane and the control plane never import each other`() {
    let planes = ["Sources/DataPlane/", "Sources/ControlPlane/"].map { folder in
      Self.manifest.targets.filter { $0.path.hasPrefix(folder) }
    }
    for (plane, other) in [(planes[0], planes[1]), (planes[1], planes[0])] {
      let forbidden = Set(other.map(\.name))
      #expect(!plane.isEmpty)
      for target in plane {
        let crossing = Self.imports(of: target).intersection(forbidden)
        #expect(crossing.isEmpty, "\(target.name) imports \(crossing.sorted())")
      }
    }
  }

  @Test func `every module of Core has tests`() {
    let tests = Set(Self.manifest.targets.filter(\.isTest).map(\.name))
    let core = Self.manifest.targets.filter { $0.path.hasPrefix("Sources/Core/") }
    let untested = core.map(\.name).filter { !tests.contains("\($0)Tests") }
    #expect(untested.isEmpty, "without tests: \(untested)")
  }
}
