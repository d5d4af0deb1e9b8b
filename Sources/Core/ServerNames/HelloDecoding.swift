import DNSWire

private let serverNameExtension = 0
private let protocolsExtension = 16
private let encryptedHelloExtension = 0xFE0D

/// Reads the message (RFC 8446 §4.1.2), which is there to its end.
///
/// - Parameter byteCount: of the message, with its type and length.
func helloDecoded(
  _ bytes: RawSpan, byteCount: Int, names: inout MutableRawSpan
) throws(HelloFault) -> ClientHello {
  var cursor = HelloCursor(byteCount: byteCount)
  try cursor.skip(4, bytes)
  // SSL 3 to TLS 1.2; later versions say 1.2 here.
  guard try cursor.octet(bytes) == 3 else { throw HelloFault(offset: cursor.offset &- 1) }
  try cursor.skip(1 + 32, bytes)
  // Session id, cipher suites, compression methods.
  try skipVector(&cursor, lengthByteCount: 1, 0...32, bytes)
  try skipVector(&cursor, lengthByteCount: 2, 2...65_534, ofPairs: true, bytes)
  try skipVector(&cursor, lengthByteCount: 1, 1...255, bytes)
  var extensions = HelloExtensions()
  // RFC 5246 §7.4.1.2: extensions are there if something is.
  if cursor.left > 0 {
    let behind = try cursor.open(lengthByteCount: 2, bytes)
    while cursor.left > 0 { try extensions.read(&cursor, bytes, names: &names) }
    try cursor.close(behind)
    guard cursor.left == 0 else { throw HelloFault(offset: cursor.offset) }
  }
  return ClientHello(
    end: cursor.offset, serverName: extensions.serverName, protocols: extensions.protocols,
    hasEncryptedHello: extensions.hasEncryptedHello)
}

private func skipVector(
  _ cursor: inout HelloCursor, lengthByteCount: Int, _ allowed: ClosedRange<Int>,
  ofPairs: Bool = false, _ bytes: RawSpan
) throws(HelloFault) {
  let start = cursor.offset
  let outer = try cursor.open(
    lengthByteCount: lengthByteCount, minimum: allowed.lowerBound, bytes)
  guard cursor.left <= allowed.upperBound, !ofPairs || cursor.left % 2 == 0 else {
    throw HelloFault(offset: start)
  }
  try cursor.skip(cursor.left, bytes)
  try cursor.close(outer)
}

/// The extensions that we look into; RFC 8446 §4.2 allows each once.
private struct HelloExtensions {
  private(set) var serverName: Range<Int>?
  private(set) var protocols: Range<Int>?
  private(set) var hasEncryptedHello = false
  private var hasServerName = false

  mutating func read(
    _ cursor: inout HelloCursor, _ bytes: RawSpan, names: inout MutableRawSpan
  ) throws(HelloFault) {
    let start = cursor.offset
    let type = try cursor.uint16(bytes)
    let outer = try cursor.open(lengthByteCount: 2, bytes)
    switch type {
    case serverNameExtension:
      guard !hasServerName else { throw HelloFault(offset: start) }
      hasServerName = true
      serverName = try serverNameDecoded(&cursor, bytes, names: &names)
    case protocolsExtension:
      guard protocols == nil else { throw HelloFault(offset: start) }
      protocols = try protocolsDecoded(&cursor, bytes, names: &names)
    case encryptedHelloExtension:
      guard !hasEncryptedHello else { throw HelloFault(offset: start) }
      hasEncryptedHello = true
      try cursor.skip(cursor.left, bytes)
    default:
      // Those of RFC 8701 §2 (GREASE), too.
      try cursor.skip(cursor.left, bytes)
    }
    try cursor.close(outer)
  }
}

/// RFC 6066 §3: a list of names of which at most one is a host name.
private func serverNameDecoded(
  _ cursor: inout HelloCursor, _ bytes: RawSpan, names: inout MutableRawSpan
) throws(HelloFault) -> Range<Int>? {
  var name: Range<Int>?
  var hasName = false
  let outer = try cursor.open(lengthByteCount: 2, minimum: 1, bytes)
  while cursor.left > 0 {
    let start = cursor.offset
    let type = try cursor.octet(bytes)
    let behind = try cursor.open(lengthByteCount: 2, minimum: 1, bytes)
    if type == 0 {
      guard !hasName else { throw HelloFault(offset: start) }
      hasName = true
      name = try hostNameDecoded(&cursor, bytes, names: &names)
    } else {
      try cursor.skip(cursor.left, bytes)
    }
    try cursor.close(behind)
  }
  try cursor.close(outer)
  return name
}

/// RFC 6066 §3: ASCII, without a trailing dot; one is left out all the same. Nor are addresses
/// allowed: they are no name.
private func hostNameDecoded(
  _ cursor: inout HelloCursor, _ bytes: RawSpan, names: inout MutableRawSpan
) throws(HelloFault) -> Range<Int>? {
  let start = cursor.offset
  let count = cursor.left
  guard count <= 254 else { throw HelloFault(offset: start) }
  for offset in 0..<count {
    let octet = lowered(UInt64(try cursor.octet(bytes)))
    names.storeBytes(of: UInt8(truncatingIfNeeded: octet), toByteOffset: offset, as: UInt8.self)
  }
  switch hostNameKind(names.bytes, byteCount: count) {
  case .name(let byteCount): return 0..<byteCount
  case .address: return nil
  case .none: throw HelloFault(offset: start)
  }
}

/// RFC 7301 §3.1: a list of names of 1 to 255 octets.
private func protocolsDecoded(
  _ cursor: inout HelloCursor, _ bytes: RawSpan, names: inout MutableRawSpan
) throws(HelloFault) -> Range<Int> {
  var end = ClientHello.protocolsOffset
  let outer = try cursor.open(lengthByteCount: 2, minimum: 2, bytes)
  while cursor.left > 0 {
    let behind = try cursor.open(lengthByteCount: 1, minimum: 1, bytes)
    let count = cursor.left
    if end &+ 1 &+ count > ClientHello.namesByteCount {
      try cursor.skip(count, bytes)
    } else {
      names.storeBytes(of: UInt8(count), toByteOffset: end, as: UInt8.self)
      for offset in 1...count {
        let octet = try cursor.octet(bytes)
        names.storeBytes(of: octet, toByteOffset: end &+ offset, as: UInt8.self)
      }
      end &+= 1 &+ count
    }
    try cursor.close(behind)
  }
  try cursor.close(outer)
  return ClientHello.protocolsOffset..<end
}
