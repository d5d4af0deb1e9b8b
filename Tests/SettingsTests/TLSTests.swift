import Foundation
import Settings
import Testing

private let names = ["web.pem", "web.key", "api.pem", "api.key", "roots.pem"]

/// Files that can be read; what is in them is not looked at before the data plane's start.
private let folder = Result {
  let folder = FileManager.default.temporaryDirectory.appending(
    path: "azimuth-tls-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  for name in names { try Data().write(to: folder.appending(path: name)) }
  return folder.path
}

/// Names of files become their paths.
private func document(listener: String, pool: String) throws -> String {
  let folder = try folder.get()
  let text = """
    regions: {here: {location: [50.1, 8.7]}}
    pools:
      web:
        endpoints: {here: [127.0.0.1:8080]}
        \(pool)
    policies: {near: {type: proximity}}
    services: {web: {policy: near, pool: web}}
    proxy:
      listeners:
        web:
          listen: 127.0.0.1:8000
          service: web
          \(listener)
    """
  return names.reduce(text) { $0.replacing($1, with: "\(folder)/\($1)") }
}

private func settings(listener: String = "", pool: String = "") throws -> Settings {
  try SettingsReader.read(text: document(listener: listener, pool: pool), name: "a.yaml")
}

private func faults(listener: String = "", pool: String = "") throws -> [String] {
  do throws(Faults) {
    _ = try SettingsReader.read(
      text: (try? document(listener: listener, pool: pool)) ?? "", name: "a.yaml")
    return []
  } catch {
    return error.faults.map { "\($0)" }
  }
}

@Test func `TLS of listeners and pools is off unless it is named`() throws {
  let settings = try settings()
  #expect(settings.proxy.listeners[0].tls == nil)
  #expect(settings.pools[0].tls == nil)
}

@Test func `a listener's certificates are enough to end TLS`() throws {
  let tls = try settings(
    listener: "tls: {certificates: [{certificate: web.pem, key: web.key}]}"
  ).proxy.listeners[0].tls
  let read = try #require(tls)
  #expect(read.certificates.map(\.certificate) == ["\(try folder.get())/web.pem"])
  #expect(read.certificates.map(\.key) == ["\(try folder.get())/web.key"])
  #expect(read.minimumVersion == .tls12)
  #expect(read.protocols == [])
  #expect(read.clients == .off && read.clientRoots == nil)
}

@Test(arguments: [
  ("", Settings.ListenerTLS.Clients.required), (", client_certificates: optional", .optional),
  (", client_certificates: required", .required),
])
func `a listener with roots of clients wants their certificates`(
  _ more: String, _ clients: Settings.ListenerTLS.Clients
) throws {
  let tls = try settings(
    listener: """
      tls: {certificates: [{certificate: web.pem, key: web.key}], minimum_version: "1.3",
              alpn: [h2, http/1.1], client_roots: roots.pem\(more)}
      """
  ).proxy.listeners[0].tls
  let read = try #require(tls)
  #expect(read.minimumVersion == .tls13)
  #expect(read.protocols == ["h2", "http/1.1"])
  #expect(read.clients == clients)
  #expect(read.clientRoots?.path == "\(try folder.get())/roots.pem")
}

@Test func `a pool's endpoints have to prove their names unless it is said`() throws {
  let tls = try #require(try settings(pool: "tls: {}").pools[0].tls)
  #expect(tls.isVerified && tls.serverName == nil && tls.roots == nil && tls.certificate == nil)
  let other = try #require(
    try settings(
      pool: """
        tls: {server_name: origin.example.org, roots: roots.pem, certificate: api.pem,
              key: api.key, alpn: [h2], minimum_version: "1.3"}
        """
    ).pools[0].tls)
  #expect(other.serverName == "origin.example.org")
  #expect(other.roots?.path == "\(try folder.get())/roots.pem")
  #expect(other.certificate?.key == "\(try folder.get())/api.key")
  #expect(other.protocols == ["h2"] && other.minimumVersion == .tls13)
  #expect(try settings(pool: "tls: {verify: false}").pools[0].tls?.isVerified == false)
}

@Test(arguments: [
  ("tls: {}", "tls.certificates: is missing"),
  ("tls: {certificates: []}", "tls.certificates: wants at least one"),
  ("tls: {certificates: [{certificate: web.pem}]}", "tls.certificates[0].key: is missing"),
  (
    "tls: {certificates: [{certificate: /nowhere, key: web.key}]}",
    "tls.certificates[0].certificate: /nowhere cannot be read"
  ),
  (
    "tls: {certificates: [{certificate: web.pem, key: web.key}], client_certificates: required}",
    "tls.client_certificates: wants client_roots"
  ),
  (
    """
    tls: {certificates: [{certificate: web.pem, key: web.key}], client_certificates: off,
            client_roots: roots.pem}
    """,
    "tls.client_roots: nobody is asked for a certificate"
  ),
  (
    "tls: {certificates: [{certificate: web.pem, key: web.key}], minimum_version: \"1.1\"}",
    "tls.minimum_version: wants one of 1.2, 1.3"
  ),
  (
    "tls: {certificates: [{certificate: web.pem, key: web.key}], alpn: [\"h 2\"]}",
    "tls.alpn[0]: wants the name of a protocol"
  ),
])
func `what is wrong with a listener's TLS is told`(_ text: String, _ fault: String) throws {
  let found = try faults(listener: text)
  #expect(
    found.count == 1 && found.allSatisfy { $0.contains("listeners.web.\(fault)") }, "\(found)")
}

@Test(arguments: [
  ("tls: {certificate: api.pem}", "tls.certificate: certificate and key go together"),
  ("tls: {verify: false, roots: roots.pem}", "tls.roots: nothing is verified"),
  ("tls: {server_name: \"a b\"}", "tls.server_name: "),
  ("tls: {roots: /nowhere}", "tls.roots: /nowhere cannot be read"),
])
func `what is wrong with a pool's TLS is told`(_ text: String, _ fault: String) throws {
  let found = try faults(pool: text)
  #expect(found.count == 1 && found.allSatisfy { $0.contains("pools.web.\(fault)") }, "\(found)")
}
