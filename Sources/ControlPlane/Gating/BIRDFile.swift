package import Places

/// The file with the routes that BIRD's configuration includes.
package struct BIRDFile: Sendable, Equatable {
  package var text: String

  /// - Parameter routes: with the MED of each. BIRD knows them by the protocols `azimuth4` and
  ///   `azimuth6`, which are not there where there are no routes.
  package init(_ routes: [AddressPrefix: UInt32]) {
    let sorted = routes.sorted { "\($0.key)" < "\($1.key)" }
    text = "# Written by azimuth anycast bird, and again with each change.\n"
    text += Self.section("azimuth4", "ipv4", sorted.filter { !$0.key.isIPv6 })
    text += Self.section("azimuth6", "ipv6", sorted.filter { $0.key.isIPv6 })
  }

  private static func section(
    _ name: String, _ channel: String, _ routes: [(key: AddressPrefix, value: UInt32)]
  ) -> String {
    guard !routes.isEmpty else { return "" }
    // The address itself is on an interface of this machine, whose table comes before all others.
    let lines = routes.map { "  route \($0.key) blackhole { bgp_med = \($0.value); };\n" }
    return "protocol static \(name) {\n  \(channel);\n\(lines.joined())}\n"
  }
}

extension AddressPrefix {
  fileprivate var isIPv6: Bool {
    if case .ipv6 = address { true } else { false }
  }
}
