import Announcing
import Gating
import Places
import Testing

private func report(
  _ isAnnounced: Bool, _ prefixes: [String] = ["192.0.2.53/32", "2001:db8::53/128"],
  med: UInt32 = 100
) -> AnycastReport {
  AnycastReport(
    announced: isAnnounced, standing: isAnnounced ? "announced" : "failing", why: "so it is",
    since: Timestamp(seconds: 0), med: med, degraded: nil, prefixes: prefixes, failures: 0,
    lastFault: nil)
}

@Suite struct `What routers are told` {
  @Test func `what the node says holds until it is silent for two seconds`() {
    var follower = RouteFollower(now: .zero)
    #expect(!follower.isSettled)
    follower.heard(report(true), now: .seconds(1))
    #expect(follower.isSettled && follower.routes.count == 2)
    #expect(follower.routes.values.allSatisfy { $0 == 100 })
    follower.missed(now: .milliseconds(2_999))
    #expect(follower.routes.count == 2)
    follower.missed(now: .seconds(3))
    #expect(follower.routes.isEmpty && follower.known.count == 2)
    follower.heard(report(true, med: 200), now: .seconds(4))
    #expect(follower.routes.values.allSatisfy { $0 == 200 })
    follower.heard(report(false), now: .seconds(5))
    #expect(follower.routes.isEmpty)
  }

  @Test func `of a node that never answered something is known after two seconds`() {
    var follower = RouteFollower(now: .zero)
    follower.missed(now: .seconds(1))
    #expect(!follower.isSettled)
    follower.missed(now: .seconds(2))
    #expect(follower.isSettled && follower.routes.isEmpty)
  }

  @Test func `what routers may have from before is withdrawn where the node is silent`() throws {
    let prefix = try #require(AddressPrefix("192.0.2.53/32"))
    var follower = RouteFollower([prefix], now: .zero)
    var script = ExaBGPScript()
    follower.missed(now: .seconds(2))
    #expect(script.lines(for: follower) == ["withdraw route 192.0.2.53/32 next-hop self"])
  }

  @Test func `ExaBGP hears each word once, and a withdrawal of what it may have from before`() {
    var follower = RouteFollower(now: .zero)
    var script = ExaBGPScript()
    #expect(script.lines(for: follower) == [])
    follower.heard(report(false, ["192.0.2.53/32"]), now: .zero)
    #expect(script.lines(for: follower) == ["withdraw route 192.0.2.53/32 next-hop self"])
    #expect(script.lines(for: follower) == [])
    follower.heard(report(true), now: .zero)
    #expect(
      script.lines(for: follower) == [
        "announce route 192.0.2.53/32 next-hop self med 100",
        "announce route 2001:db8::53/128 next-hop self med 100",
      ])
    follower.heard(report(true, ["192.0.2.53/32"], med: 200), now: .zero)
    #expect(
      script.lines(for: follower) == [
        "announce route 192.0.2.53/32 next-hop self med 200",
        "withdraw route 2001:db8::53/128 next-hop self",
      ])
    follower.end()
    #expect(script.lines(for: follower) == ["withdraw route 192.0.2.53/32 next-hop self"])
    #expect(script.lines(for: follower) == [])
  }

  @Test func `BIRD's file has a protocol for each family that has routes`() throws {
    let four = try #require(AddressPrefix("192.0.2.53/32"))
    let six = try #require(AddressPrefix("2001:db8::53/128"))
    #expect(
      BIRDFile([four: 100, six: 200]).text == """
        # Written by azimuth anycast bird, and again with each change.
        protocol static azimuth4 {
          ipv4;
          route 192.0.2.53/32 blackhole { bgp_med = 100; };
        }
        protocol static azimuth6 {
          ipv6;
          route 2001:db8::53/128 blackhole { bgp_med = 200; };
        }

        """)
    #expect(!BIRDFile([:]).text.contains("protocol"))
    #expect(BIRDFile([four: 100]) != BIRDFile([four: 200]))
  }
}
