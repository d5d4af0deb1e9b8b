import DNSWire

/// The labels of the current name below the apex while names pass in canonical order, from the
/// right.
struct NamePath {
  /// Of all labels, one behind the other.
  private var bytes: [UInt8] = []
  /// Where each label ends in ``bytes``.
  private var ends: [Int] = []
  private var nextBytes: [UInt8] = []
  private var nextEnds: [Int] = []

  var labelCount: Int { ends.count }

  /// Goes on to the name of a key.
  ///
  /// - Returns: how many labels it has in common with the one before.
  mutating func follow(_ key: CanonicalKeys.Key, in keys: CanonicalKeys) -> Int {
    nextBytes.removeAll(keepingCapacity: true)
    nextEnds.removeAll(keepingCapacity: true)
    var offset = 0
    while offset < Int(key.byteCount) {
      let byte = keys.byte(key, at: offset)
      offset += 1
      switch byte {
      case 0: nextEnds.append(nextBytes.count)
      case 1:
        nextBytes.append(keys.byte(key, at: offset) &- 1)
        offset += 1
      default: nextBytes.append(byte)
      }
    }
    let common = commonLabelCount()
    swap(&bytes, &nextBytes)
    swap(&ends, &nextEnds)
    return common
  }

  private func commonLabelCount() -> Int {
    var count = 0
    var start = 0
    while count < ends.count, count < nextEnds.count, ends[count] == nextEnds[count],
      (start..<ends[count]).allSatisfy({ bytes[$0] == nextBytes[$0] })
    {
      start = ends[count]
      count += 1
    }
    return count
  }

  private func start(of label: Int) -> Int { label == 0 ? 0 : ends[label - 1] }

  /// Whether the first label of the name with so many labels is `*` (RFC 4592 §2.1.1).
  func isWildcard(depth: Int) -> Bool {
    guard depth > 0 else { return false }
    let start = start(of: depth - 1)
    return ends[depth - 1] - start == 1 && bytes[start] == UInt8(ascii: "*")
  }

  /// Of the first so many labels in wire form, without the apex.
  func nameByteCount(depth: Int) -> Int { depth == 0 ? 0 : ends[depth - 1] + depth }

  /// The name of so many labels below the apex in wire form, without the apex.
  func wire(depth: Int) -> [UInt8] {
    var wire: [UInt8] = []
    for label in stride(from: depth - 1, through: 0, by: -1) {
      wire.append(UInt8(ends[label] - start(of: label)))
      wire += bytes[start(of: label)..<ends[label]]
    }
    return wire
  }

  var wire: [UInt8] { wire(depth: labelCount) }

  /// Appends the name of so many labels with its apex.
  func append(depth: Int, apex: [UInt8], to words: inout [UInt64]) {
    var packer = WordPacker()
    var label = depth - 1
    while label >= 0 {
      let start = start(of: label)
      packer.append(UInt8(truncatingIfNeeded: ends[label] - start), to: &words)
      for index in start..<ends[label] { packer.append(bytes[index], to: &words) }
      label -= 1
    }
    for byte in apex { packer.append(byte, to: &words) }
    packer.pad(&words)
  }
}
