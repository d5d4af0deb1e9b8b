import Places
import ProxyProtocol
import ServerNames
import Settings
import Testing

private func document(_ listener: String) -> String {
  """
  regions: {here: {location: [50.1, 8.7]}}
  pools: {web: {endpoints: {here: [127.0.0.1:8080]}, proxy_protocol: v2}}
  policies: {near: {type: proximity}, tenants: {type: home, keys: {acme: here}}}
  services:
    web: {policy: near, pool: web}
    tenants: {policy: tenants, pool: web}
    moved: {policy: near, pool: web, cname: {here: cdn.example.net}}
  proxy:
    listeners:
      web:
        listen: 127.0.0.1:8000
        \(listener)
  """
}

private func listener(_ text: String) throws -> Settings.Proxy.Listener {
  try SettingsReader.read(text: document(text), name: "a.yaml").proxy.listeners[0]
}

private func faults(_ listener: String) -> [String] {
  do throws(Faults) {
    _ = try SettingsReader.read(text: document(listener), name: "a.yaml")
    return []
  } catch {
    return error.faults.map { "\($0)" }
  }
}

@Test func `a listener has services by name`() throws {
  let listener = try listener(
    """
    server_names: {WWW.example.org: web, "*.tenants.example.org": tenants}
          greeting_timeout: 1s
    """)
  #expect(listener.service == nil)
  #expect(
    listener.serverNames.map(\.pattern.description)
      == ["www.example.org", "*.tenants.example.org"])
  #expect(listener.serverNames.map(\.service) == [0, 1])
  #expect(listener.greetingTimeout == .seconds(1))
  #expect(listener.trustedProxies == nil)
}

@Test func `a listener has one service for all others`() throws {
  let listener = try listener("service: web\n      server_names: {a.example.org: web}")
  #expect(listener.service == 0)
  #expect(listener.services.map(\.serverName?.description) == [nil, "a.example.org"])
}

@Test func `a listener may stand behind proxies`() throws {
  let listener = try listener("service: web\n      proxy_protocol: {trusted: [10.0.0.0/8]}")
  #expect(listener.trustedProxies?.map(\.description) == ["10.0.0.0/8"])
  #expect(listener.greetingTimeout == .seconds(3))
}

@Test func `the header of a pool is that of checks which go where the proxy does`() throws {
  let settings = try SettingsReader.read(
    text: """
      regions: {here: {location: [50.1, 8.7]}}
      monitors:
        plain: {type: tcp}
        off: {type: tcp, proxy_protocol: off}
        aside: {type: http, port: 9000}
        dns: {type: dns, name: example.org}
      pools:
        web: {proxy_protocol: v2, endpoints: {here: [127.0.0.1:8080]}}
      policies: {near: {type: proximity}}
      services: {web: {policy: near, pool: web}}
      """, name: "a.yaml")
  let pool = settings.pools[0]
  #expect(pool.proxyHeader == .v2)
  #expect(
    settings.monitors.map { $0.sending(pool.proxyHeader, to: pool.endpoints[0]).proxyHeader }
      == [.v2, nil, nil, nil])
  var aside = pool.endpoints[0]
  aside.checkPort = 9000
  #expect(settings.monitors[0].sending(.v2, to: aside).proxyHeader == nil)
}

@Test(
  arguments: [
    (
      "idle_timeout: 9s",
      "a.yaml:10: proxy.listeners.web.service: is missing; wants the name of a service; or give "
        + "server_names"
    ),
    (
      "server_names: {a_b..c: web}",
      "a.yaml:12: proxy.listeners.web.server_names.a_b..c: wants a host name, or one below *, such "
        + "as *.example.org"
    ),
    (
      "server_names: {\"*\": web}",
      "a.yaml:12: proxy.listeners.web.server_names.*: stands for all names; name their service as "
        + "`service`"
    ),
    (
      "server_names: {a.org: web, A.org: web}",
      "a.yaml:12: proxy.listeners.web.server_names.A.org: the same name, in other letters, stands on "
        + "line 12"
    ),
    (
      "server_names: {a.org: moved}",
      "a.yaml:12: proxy.listeners.web.server_names.a.org: service \"moved\" answers names, and a "
        + "listener needs endpoints; use a service with a pool and without cname and alias"
    ),
    (
      "service: tenants",
      "a.yaml:12: proxy.listeners.web.service: service \"tenants\" goes by a name, and these "
        + "connections have none; name it under server_names, or use one whose policy is not of type "
        + "home"
    ),
    (
      "service: web\n      greeting_timeout: 1s",
      "a.yaml:13: proxy.listeners.web.greeting_timeout: bounds nothing: there is no "
        + "proxy_protocol, no server_names, no tls"
    ),
  ])
func `what is wrong with names is told`(_ text: String, _ fault: String) {
  #expect(faults(text) == [fault])
}
