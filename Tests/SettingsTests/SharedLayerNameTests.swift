import Settings
import Testing

struct SharedLayerNameTests {
  @Test(arguments: ["global", "region/tokyo", "zone/tokyo/a", "node/edge-1"])
  func `a layer is known by its path`(path: String) {
    #expect(SharedLayerName(path: path)?.description == path)
  }

  @Test(arguments: [
    "", "global/", "region", "region/", "region/to kyo", "region/../global", "zone/tokyo",
    "zone/tokyo/a/b", "planet/earth", "/global", "node/edge-1/",
  ])
  func `what is no path of a layer is none`(path: String) {
    #expect(SharedLayerName(path: path) == nil)
  }

  @Test func `a node reads the layers of all, its region, its zone and its own, in this order`() {
    let node = LayerReader(region: "tokyo", zone: "a", node: "edge-1")
    #expect(
      node.names.map(\.description) == ["global", "region/tokyo", "zone/tokyo/a", "node/edge-1"])
    #expect(
      LayerReader(zone: "a", node: "edge-1").names.map(\.description) == ["global", "node/edge-1"])
  }
}
