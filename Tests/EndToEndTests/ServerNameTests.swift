import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// curl → HAProxy, which says who the client is → us, who look at the name → HAProxy, which ends
  /// TLS in each region.
  @Suite struct `A listener behind a proxy, by server name` {
    private let chain: Chain
    private let world: World
    private let port: Int

    init() throws {
      let port = Ports.free()
      let chain = try Chain(listener: port)
      world = try World { configuration in
        configuration
          .replacing(
            "pools:\n",
            with: """
              pools:
                secure:
                  proxy_protocol: v2
                  endpoints:
                    tokyo: ["127.0.0.1:\(chain.ports["tokyo"] ?? 0)"]
                    frankfurt: ["127.0.0.1:\(chain.ports["frankfurt"] ?? 0)"]

              """
          )
          .replacing(
            "policies:\n",
            with: """
              policies:
                at-home: {type: home, keys: {acme: tokyo, globex: frankfurt}}
                near-you: {type: proximity, regions: [tokyo, frankfurt]}

              """
          )
          .replacing(
            "services:\n",
            with: """
              services:
                tenants: {policy: at-home, pool: secure, on_all_down: fail_closed}
                secure: {policy: near-you, pool: secure}

              """
          )
          .replacing(
            "  listeners:\n",
            with: """
                listeners:
                  secure:
                    listen: ["127.0.0.1:\(port)"]
                    proxy_protocol: {trusted: [127.0.0.1]}
                    server_names: {www.test: secure, "*.tenants.test": tenants}

              """)
      }
      self.chain = chain
      self.port = port
    }

    private func answer(_ name: String) throws -> String {
      try Program.shell(
        "curl -sk --max-time 10 --connect-to ::127.0.0.1:\(chain.sendingPort) https://\(name)/"
      ).output
    }

    @Test(.timeLimit(.minutes(2)))
    func `sends tenants home, others near, and says to the endpoint who asked for what`() throws {
      for (name, region) in [
        ("acme.tenants.test", "tokyo"), ("www.globex.tenants.test", "frankfurt"),
      ] {
        #expect(try answer(name) == "\(region) 127.0.0.1 \(name)")
      }
      #expect(
        ["tokyo", "frankfurt"].map { "\($0) 127.0.0.1 www.test" }.contains(try answer("www.test")))
      // Nobody's tenant, and a name of nobody.
      #expect(try answer("initech.tenants.test") == "")
      #expect(try answer("other.test") == "")
      let metrics = try world.admin("GET", "/metrics").text
      for reason in ["no_route", "refused_by_policy"] {
        #expect(
          metrics.contains(
            "azimuth_proxy_closed_total{listener=\"secure\",reason=\"\(reason)\"} 1"), "\(reason)")
      }
      let route = try world.admin(
        "GET", "/v1/route?ip=192.0.2.1&listener=secure&server_name=acme.tenants.test")
      #expect(route.text.contains(#/"rule" ?: ?"exact"/#), "\(route.text)")
      #expect(route.text.contains(#/"server_name" ?: ?"acme.tenants.test"/#), "\(route.text)")
      #expect(
        try world.admin("GET", "/v1/route?ip=192.0.2.1&listener=secure").text
          .contains("goes by the asked name: give server_name"))
    }

    @Test func `refuses those who do not come through it`() throws {
      // 127.0.0.2 is not trusted.
      let result = try Program.shell(
        "curl -sk --max-time 10 --interface 127.0.0.2 https://www.test:\(port)/ "
          + "--resolve www.test:\(port):127.0.0.1")
      #expect(result.output == "")
    }
  }
}

/// HAProxy on both sides: one front that sends headers, and one server with TLS for each region.
private final class Chain {
  private let proxy: HAProxy
  let sendingPort: Int
  let ports: [String: Int]

  init(listener: Int) throws {
    let (sendingPort, ports) = (Ports.free(), ["tokyo": Ports.free(), "frankfurt": Ports.free()])
    (self.sendingPort, self.ports) = (sendingPort, ports)
    proxy = try HAProxy(listeningOn: ports.values + [sendingPort]) { folder in
      let certificate = try HAProxy.certificate(in: folder)
      let servers = ports.map { region, port in
        """
        frontend \(region)
          mode http
          bind 127.0.0.1:\(port) accept-proxy ssl crt \(certificate)
          http-request return status 200 content-type text/plain lf-string \
          "\(region) %[src] %[fc_pp_authority]"
        """
      }
      return """
        frontend sends
          bind 127.0.0.1:\(sendingPort)
          default_backend azimuth
        backend azimuth
          server s 127.0.0.1:\(listener) send-proxy-v2
        \(servers.joined(separator: "\n"))
        """
    }
  }
}
