/// What a process says to another one that takes its sockets over: a packet of a Unix socket.
///
///     "AH" | version 1 | kind | descriptors that come with it | payload, to the end
///
/// ```
/// successor                      predecessor
///   hello              ─→
///                      ←─   refusal (a sentence), or
///                      ←─   state…, sockets…, complete
///   serving            ─→
///                      ←─   yours
/// ```
package struct HandedPacket: Sendable, Equatable {
  package enum Kind: UInt8, Sendable {
    /// The successor has a configuration that is good, and asks for everything.
    case hello = 1
    /// It gets nothing; why not, in words.
    case refusal = 2
    /// A piece of what the predecessor knows.
    case state = 3
    /// Some of its sockets.
    case sockets = 4
    /// That was all. From now on the predecessor writes nothing down, but serves.
    case complete = 5
    /// The successor reads from the sockets.
    case serving = 6
    /// The predecessor reads from them no more, and never writes anything down again.
    case yours = 7
  }

  package enum Fault: Error, Sendable, Equatable {
    case damaged
    case otherVersion(UInt8)
    case unknownKind(UInt8)
    /// It says that it has so many descriptors, and has others.
    case descriptors(said: Int, found: Int)
  }

  package static let version: UInt8 = 1
  static let headerByteCount = 5
  /// Of one packet; what is longer goes in pieces.
  package static let maximumPayloadByteCount = 32_768
  package static let maximumByteCount = headerByteCount + maximumPayloadByteCount

  package var kind: Kind
  package var payload: [UInt8]

  package init(_ kind: Kind, payload: [UInt8] = []) {
    self.kind = kind
    self.payload = payload
  }

  /// - Parameter descriptorCount: 0...64.
  package func encoded(descriptorCount: Int = 0) -> [UInt8] {
    [0x41, 0x48, Self.version, kind.rawValue, UInt8(clamping: descriptorCount)] + payload
  }

  /// - Parameter descriptorCount: that came with the bytes.
  package init(_ bytes: some Collection<UInt8>, descriptorCount: Int) throws(Fault) {
    let bytes = Array(bytes)
    guard bytes.count >= Self.headerByteCount, bytes[0] == 0x41, bytes[1] == 0x48 else {
      throw .damaged
    }
    guard bytes[2] == Self.version else { throw .otherVersion(bytes[2]) }
    guard let kind = Kind(rawValue: bytes[3]) else { throw .unknownKind(bytes[3]) }
    guard Int(bytes[4]) == descriptorCount else {
      throw .descriptors(said: Int(bytes[4]), found: descriptorCount)
    }
    // Only sockets come with descriptors.
    guard descriptorCount == 0 || kind == .sockets else {
      throw .descriptors(said: 0, found: descriptorCount)
    }
    self.kind = kind
    payload = Array(bytes.dropFirst(Self.headerByteCount))
  }
}
