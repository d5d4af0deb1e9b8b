import Admin
import HTTPTypes
import Settings
import Testing

/// A store of one layer that nobody changes.
private struct OneLayer: SharedConfiguration {
  let layer: SharedLayer

  func layers() async throws(SharedConfigurationFault) -> [SharedLayer] { [layer] }

  func proposal(
    _ name: SharedLayerName, _ text: String?, over layers: [SharedLayer]
  ) async -> LayerProposal {
    LayerProposal(changes: [], faults: [], isUnfit: false)
  }

  func write(
    _ name: SharedLayerName, _ text: String?, expected: SharedLayer?
  ) async throws(SharedConfigurationFault) -> LayerVersion? {
    nil
  }
}

@Suite struct `A layer of the fleet's configuration over the admin API` {
  private func world() throws -> AdminWorld {
    var world = try AdminWorld()
    let name = try #require(SharedLayerName(path: "region/tokyo"))
    world.sources.sharedConfiguration = OneLayer(
      layer: SharedLayer(
        name: name, text: "log: {level: debug}", version: LayerVersion(clusterID: 10, revision: 7)))
    return world
  }

  /// Programs that are made from the OpenAPI document write a variable of a path so.
  @Test(arguments: ["region/tokyo", "region%2Ftokyo", "region%2ftokyo"])
  func `is found whichever way its slash is written`(path: String) async throws {
    let reply = try await world().get("/v1/config/\(path)")
    #expect(reply.status == 200 && reply.text == "log: {level: debug}")
    #expect(reply.type == "application/yaml" && reply.headers[.eTag] == "\"a-7\"")
  }

  @Test func `is not sent again to those who have it`() async throws {
    let reply = try await world().ask(
      .get, "/v1/config/region/tokyo", headers: [.ifNoneMatch: "\"a-7\""])
    #expect(reply.status == 304 && reply.text.isEmpty && reply.headers[.eTag] == "\"a-7\"")
    let old = try await world().ask(
      .get, "/v1/config/region/tokyo", headers: [.ifNoneMatch: "\"a-6\""])
    #expect(old.status == 200)
  }

  @Test(arguments: ["region", "region%2", "region%2Ftokyo%2Fa", "%FF"])
  func `is not found under what is no name`(path: String) async throws {
    #expect(try await world().get("/v1/config/\(path)").status == 404)
  }

  @Test func `is listed, and a trial of a change is answered`() async throws {
    let world = try world()
    let layers = try await world.get("/v1/config").json["layers"]
    #expect(layers[0]["layer"].string == "region/tokyo" && layers[0]["revision"].number == 7)
    let trial = try await world.change(.put, "/v1/config/global?dry_run=1", body: "{}")
    #expect(trial.status == 200 && trial.json["dry_run"].bool == true)
  }
}
