// swift-tools-version:6.2
import PackageDescription

// A package of its own: its modules are links into the project's Sources, compiled so that
// libFuzzer sees which way every input takes. `scripts/fuzz` builds and runs it; docs/fuzzing.md
// tells of it.

/// AddressSanitizer as well, if the environment has AZIMUTH_FUZZ_ADDRESSES: a third as fast, and it
/// sees what Swift's own checks do not.
let checksAddresses = Context.environment["AZIMUTH_FUZZ_ADDRESSES"] != nil
let sanitizers = checksAddresses ? "fuzzer,address" : "fuzzer"

let watched: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
  .unsafeFlags(["-sanitize=\(sanitizers)"]),
]

/// The linker that can link AddressSanitizer, too.
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=\(sanitizers)", "-use-ld=lld"])]

func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Core/\(name)", swiftSettings: watched)
}

func fuzz(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: ["FuzzSupport"] + dependencies, path: "Targets/\(name)",
    swiftSettings: watched, linkerSettings: linked)
}

let package = Package(
  name: "fuzzing",
  targets: [
    core("DNSWire"), core("Places"), core("Counters"), core("Zones", ["DNSWire"]),
    core("Latency", ["Places"]), core("Balancing", ["Places"]),
    core("Routing", ["Homes", "Places", "Latency", "Balancing", "ProxyProtocol"]),
    core("Homes", ["DNSWire"]),
    core("Checksums"), core("ProxyProtocol", ["Checksums", "DNSWire", "Places"]),
    core("ServerNames", ["DNSWire"]),
    core("Cookies", ["DNSWire", "Places"]),
    core("RateLimiting", ["Places"]),
    core("Signing", ["DNSWire", "Cookies"]),
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
    .target(
      name: "CFuzzing", path: "Targets/CFuzzing",
      cSettings: checksAddresses ? [.define("CHECKS_ADDRESSES")] : []),
    // Not watched: what checks must not look like progress.
    .target(name: "FuzzSupport", dependencies: ["CFuzzing"], path: "Targets/FuzzSupport"),
    fuzz(
      "Packets",
      [
        "Answering", "DNSWire", "Zones", "Places", "Routing", "Editions", "Counters", "Cookies",
        "RateLimiting", "Signing", "CFuzzing",
      ]),
    fuzz("Options", ["DNSWire"]),
    fuzz("Records", ["DNSWire"]),
    .target(name: "Crypto", path: "Targets/Crypto"),
    .target(
      name: "Transferring", dependencies: ["DNSWire", "Zones", "Places", "Crypto"],
      path: "Transferring", swiftSettings: watched),
    core("ZoneFiles", ["DNSWire", "Zones"]),
    fuzz("ZoneTexts", ["ZoneFiles", "DNSWire", "Zones"]),
    fuzz("Transfers", ["Transferring", "DNSWire", "Places"]),
    fuzz("ProxyHeaders", ["ProxyProtocol", "Places", "CFuzzing"]),
    fuzz("ClientHellos", ["ServerNames", "CFuzzing"]),
  ]
)
