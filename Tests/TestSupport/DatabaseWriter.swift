import Glibc
package import Places

/// A value in a .mmdb file's data section.
package indirect enum DataValue: Sendable {
  case map([(String, DataValue)])
  case array([DataValue])
  case text(String)
  case double(Double)
  case float(Float)
  case uint16(UInt16)
  case uint32(UInt32)
  case uint64(UInt64)
  case int32(Int32)
  case boolean(Bool)
  case pointer(Int)
  /// Written as they are.
  case raw([UInt8])

  /// MaxMind DB File Format Specification v2.0, "Output Data Section".
  package var bytes: [UInt8] {
    switch self {
    case .map(let entries):
      Self.control(7, entries.count) + entries.flatMap { DataValue.text($0).bytes + $1.bytes }
    case .array(let values): Self.control(11, values.count) + values.flatMap(\.bytes)
    case .text(let text): Self.control(2, text.utf8.count) + Array(text.utf8)
    case .double(let number): Self.control(3, 8) + Self.bigEndian(number.bitPattern, 8)
    case .float(let number): Self.control(15, 4) + Self.bigEndian(UInt64(number.bitPattern), 4)
    case .uint16(let number): Self.control(5, 2) + Self.bigEndian(UInt64(number), 2)
    case .uint32(let number): Self.control(6, 4) + Self.bigEndian(UInt64(number), 4)
    case .uint64(let number): Self.control(9, 8) + Self.bigEndian(number, 8)
    case .int32(let number):
      Self.control(8, 4) + Self.bigEndian(UInt64(UInt32(bitPattern: number)), 4)
    case .boolean(let isTrue): Self.control(14, isTrue ? 1 : 0)
    case .pointer(let offset): [0x38] + Self.bigEndian(UInt64(offset), 4)
    case .raw(let bytes): bytes
    }
  }

  private static func control(_ type: Int, _ size: Int) -> [UInt8] {
    let (length, extra): (Int, [UInt8]) =
      switch size {
      case ..<29: (size, [])
      case ..<285: (29, bigEndian(UInt64(size - 29), 1))
      default: (30, bigEndian(UInt64(size - 285), 2))
      }
    return type < 8
      ? [UInt8(type << 5 | length)] + extra : [UInt8(length), UInt8(type - 7)] + extra
  }

  package static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }
}

/// Writes small .mmdb files, good ones and, by its open fields, bad ones.
package struct DatabaseWriter {
  package enum Slot {
    case empty
    case node(Int)
    case data(Int)
    /// Written as it is.
    case raw(Int)
  }

  package var ipVersion = 6
  package var recordBits = 24
  package var formatVersion = 2
  package var type = "Test-City"
  package var nodes: [(left: Slot, right: Slot)] = [(.empty, .empty)]
  package var records: [DataValue] = []
  /// Stands in the metadata in place of the true count.
  package var claimedNodeCount: Int?
  package var claimedRecordBits: Int?
  package var extraMetadata: [(String, DataValue)] = []

  package init(ipVersion: Int = 6, recordBits: Int = 24) {
    self.ipVersion = ipVersion
    self.recordBits = recordBits
  }

  /// Gives a network a record; the later of nested networks wins.
  package mutating func add(_ prefix: AddressPrefix, _ record: DataValue) {
    records.append(record)
    var bits: UInt128
    var length = prefix.length
    switch prefix.address {
    case .ipv4(let address):
      bits = UInt128(address) << 96
      if ipVersion == 6 {
        bits >>= 96
        length += 96
      }
    case .ipv6(let address): bits = address
    }
    var node = 0
    for _ in 0..<(length - 1) {
      let isRight = bits >> 127 == 1
      bits <<= 1
      let slot = isRight ? nodes[node].right : nodes[node].left
      if case .node(let next) = slot {
        node = next
        continue
      }
      nodes.append((slot, slot))
      let next = Slot.node(nodes.count - 1)
      if isRight { nodes[node].right = next } else { nodes[node].left = next }
      node = nodes.count - 1
    }
    let data = Slot.data(records.count - 1)
    if bits >> 127 == 1 { nodes[node].right = data } else { nodes[node].left = data }
  }

  /// The bytes of the file.
  package var file: [UInt8] {
    var offsets: [Int] = []
    var data: [UInt8] = []
    for record in records {
      offsets.append(data.count)
      data += record.bytes
    }
    func number(_ slot: Slot) -> UInt64 {
      switch slot {
      case .empty: UInt64(nodes.count)
      case .node(let index): UInt64(index)
      case .data(let index): UInt64(nodes.count + 16 + offsets[index])
      case .raw(let number): UInt64(number)
      }
    }
    var bytes: [UInt8] = []
    for node in nodes {
      let (left, right) = (number(node.left), number(node.right))
      switch recordBits {
      case 28:
        bytes += DataValue.bigEndian(left & 0xFF_FFFF, 3)
        bytes.append(UInt8((left >> 24) << 4 | right >> 24))
        bytes += DataValue.bigEndian(right & 0xFF_FFFF, 3)
      default:
        bytes += DataValue.bigEndian(left, recordBits / 8)
        bytes += DataValue.bigEndian(right, recordBits / 8)
      }
    }
    return bytes + [UInt8](repeating: 0, count: 16) + data + metadata
  }

  private var metadata: [UInt8] {
    let fields: [(String, DataValue)] = [
      ("binary_format_major_version", .uint16(UInt16(formatVersion))),
      ("binary_format_minor_version", .uint16(0)),
      ("build_epoch", .uint64(1_790_000_000)),
      ("database_type", .text(type)),
      ("description", .map([("en", .text("made by a test"))])),
      ("ip_version", .uint16(UInt16(ipVersion))),
      ("languages", .array([.text("en")])),
      ("node_count", .uint32(UInt32(claimedNodeCount ?? nodes.count))),
      ("record_size", .uint16(UInt16(claimedRecordBits ?? recordBits))),
    ]
    return [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8)
      + DataValue.map(fields + extraMetadata).bytes
  }
}

/// A file in the temporary folder that goes away with this value.
package final class TemporaryFile {
  package let path: String

  package init(_ bytes: [UInt8]) {
    var template = Array("/tmp/azimuth-mmdb-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        write(descriptor, $0.baseAddress! + written, $0.count - written)
      }
      guard count > 0 else { break }
      written += count
    }
    close(descriptor)
  }

  deinit { unlink(path) }
}
