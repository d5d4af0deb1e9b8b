import TestSupport
import Testing

extension EndToEnd {
  /// What the program may do. Without root all tests are of this kind.
  @Suite struct `Privileges` {
    @Test func `the program needs no capability to serve`() throws {
      let world = try World(verb: "demo", hasCapabilities: false)
      for transport in ["+notcp", "+tcp"] {
        let dig = try Program.shell(
          "dig -b 127.81.0.1 @127.0.0.1 -p \(world.ports.dns) www.example.org +short \(transport)")
        #expect(dig.output == "\(world.address(of: "tokyo"))\n", "\(dig.all)")
      }
      #expect(try world.proxyRegion(from: "127.81.0.1") == "tokyo")
    }
  }
}
