/// A table of networks as a file in the MaxMind DB format, version 2.0.
package struct MaxMindFile: Sendable {
  /// What the file says of itself.
  package struct Metadata: Sendable {
    /// Such as `Azimuth-City`.
    package var type: String
    /// In English.
    package var description: String
    /// Seconds since 1970 UTC.
    package var buildEpochSeconds: UInt64

    package init(type: String, description: String, buildEpochSeconds: UInt64) {
      self.type = type
      self.description = description
      self.buildEpochSeconds = buildEpochSeconds
    }
  }

  /// 24, 28 or 32: as few as the file allows.
  package let recordBits: Int
  package let nodeCount: Int
  package let bytes: [UInt8]

  /// - Parameters:
  ///   - leastRecordBits: no fewer are used.
  ///   - tellProgress: called often with the share that is done.
  /// - Returns: nil: it would be too large for the format, above 4 GiB.
  package init?(
    _ table: NetworkTable, metadata: Metadata, leastRecordBits: Int = 24,
    tellProgress: (Double) -> Void = { _ in }
  ) {
    var data = DataSectionWriter()
    // Nothing to say is no record.
    let offsets = table.records.map { $0.dataValue.map { data.write($0) } }
    let tree = SearchTree(table, tellProgress: tellProgress)
    let largest = tree.nodes.count + Self.separatorSize + data.bytes.count
    guard let bits = [24, 28, 32].first(where: { $0 >= leastRecordBits && largest < 1 << $0 })
    else { return nil }
    recordBits = bits
    nodeCount = tree.nodes.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(nodeCount * bits / 4 + data.bytes.count + 1_000)
    // Children come before their parents there; a reader begins with node 0.
    for node in tree.nodes.reversed() {
      let (left, right) = (
        Self.number(of: node.left, nodeCount: nodeCount, offsets: offsets),
        Self.number(of: node.right, nodeCount: nodeCount, offsets: offsets)
      )
      Self.append(left, right, bits: bits, to: &bytes)
    }
    bytes += [UInt8](repeating: 0, count: Self.separatorSize)
    bytes += data.bytes
    bytes += Self.marker
    bytes += Self.metadataBytes(metadata, recordBits: bits, nodeCount: nodeCount)
    self.bytes = bytes
  }

  private static let separatorSize = 16
  private static let marker: [UInt8] = [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8)

  private static func number(
    of branch: SearchTree.Branch, nodeCount: Int, offsets: [Int?]
  ) -> UInt32 {
    switch branch {
    case .nothing: UInt32(nodeCount)
    case .node(let index): UInt32(nodeCount - 1) - index
    case .record(let index):
      offsets[Int(index)].map { UInt32(nodeCount + separatorSize + $0) } ?? UInt32(nodeCount)
    }
  }

  /// With 28 bits the byte in the middle has the upper four of both.
  private static func append(
    _ left: UInt32, _ right: UInt32, bits: Int, to bytes: inout [UInt8]
  ) {
    func append(_ number: UInt32, _ count: Int) {
      for position in (0..<count).reversed() {
        bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(8 * position)))
      }
    }
    guard bits == 28 else {
      append(left, bits / 8)
      append(right, bits / 8)
      return
    }
    append(left & 0xFF_FFFF, 3)
    bytes.append(UInt8((left >> 24) << 4 | right >> 24))
    append(right & 0xFF_FFFF, 3)
  }

  private static func metadataBytes(
    _ metadata: Metadata, recordBits: Int, nodeCount: Int
  ) -> [UInt8] {
    var writer = DataSectionWriter(usesPointers: false)
    let fields: [(String, DataValue)] = [
      ("binary_format_major_version", .uint16(2)), ("binary_format_minor_version", .uint16(0)),
      ("build_epoch", .uint64(metadata.buildEpochSeconds)),
      ("database_type", .text(metadata.type)),
      ("description", .map([DataValue.Entry(key: "en", value: .text(metadata.description))])),
      ("ip_version", .uint16(6)), ("languages", .array([.text("en")])),
      ("node_count", .uint32(UInt32(nodeCount))), ("record_size", .uint16(UInt16(recordBits))),
    ]
    _ = writer.write(.map(fields.map { DataValue.Entry(key: $0, value: $1) }))
    return writer.bytes
  }
}
