// swift-tools-version:6.2
import PackageDescription

// One target a folder; `Tests/TidyTests` holds the arrows equal to the imports in the folders.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

/// Core and the data plane: every unsafe use is marked as such.
let guarded: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Tests that wait for other programs: what they test is optimised, they need not be.
let unoptimized: [SwiftSetting] = strict + [.unsafeFlags(["-Onone"])]

/// Off the hot path: tests may make values that only the module itself may make.
let testable: [SwiftSetting] = strict + [.unsafeFlags(["-enable-testing"])]

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(
  name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(
  name: "HummingbirdTesting", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let protobuf: Target.Dependency = .product(
  name: "SwiftProtobuf", package: "swift-protobuf")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// A folder of Sources/Core, of Sources/DataPlane, of Sources/ControlPlane.
func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/Core/\(name)", swiftSettings: guarded)
}

func dataPlane(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/DataPlane/\(name)",
    swiftSettings: guarded)
}

func controlPlane(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/ControlPlane/\(name)",
    swiftSettings: strict)
}

let package = Package(
  name: "azimuth",
  products: [.executable(name: "azimuth", targets: ["azimuth"])],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
    .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
    .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
    // Without its traits: nothing of them is used.
    .package(
      url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0", traits: []),
    .package(
      url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
  ],
  targets: [
    // Core: values and pure functions.
    core("DNSWire"),
    core("Places"),
    core("Counters"),
    core("Checksums"),
    core("ProxyProtocol", ["Checksums", "DNSWire", "Places"]),
    core("ServerNames", ["DNSWire"]),
    core("Zones", ["DNSWire"]),
    core("ZoneFiles", ["DNSWire", "Zones"]),
    core("Latency", ["Places"]),
    core("Layers"),
    core("Homes", ["DNSWire"]),
    core("Balancing", ["Places"]),
    core("Routing", ["Balancing", "Homes", "Latency", "Places", "ProxyProtocol"]),
    core("Admitting", ["Routing"]),
    core("Cookies", ["DNSWire", "Places"]),
    core("Signing", ["DNSWire", "Cookies"]),
    core("RateLimiting", ["Places"]),
    core("ClientLimits", ["Places", "RateLimiting"]),
    core(
      "Editions",
      [
        "DNSWire", "Zones", "Places", "Homes", "Routing", "Counters", "Cookies", "RateLimiting",
        "ServerNames", "Signing",
      ]),
    core(
      "Answering",
      [
        "DNSWire", "Zones", "Places", "Routing", "Editions", "Counters", "Cookies", "RateLimiting",
        "Signing",
      ]),

    // Data plane: sockets; per packet, per connection.
    .target(name: "CLinux", path: "Sources/DataPlane/CLinux"),
    dataPlane("Inheriting", ["CLinux", "Places"]),
    dataPlane(
      "Listening",
      [
        "CLinux", "Inheriting", "Answering", "ProxyProtocol", "DNSWire", "Places", "Editions",
        "Counters", "RateLimiting", "Tapping", "Sampling", nio, nioPosix, nioTLS, nioSSL,
      ]),
    .target(
      name: "Tapping", dependencies: ["CLinux", "Places", "Counters", protobuf],
      path: "Sources/DataPlane/Tapping", exclude: ["Schema/dnstap.proto"],
      swiftSettings: guarded),
    dataPlane("Sampling", ["CLinux", "DNSWire", "Places", "Editions", "Counters"]),
    .target(
      name: "CTLS", path: "Sources/DataPlane/CTLS",
      linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    dataPlane("Securing", ["CTLS"]),
    dataPlane(
      "Proxying",
      [
        "CLinux", "Inheriting", "Places", "Balancing", "ClientLimits", "ProxyProtocol",
        "ServerNames", "Routing", "Editions", "Counters", "Sampling", "Securing",
      ]),

    // Control plane: makes, replaces and shows editions.
    .systemLibrary(
      name: "CMaxMindDB", path: "Sources/CMaxMindDB", pkgConfig: "libmaxminddb",
      providers: [.apt(["libmaxminddb-dev"])]),
    .target(
      name: "MaxMind", dependencies: ["CMaxMindDB", "Places"],
      path: "Sources/ControlPlane/MaxMind", swiftSettings: guarded),
    controlPlane("Terminal"),
    controlPlane("Building", ["Places"]),
    .target(
      name: "Settings",
      dependencies: [
        "Announcing", "Balancing", "ClientLimits", "DNSWire", "Layers", "Places", "ProxyProtocol",
        "ServerNames", "StateFiles", crypto, yams,
      ],
      path: "Sources/ControlPlane/Settings", swiftSettings: testable),
    controlPlane(
      "Compiling",
      [
        "Settings", "MaxMind", "DNSWire", "Zones", "ZoneFiles", "Latency", "Places", "Homes",
        "Routing", "Editions", "Cookies", "RateLimiting", "Signing", "KeyFiles", "StateFiles",
      ]),
    .target(name: "CProbe", path: "Sources/ControlPlane/CProbe"),
    .target(name: "CSpawn", path: "Sources/ControlPlane/CSpawn"),
    controlPlane("Spawning", ["CSpawn"]),
    .target(
      name: "Probing",
      dependencies: [
        "CProbe", "Counters", "Settings", "Spawning", "Transferring", "ProxyProtocol", "DNSWire",
        "Routing",
        "Places", nio, nioPosix, nioTLS, nioHTTP2, nioHPACK, nioSSL, protobuf, logging,
      ],
      path: "Sources/ControlPlane/Probing", exclude: ["Schema/health.proto"],
      swiftSettings: testable),
    controlPlane(
      "Simulating",
      [
        "Settings", "Compiling", "Editions", "Admitting", "Routing", "Places", "ServerNames",
      ]),
    .target(name: "ConfigurationSchema", path: "Sources/ControlPlane/ConfigurationSchema"),
    controlPlane("Migrating", ["Places", "Settings", yams]),
    controlPlane("Demonstrating", ["Places", nio, nioPosix, nioHTTP1]),
    controlPlane(
      "Publishing",
      [
        "Announcing", "Compiling", "Settings", "StateFiles", "Admitting", "Routing", "Editions",
        "DNSWire", "Zones",
      ]),
    controlPlane("KeyFiles", ["DNSWire", crypto]),
    controlPlane("StateFiles"),
    controlPlane("Engine"),
    controlPlane("Etcd", ["Engine", httpClient, nio, nioHTTP1, nioSSL]),
    controlPlane(
      "Clustering",
      [
        "Announcing", "Checksums", "Engine", "Layers", "Publishing", "Routing", "Settings",
        "StateFiles",
      ]),
    controlPlane("Voting", ["Balancing", "Routing"]),
    controlPlane("Gating", ["Announcing", "Places"]),
    controlPlane(
      "SelfQuerying",
      [
        "DNSWire", "Places", "ProxyProtocol", "Transferring", nio, nioPosix,
      ]),
    controlPlane("Announcing", ["DNSWire", "StateFiles", "Editions", "Routing", crypto]),
    controlPlane(
      "Learning",
      [
        "Publishing", "Compiling", "Settings", "StateFiles", "Editions", "Routing", "Latency",
        "Places", logging,
      ]),
    .target(
      name: "Transferring",
      dependencies: ["DNSWire", "Zones", "Places", crypto],
      path: "Sources/ControlPlane/Transferring", swiftSettings: testable),
    .target(
      name: "Resolving",
      dependencies: ["Transferring", "DNSWire", "Places", "Editions", nio, nioPosix, logging],
      path: "Sources/ControlPlane/Resolving", swiftSettings: testable),
    controlPlane(
      "Replicating",
      [
        "Transferring", "StateFiles", "DNSWire", "Places", crypto, nio, nioPosix, logging,
      ]),
    .target(name: "Dashboard", path: "Sources/ControlPlane/Dashboard", exclude: ["pages"]),
    .target(
      name: "APIDocument", path: "Sources/ControlPlane/APIDocument", exclude: ["openapi.json"]),
    controlPlane(
      "Admin",
      [
        "APIDocument", "Admitting", "Announcing", "Clustering", "Counters", "Dashboard", "DNSWire",
        "Editions", "Gating", "Homes", "Latency", "Places", "Publishing", "Routing", "Settings",
        "Simulating", crypto, nio, nioPosix, nioSSL, httpTypes, hummingbird, hummingbirdCore,
        logging, lifecycle,
      ]),

    // The program: joins the planes; one file a verb.
    .executableTarget(
      name: "azimuth",
      dependencies: [
        "Admin", "Admitting", "Announcing", "Answering", "Balancing", "Building", "CLinux",
        "Clustering", "Compiling", "ConfigurationSchema", "Counters", "Demonstrating", "DNSWire",
        "Editions", "Engine", "Etcd", "Gating", "Homes", "Inheriting", "KeyFiles", "Latency",
        "Layers", "Learning", "Listening", "MaxMind", "Migrating", "Places", "Probing", "Proxying",
        "ProxyProtocol", "Publishing", "RateLimiting", "Replicating", "Resolving", "Routing",
        "Sampling", "Securing", "SelfQuerying", "ServerNames", "Settings", "Simulating",
        "Spawning", "StateFiles", "Tapping", "Terminal", "Transferring", "Voting", "Zones", nio,
        nioPosix, nioHTTP1, nioSSL, httpClient, arguments, logging, lifecycle, signals,
      ], path: "Sources/azimuth", swiftSettings: strict),

    // What one query costs, for `scripts/budgets`.
    .executableTarget(
      name: "ResponderRoad",
      dependencies: [
        "Answering", "DNSWire", "Zones", "Places", "Homes", "Routing", "Editions", "Counters",
        "RateLimiting", "Cookies", "Signing",
      ], path: "Benchmarks/ResponderRoad", swiftSettings: strict),

    // How well latencies route, for `make quality`.
    .executableTarget(
      name: "RoutingQuality", dependencies: ["Latency", "Places"],
      path: "Benchmarks/RoutingQuality",
      exclude: ["README.md", "azure-regions.csv", "azure-rtt.csv"], swiftSettings: strict),

    // Tests: one folder a module, and what holds for all of them.
    .target(
      name: "TestSupport", dependencies: ["Compiling", "Settings", "Places"],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "DNSWireTests", dependencies: ["DNSWire", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "CookiesTests", dependencies: ["Cookies", "DNSWire", "Places"], swiftSettings: strict),
    .testTarget(
      name: "SigningTests", dependencies: ["Signing", "Cookies", "DNSWire", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "RateLimitingTests", dependencies: ["RateLimiting", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ClientLimitsTests", dependencies: ["ClientLimits", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "CountersTests", dependencies: ["Counters", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "EditionsTests",
      dependencies: ["Editions", "DNSWire", "Places", "Routing", "Zones", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "PlacesTests", dependencies: ["Places", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "ChecksumsTests", dependencies: ["Checksums"], swiftSettings: strict),
    .testTarget(
      name: "ProxyProtocolTests", dependencies: ["ProxyProtocol", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ServerNamesTests", dependencies: ["ServerNames", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ZonesTests", dependencies: ["Zones", "DNSWire", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ZoneFilesTests", dependencies: ["ZoneFiles", "Zones", "DNSWire", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "LatencyTests", dependencies: ["Latency", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "LayersTests", dependencies: ["Layers", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "HomesTests", dependencies: ["Homes", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "BalancingTests", dependencies: ["Balancing", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "RoutingTests",
      dependencies: ["Routing", "Homes", "Latency", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "AdmittingTests", dependencies: ["Admitting", "Routing", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Admitting", "Clustering", "Probing", "Publishing", "Compiling", "Settings", "Routing",
        "Places", "Voting", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "AnsweringTests",
      dependencies: [
        "Answering", "DNSWire", "Zones", "Places", "Homes", "Routing", "Editions", "Counters",
        "Cookies", "RateLimiting", "Signing", "TestSupport", crypto,
      ], swiftSettings: strict),
    .testTarget(
      name: "ListeningTests",
      dependencies: [
        "Listening", "CLinux", "Answering", "ProxyProtocol", "DNSWire", "Zones", "Places",
        "Routing", "Editions", "Counters", "RateLimiting", "TestSupport", nio, nioPosix, nioSSL,
        nioTLS,
      ], swiftSettings: strict),
    .testTarget(
      name: "TappingTests", dependencies: ["Tapping", "Places", "Counters", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SamplingTests",
      dependencies: ["Sampling", "DNSWire", "Zones", "Places", "Routing", "Editions", "Counters"],
      swiftSettings: strict),
    .testTarget(
      name: "SecuringTests", dependencies: ["Securing", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "InheritingTests", dependencies: ["Inheriting", "CLinux", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ProxyingTests",
      dependencies: [
        "Proxying", "CLinux", "Zones", "Places", "Balancing", "ClientLimits", "Routing",
        "Editions", "Counters", "ProxyProtocol", "Securing", "ServerNames", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "MaxMindTests", dependencies: ["MaxMind", "CMaxMindDB", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "TerminalTests", dependencies: ["Terminal"], swiftSettings: strict),
    .testTarget(
      name: "BuildingTests", dependencies: ["Building", "MaxMind", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SettingsTests",
      dependencies: [
        "Settings", "Announcing", "Balancing", "ClientLimits", "DNSWire", "Layers", "Places",
        "ProxyProtocol", "ServerNames", "TestSupport", yams,
      ],
      exclude: ["EveryKey", "agreement.py"], swiftSettings: strict),
    .testTarget(
      name: "MigratingTests",
      dependencies: [
        "Migrating", "Balancing", "Compiling", "Editions", "Layers", "Places", "ProxyProtocol",
        "Routing", "ServerNames", "Settings", "Simulating", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "CompilingTests",
      dependencies: [
        "Admitting", "Compiling", "Publishing", "Settings", "KeyFiles", "DNSWire", "Zones",
        "Latency", "Places", "Routing", "Editions", "Signing", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "KeyFilesTests", dependencies: ["KeyFiles", "DNSWire", crypto], swiftSettings: strict),
    .testTarget(
      name: "ProbingTests",
      dependencies: [
        "Probing", "Settings", "DNSWire", "ProxyProtocol", "Transferring", "Routing", "Places", nio,
        nioPosix, nioSSL, logging, "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "SimulatingTests",
      dependencies: [
        "Simulating", "Compiling", "MaxMind", "Settings", "Editions", "Routing", "Places",
        "Probing", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "AnnouncingTests",
      dependencies: [
        "Announcing", "Publishing", "Editions", "Routing", "TestSupport", crypto,
      ], swiftSettings: strict),
    .testTarget(name: "StateFilesTests", dependencies: ["StateFiles"], swiftSettings: strict),
    .testTarget(
      name: "EngineTests", dependencies: ["Engine", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "EtcdTests", dependencies: ["Engine", "Etcd", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ClusteringTests",
      dependencies: [
        "Announcing", "Clustering", "Compiling", "Engine", "Layers", "Publishing", "Routing",
        "Settings", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "VotingTests", dependencies: ["Voting", "Routing", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "GatingTests", dependencies: ["Gating", "Announcing", "Places", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SelfQueryingTests",
      dependencies: [
        "SelfQuerying", "Transferring", "ProxyProtocol", "DNSWire", "Places", nio, nioPosix,
      ], swiftSettings: strict),
    .testTarget(name: "SpawningTests", dependencies: ["Spawning"], swiftSettings: strict),
    .testTarget(
      name: "LearningTests",
      dependencies: [
        "Learning", "Publishing", "Compiling", "Editions", "Routing", "Latency", "Places",
        "TestSupport", logging,
      ], swiftSettings: strict),
    .testTarget(
      name: "DemonstratingTests",
      dependencies: ["Demonstrating", "Places", nio, nioPosix],
      swiftSettings: strict),
    .testTarget(
      name: "TransferringTests",
      dependencies: [
        "Transferring", "Replicating", "DNSWire", "Zones", "Places", "TestSupport", logging,
      ], swiftSettings: strict),
    .testTarget(
      name: "ResolvingTests",
      dependencies: [
        "Resolving", "Transferring", "DNSWire", "Places", "Editions", nio, nioPosix, logging,
      ], swiftSettings: strict),
    .testTarget(
      name: "AdminTests",
      dependencies: [
        "Admin", "Announcing", "Clustering", "Gating", "Settings", "Publishing", "Simulating",
        "Compiling", "Editions", "Routing", "Places",
        "Counters", httpTypes, hummingbird, hummingbirdTesting, lifecycle, logging, nio, nioPosix,
        "TestSupport",
      ], swiftSettings: strict),
    .testTarget(
      name: "AgreementTests",
      dependencies: [
        "Admin", "Answering", "Compiling", "Counters", "Editions", "Places", "RateLimiting",
        "Routing", "TestSupport",
      ], swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["azimuth", "ProxyProtocol", "Places", "TestSupport", crypto],
      exclude: ["Harness/checked_server.py", "Harness/webhook_receiver.py"],
      swiftSettings: unoptimized),
  ]
)
