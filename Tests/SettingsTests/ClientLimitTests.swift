import ClientLimits
import Testing

@testable import Settings

@Suite struct `Limits of clients in the settings` {
  private func text(_ more: String, _ proxy: String = "") -> String {
    """
    regions: {tokyo: {}}
    pools: {web: {endpoints: {tokyo: [192.0.2.1:80]}}}
    policies: {p: {type: failover, order: [tokyo]}}
    services: {web: {policy: p, pool: web}}
    proxy: {\(proxy)listeners: {front: {listen: "127.0.0.1:1080", service: web\(more)}}}
    """
  }

  private func proxy(_ more: String, _ proxy: String = "") throws -> Settings.Proxy {
    try SettingsReader.read(text: text(more, proxy), name: "a.yaml").proxy
  }

  @Test func `are none unless they are said`() throws {
    let proxy = try proxy("")
    #expect(proxy.listeners[0].clientLimits.isEmpty && proxy.clientTableBytes == 4 << 20)
  }

  @Test func `are of addresses, prefixes, ASNs and countries`() throws {
    let proxy = try proxy(
      """
      , client_limits: {address: {connections: 10, per_second: 5}, prefix: {connections: 20}, \
      asn: {per_second: 100}, country: {connections: 1000}}
      """, "client_table: 1MiB, ")
    var limits = ClientLimits()
    limits.address = .init(connections: 10, perSecond: 5)
    limits.prefix = .init(connections: 20)
    limits.asn = .init(perSecond: 100)
    limits.country = .init(connections: 1000)
    #expect(proxy.listeners[0].clientLimits == limits && proxy.clientTableBytes == 1 << 20)
  }

  @Test(arguments: [
    (
      "{address: {connections: 0}}",
      "address.connections: wants a whole number from 1 to 10000000, found \"0\""
    ),
    ("{adress: {connections: 1}}", "adress: unknown key; did you mean \"address\"?"),
    ("{asn: {rate: 1}}", "asn.rate: unknown key; known: connections, per_second"),
  ])
  func `have faults that say how to mend them`(limits: String, fault: String) {
    #expect(
      faults(of: text(", client_limits: \(limits)"))
        == ["a.yaml:5: proxy.listeners.front.client_limits.\(fault)"])
  }
}
