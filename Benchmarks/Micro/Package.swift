// swift-tools-version:6.2
import PackageDescription

// A package of its own, so that nothing that only benchmarks need comes near the product. The
// modules measured are links into the project's Sources.

let guarded: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
]

let package = Package(
  name: "micro",
  dependencies: [
    .package(url: "https://github.com/ordo-one/benchmark.git", exact: "1.38.1", traits: [])
  ],
  targets: [
    .target(name: "Places", path: "Sources/Places", swiftSettings: guarded),
    .systemLibrary(name: "CMaxMindDB", path: "Sources/CMaxMindDB", pkgConfig: "libmaxminddb"),
    .target(
      name: "MaxMind", dependencies: ["CMaxMindDB", "Places"], path: "Sources/MaxMind",
      swiftSettings: guarded),
    .executableTarget(
      name: "AddressLookup",
      dependencies: [
        "MaxMind", "Places", .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/AddressLookup",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
