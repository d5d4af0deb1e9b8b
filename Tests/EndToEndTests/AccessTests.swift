import Foundation
import Testing

extension EndToEnd {
  @Suite struct `Access to a listener` {
    @Test(.timeLimit(.minutes(2)))
    func `is denied before anything is connected to, as a reload says, and explained`() throws {
      let world = try World {
        $0.replacing(
          ", service: web}", with: ", service: web, access: {deny: {prefix: [127.81.0.0/16]}}}")
      }
      func isTaken(_ source: String) -> Bool { (try? world.proxyRegion(from: source)) != nil }
      #expect(!isTaken("127.81.0.1") && isTaken("127.82.0.1"))
      func report(_ source: String) throws -> String {
        try world.admin("GET", "/v1/route?ip=\(source)&listener=web").text
      }
      #expect(try report("127.81.0.1").contains("prefix 127.81.0.0/16"))
      #expect(try !report("127.82.0.1").contains("does not take"))
      #expect(
        try world.admin("GET", "/metrics").text.contains(
          "azimuth_proxy_closed_total{listener=\"web\",reason=\"geo_denied\"} 1"))
      try world.rewrite(
        world.configuration.replacing(
          "{deny: {prefix: [127.81.0.0/16]}}",
          with: "{allow: {prefix: [127.81.0.0/16]}, deny: {prefix: [127.81.7.0/24]}}"))
      #expect(try world.reload().status / 100 == 2)
      #expect(isTaken("127.81.0.1") && !isTaken("127.82.0.1") && !isTaken("127.81.7.1"))
    }
  }
}
