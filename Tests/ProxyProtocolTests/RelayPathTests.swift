import ProxyProtocol
import Testing

@Suite struct `The path of a relayed connection` {
  private func added(_ nodes: [String]) -> String? {
    var path = RelayPath()
    for node in nodes {
      guard path.add(Array(node.utf8)) else { return nil }
    }
    return String(decoding: path.octets, as: UTF8.self)
  }

  @Test func `has each node once, in their order`() {
    #expect(added(["tokyo-1", "dublin-2", "tokyo-11"]) == "tokyo-1,dublin-2,tokyo-11")
    #expect(added(["tokyo-1", "dublin-2", "tokyo-1"]) == nil)
  }

  @Test func `has an end`() {
    #expect(added((0..<80).map { "\($0)" }) == nil)
    #expect(RelayPath([UInt8](repeating: 65, count: 161)) == nil)
    #expect(RelayPath([UInt8](repeating: 65, count: 160)) != nil)
  }
}
