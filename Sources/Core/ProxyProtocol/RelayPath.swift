/// The nodes that a connection has come through, from its client's on: each adds itself, and none
/// takes a connection that it has had before, so that nodes that relay to each other by mistake do
/// not do so for ever.
public struct RelayPath: Sendable, Equatable {
  /// So that a header with its other fields stays below ``ProxyHeader/maximumByteCount``.
  public static let maximumByteCount = 160
  private static let comma = UInt8(ascii: ",")

  /// As it stands in a header. At most ``maximumByteCount`` octets.
  public private(set) var octets: [UInt8]

  public init() { octets = [] }

  /// - Parameter octets: of a header's field, hostile perhaps.
  public init?(_ octets: [UInt8]) {
    guard octets.count <= Self.maximumByteCount else { return nil }
    self.octets = octets
  }

  /// Adds a node.
  ///
  /// - Returns: false if the connection has come through it before, or through too many.
  public mutating func add(_ node: [UInt8]) -> Bool {
    let hasNode = octets.split(separator: Self.comma).contains { $0.elementsEqual(node) }
    let separator = octets.isEmpty ? 0 : 1
    guard !hasNode, octets.count + separator + node.count <= Self.maximumByteCount else {
      return false
    }
    if !octets.isEmpty { octets.append(Self.comma) }
    octets += node
    return true
  }
}
