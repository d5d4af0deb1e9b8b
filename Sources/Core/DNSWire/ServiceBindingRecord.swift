/// The data of an SVCB or HTTPS record taken apart (RFC 9460 §2.2), so that address hints can be
/// put in.
///
///     priority (16) | target name | { key (16) | length (16) | value } …, keys ascending
public struct ServiceBindingRecord: Sendable, Equatable {
  public static let ipv4Hint: UInt16 = 4
  public static let ipv6Hint: UInt16 = 6

  public struct Parameter: Sendable, Equatable {
    public var key: UInt16
    public var value: [UInt8]
  }

  /// 0: an alias (RFC 9460 §2.4.2).
  public var priority: UInt16
  /// Uncompressed wire form; the root stands for the owner itself (RFC 9460 §2.5.2), or in an
  /// alias for nothing at all.
  public var target: [UInt8]
  /// Ascending by key, none twice.
  public private(set) var parameters: [Parameter]

  /// nil unless the bytes are a whole record's data, its keys ascending.
  public init?(data: [UInt8]) {
    guard data.count > 2 else { return nil }
    priority = UInt16(data[0]) << 8 | UInt16(data[1])
    var offset = 2
    while offset < data.count, data[offset] != 0 { offset += 1 + Int(data[offset]) }
    guard offset < data.count, let name = DomainName(wire: Array(data[2...offset])) else {
      return nil
    }
    target = name.wire
    parameters = []
    offset += 1
    while offset < data.count {
      guard offset + 4 <= data.count else { return nil }
      let key = UInt16(data[offset]) << 8 | UInt16(data[offset + 1])
      let count = Int(data[offset + 2]) << 8 | Int(data[offset + 3])
      offset += 4
      guard offset + count <= data.count, parameters.last.map({ $0.key < key }) ?? true else {
        return nil
      }
      parameters.append(Parameter(key: key, value: Array(data[offset..<(offset + count)])))
      offset += count
    }
  }

  /// Whether hints may be put in: it speaks of its own owner, and is no alias.
  public var isOfOwner: Bool { priority > 0 && target == [0] }

  public var hasHints: Bool {
    parameters.contains { [Self.ipv4Hint, Self.ipv6Hint].contains($0.key) }
  }

  /// Puts a parameter in its place by key (RFC 9460 §2.2); an empty value leaves it out.
  public mutating func set(_ key: UInt16, to value: [UInt8]) {
    parameters.removeAll { $0.key == key }
    guard !value.isEmpty else { return }
    let place = parameters.firstIndex { $0.key > key } ?? parameters.count
    parameters.insert(Parameter(key: key, value: value), at: place)
  }

  public func value(of key: UInt16) -> [UInt8]? { parameters.first { $0.key == key }?.value }

  /// RDATA.
  public var data: [UInt8] {
    bigEndianBytes(priority) + target
      + parameters.flatMap {
        bigEndianBytes($0.key) + bigEndianBytes(UInt16($0.value.count)) + $0.value
      }
  }
}
