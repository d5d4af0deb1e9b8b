import Foundation
import Synchronization
import TestSupport
import Testing

extension FleetNode {
  fileprivate func ask(
    _ method: String, _ layer: String, _ body: String = "", type: String = "application/yaml",
    headers: [String: String] = [:]
  ) throws -> HTTPConnection.Response {
    try admin(method, "/v1/config/\(layer)", body, type: type, headers: headers)
  }

  fileprivate func put(
    _ layer: String, _ body: String, headers: [String: String] = [:]
  ) throws -> HTTPConnection.Response { try ask("PUT", layer, body, headers: headers) }
}

extension EndToEndWaiting {
  /// `/v1/config`, as programs use it that keep infrastructure as it is declared.
  @Suite(.enabled(if: EtcdCluster.isInstalled)) struct `Configuration of a fleet as objects` {
    private struct Changed: Decodable {
      struct Change: Decodable, Equatable {
        var key: String
        var from: String?
        var to: String?
      }
      var revision: Int64?
      var dryRun: Bool
      var changes: [Change]
    }

    private struct List: Decodable {
      struct Layer: Decodable { var layer: String }
      var layers: [Layer]
    }

    private static let oslo = "# Tokyo's own\npolicies:\n  near: {order: [oslo, tokyo, lima]}\n"

    @Test func `a layer is read as it was written, and the same again changes nothing`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let created = try node.put("region/tokyo", Self.oslo)
      #expect(created.status == 201)
      let changes = try created.decoded(as: Changed.self)
      #expect(
        changes.changes == [
          .init(
            key: "policies.near.order", from: "[tokyo, oslo, lima]", to: "[oslo, tokyo, lima]")
        ])
      eventually("that it is in force") { node.answer == "192.0.2.2" }
      let read = try node.ask("GET", "region/tokyo")
      #expect(read.text == Self.oslo && read.headers["etag"] == created.headers["etag"])
      let again = try node.put("region/tokyo", read.text)
      #expect(again.status == 200 && again.headers["etag"] == created.headers["etag"])
      #expect(try again.decoded(as: Changed.self).changes.isEmpty)
      let json = #"{"policies": {"near": {"order": ["lima", "tokyo", "oslo"]}}}"#
      let replaced = try node.ask("PUT", "region/tokyo", json, type: "application/json")
      #expect(replaced.status == 200 && replaced.headers["etag"] != created.headers["etag"])
      #expect(try node.ask("GET", "region/tokyo").text == json)
      eventually("that it is in force") { node.answer == "192.0.2.3" }
      #expect(try node.ask("DELETE", "region/tokyo").status == 204)
      eventually("that it is gone") { node.answer == "192.0.2.1" }
      #expect(try node.ask("GET", "region/tokyo").status == 404)
      #expect(try node.ask("DELETE", "region/tokyo").status == 404)
      let list = try HTTPConnection(port: node.ports.admin).request("GET", "/v1/config")
      #expect(try list.decoded(as: List.self).layers.map(\.layer) == ["global"])
    }

    @Test func `who was not first is told so, and changes nothing`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let tag = try #require(try node.put("region/oslo", Self.oslo).headers["etag"])
      #expect(
        try node.put("region/oslo", "{}", headers: ["If-None-Match": "*"]).status == 412)
      let statuses = Mutex<[Int]>([])
      let threads = (0..<4).map { index in
        Load {
          let status = try node.put(
            "region/oslo", "# writer \(index)\n" + Self.oslo, headers: ["If-Match": tag]
          ).status
          statuses.withLock { $0.append(status) }
          return ""
        }
      }
      eventually("four answers") { statuses.withLock { $0.count } >= 4 }
      for thread in threads { _ = thread.stop() }
      let got = statuses.withLock { $0 }
      #expect(got.count { $0 == 200 } == 1, "\(got)")
      #expect(got.allSatisfy { [200, 412].contains($0) }, "\(got)")
      let stale = try node.put("region/oslo", "{}", headers: ["If-Match": tag])
      #expect(stale.status == 412 && stale.headers["etag"] != tag)
      let present = try #require(stale.headers["etag"])
      #expect(
        try node.put("region/oslo", "{}", headers: ["If-Match": present]).status == 200)
    }

    @Test func `a trial says what would change, and changes nothing`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let before = try fleet.cluster.control("get", "--prefix", "/azimuth/prod/v1/config")
      let tried = try node.put(
        "zone/oslo/a?dry_run=1", "policies: {near: {order: [lima]}}")
      #expect(tried.status == 200 && tried.headers["etag"] == nil)
      let report = try tried.decoded(as: Changed.self)
      #expect(report.dryRun && report.revision == nil)
      #expect(report.changes.map(\.key) == ["policies.near.order"])
      let wrong = try node.put("global?dry_run=1", "policies: {near: {oder: [lima]}}")
      #expect(wrong.status == 200 && wrong.text.contains("unknown key"))
      let after = try fleet.cluster.control("get", "--prefix", "/azimuth/prod/v1/config")
      #expect(before == after)
    }

    @Test func `what nodes would refuse is refused when it is written, unless it is forced`() throws
    {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let global = Fleet.global + "\nfinal: [dns, services.web.ttl]\n"
      #expect(try node.put("global", global).status == 200)
      for (layer, text, fault) in [
        ("node/edge-1", "policies: {near: {oder: [oslo]}}", "unknown key"),
        // Another region's: this node does not read it.
        ("region/oslo", "policies: {near: {order: [atlantis]}}", "atlantis"),
        ("region/oslo", "services: {web: {ttl: 5s}}", "services.web.ttl is final"),
        ("region/oslo", "policies: [", "config/region/oslo"),
      ] {
        let refused = try node.put(layer, text)
        #expect(refused.status == 422 && refused.text.contains(fault), "\(refused.text)")
        #expect(try node.ask("GET", layer).status == 404)
      }
      // More than half of what there is would be gone.
      let emptied = try node.ask("DELETE", "global")
      #expect(emptied.status == 422, "\(emptied.text)")
      #expect(try node.put("region/oslo?force=true", "regions: {oslo: 1}").status == 201)
      for text in ["admin: {token: secret}", "node: {id: me}", "policies: ["] {
        let unfit = try node.put("region/lima?force=true", text)
        #expect(unfit.status == 422, "\(text): \(unfit.text)")
      }
      #expect(node.answer == "192.0.2.1")
    }

    /// What the module in config/terraform makes of its variables: JSON, a layer for each region.
    @Test func `declared as by Terraform, a second time changes nothing`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let regions = ["tokyo", "oslo", "lima"]
      for region in regions {
        let order = ([region] + regions.filter { $0 != region }).map { "\"\($0)\"" }
        let text = #"{"policies":{"near":{"order":[\#(order.joined(separator: ","))]}}}"#
        let layer = "region/\(region)"
        let first = try node.ask("PUT", layer, text, type: "application/json")
        let second = try node.ask("PUT", layer, text, type: "application/json")
        #expect(first.status == 201 && second.status == 200)
        #expect(first.headers["etag"] == second.headers["etag"])
        #expect(try node.ask("GET", layer).text == text)
      }
    }

    private static let terraform = "/usr/bin/terraform"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: terraform)))
    func `Terraform validates the module`() throws {
      let folder = "\(Program.root)/config/terraform"
      let checked = try Program.shell(
        """
        cd \(folder) && terraform fmt -check && terraform init -backend=false && terraform validate
        """,
        within: .seconds(120))
      #expect(checked.status == 0, "\(checked.all)")
    }

    @Test func `it asks for the token, a known layer and a type`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      let open = try HTTPConnection(port: node.ports.admin).request(
        "PUT", "/v1/config/global", headers: ["Content-Type": "application/yaml"], body: "{}")
      #expect(open.status == 401)
      #expect(try node.put("planet/earth", "{}").status == 404)
      #expect(try node.ask("PUT", "global", "{}", type: "text/plain").status == 415)
      #expect(try node.put("global?dryrun=1", "{}").status == 400)
    }

    @Test func `without the store it is not written`() throws {
      let fleet = try Fleet()
      defer { fleet.stop() }
      let node = fleet.nodes[0]
      fleet.cluster.kill(member: 0)
      let refused = try node.put("region/tokyo", Self.oslo)
      #expect(refused.status == 503 && refused.headers["retry-after"] != nil)
      #expect(node.answer == "192.0.2.1")
    }
  }
}
