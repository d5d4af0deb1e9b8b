/// An uncompressed name in a message.
public struct MessageName: Sendable, BitwiseCopyable {
  public var offset: Int
  /// The root included.
  public var byteCount: Int

  @inlinable
  public init(offset: Int, byteCount: Int) {
    self.offset = offset
    self.byteCount = byteCount
  }

  /// The name above it, or itself, that has so many bytes.
  @inlinable
  public func suffix(byteCount suffix: Int) -> MessageName {
    MessageName(offset: offset &+ byteCount &- suffix, byteCount: suffix)
  }
}

/// How a DNAME ended.
public enum Redirection: Sendable, BitwiseCopyable {
  /// The name to go on with: the target of the CNAME that was written.
  case to(MessageName)
  case tooLong
  case truncated
}

extension AnswerWriter {
  /// Of a record with a pointer as its owner, before its data.
  static var recordHeadByteCount: Int { 12 }

  /// Appends the CNAME that a DNAME means for a name below its owner (RFC 6672 §3.1): with the
  /// DNAME's TTL.
  ///
  /// - Parameters:
  ///   - record: where the DNAME record stands in the message, its owner a pointer.
  ///   - ownerByteCount: of the DNAME's owner, which is a suffix of `name`.
  public mutating func appendAlias(
    of name: MessageName, redirectedBy record: Int, ownerByteCount: Int,
    into buffer: inout MutableRawSpan
  ) -> Redirection {
    let targetByteCount = Int(buffer.bytes.uint16(at: record &+ 10))
    let prefixByteCount = name.byteCount &- ownerByteCount
    let byteCount = prefixByteCount &+ targetByteCount
    guard byteCount <= Query.maximumNameByteCount else { return .tooLong }
    guard end &+ Self.recordHeadByteCount &+ byteCount <= recordLimit else {
      truncate()
      return .truncated
    }
    let alias = end
    buffer.store(0xC000 | UInt16(truncatingIfNeeded: name.offset) & 0x3FFF, at: alias)
    buffer.store(RecordType.cname.rawValue, at: alias &+ 2)
    buffer.store(RecordClass.internet.rawValue, at: alias &+ 4)
    buffer.store(buffer.bytes.uint32(at: record &+ 6), at: alias &+ 6)
    buffer.store(UInt16(truncatingIfNeeded: byteCount), at: alias &+ 10)
    let target = alias &+ Self.recordHeadByteCount
    copy(prefixByteCount, from: name.offset, to: target, in: &buffer)
    copy(
      targetByteCount, from: record &+ Self.recordHeadByteCount, to: target &+ prefixByteCount,
      in: &buffer)
    end = target &+ byteCount
    counts &+= 1 &<< Section.answer.rawValue
    return .to(MessageName(offset: target, byteCount: byteCount))
  }

  /// Within the message.
  private func copy(_ count: Int, from start: Int, to offset: Int, in buffer: inout MutableRawSpan)
  {
    for index in 0..<count {
      buffer.storeBytes(
        of: buffer.bytes.byte(at: start &+ index), toByteOffset: offset &+ index, as: UInt8.self)
    }
  }
}
