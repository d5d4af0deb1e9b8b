/// Reads a response of HTTP/1 as it arrives (RFC 9112 §2.1), as much as a probe wants to know.
///
///     status line ─▶ fields ─▶ body by its length │ in chunks │ to the end of the connection
///
/// Interim responses (status 1xx) are passed over. Nothing of a body is kept.
struct HTTPResponseReader {
  enum Part: Equatable {
    case head(status: Int)
    case body(ArraySlice<UInt8>)
    case end
  }

  /// What cannot be HTTP, in words for people.
  struct Malformed: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  private enum State: Equatable {
    case statusLine, fields
    case sized(left: Int)
    case chunkSize
    case chunk(left: Int)
    case chunkEnd, trailers
    case untilClosed
    case ended
  }

  /// A head, or a line of the chunked coding, must not be longer.
  static let headLimitBytes = 65_536

  private(set) var status = 0
  private let isHEAD: Bool
  private var state = State.statusLine
  /// Names in lower case.
  private var fields: [(name: String, value: String)] = []
  private var waiting: ArraySlice<UInt8> = []
  private var headBytes = 0

  init(isHEAD: Bool) { self.isHEAD = isHEAD }

  /// The values of a field.
  func values(_ name: String) -> [String] {
    let name = name.lowercased()
    return fields.filter { $0.name == name }.map(\.value)
  }

  mutating func append(_ bytes: some Collection<UInt8>) { waiting += bytes }

  /// The next part that is there; nil: more must come.
  mutating func next() throws(Malformed) -> Part? {
    while true {
      switch state {
      case .statusLine:
        guard let line = try line() else { return nil }
        status = try Self.status(line)
        fields = []
        state = .fields
      case .fields:
        guard let line = try line() else { return nil }
        if !line.isEmpty {
          try take(field: line)
        } else if (100...199).contains(status), status != 101 {
          state = .statusLine
        } else {
          state = try bodyState()
          return .head(status: status)
        }
      case .sized(let left):
        guard let body = body(atMost: left) else { return nil }
        state = body.count == left ? .ended : .sized(left: left - body.count)
        if state == .ended { ends = true }
        return .body(body)
      case .chunk(let left):
        guard let body = body(atMost: left) else { return nil }
        state = body.count == left ? .chunkEnd : .chunk(left: left - body.count)
        return .body(body)
      case .chunkSize:
        guard let line = try line() else { return nil }
        let size = try Self.chunkSize(line)
        state = size == 0 ? .trailers : .chunk(left: size)
      case .chunkEnd:
        guard let line = try line() else { return nil }
        guard line.isEmpty else { throw Malformed("chunk is longer than it says") }
        state = .chunkSize
      case .trailers:
        guard let line = try line() else { return nil }
        if line.isEmpty { finish() }
      case .untilClosed: return body(atMost: .max).map { .body($0) }
      case .ended:
        guard ends else { return nil }
        ends = false
        return .end
      }
    }
  }

  /// The connection has ended.
  /// - Returns: whether the response was complete by that.
  func isCompleteWhenClosed() -> Bool { state == .untilClosed || state == .ended }

  /// The end has still to be told.
  private var ends = false

  private mutating func finish() {
    state = .ended
    ends = true
  }

  private mutating func body(atMost limit: Int) -> ArraySlice<UInt8>? {
    guard !waiting.isEmpty else { return nil }
    let body = waiting.prefix(limit)
    waiting = waiting.dropFirst(body.count)
    return body
  }

  /// A line without its end (RFC 9112 §2.2: LF alone ends one, too).
  private mutating func line() throws(Malformed) -> ArraySlice<UInt8>? {
    guard let end = waiting.firstIndex(of: 0x0A) else {
      guard headBytes + waiting.count <= Self.headLimitBytes else { throw Self.tooLong }
      if state == .statusLine, !waiting.isEmpty { try Self.checkStart(waiting) }
      return nil
    }
    var line = waiting[..<end]
    headBytes = state == .chunkSize || state == .chunkEnd ? 0 : headBytes + line.count + 1
    guard headBytes <= Self.headLimitBytes else { throw Self.tooLong }
    waiting = waiting[(end + 1)...]
    if line.last == 0x0D { line = line.dropLast() }
    return line
  }

  private static let tooLong = Malformed("head is longer than \(headLimitBytes) bytes")

  /// What is not HTTP need not send a line end to be known.
  private static func checkStart(_ bytes: ArraySlice<UInt8>) throws(Malformed) {
    let wanted = Array("HTTP/1.".utf8)
    guard bytes.prefix(wanted.count).elementsEqual(wanted.prefix(bytes.count)) else {
      throw Malformed("answer begins with \(quoted(bytes))")
    }
  }

  /// `HTTP/1.1 200 OK`: the reason may be missing (RFC 9112 §4).
  private static func status(_ line: ArraySlice<UInt8>) throws(Malformed) -> Int {
    try checkStart(line)
    let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0].count == 8, let minor = parts[0].last,
      (0x30...0x39).contains(minor), parts[1].count == 3,
      let status = Int(String(decoding: parts[1], as: UTF8.self)), (100...999).contains(status)
    else { throw Malformed("status line \(quoted(line))") }
    return status
  }

  /// RFC 9112 §5: no space before the colon, and no continued lines.
  private mutating func take(field line: ArraySlice<UInt8>) throws(Malformed) {
    guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex,
      line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw Malformed("header line \(quoted(line))") }
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    var value = line[(colon + 1)...].drop(while: isBlank)
    while let last = value.last, isBlank(last) { value = value.dropLast() }
    fields.append(
      (
        String(decoding: line[..<colon], as: UTF8.self).lowercased(),
        String(decoding: value, as: UTF8.self)
      ))
  }

  /// RFC 9112 §6.3.
  private mutating func bodyState() throws(Malformed) -> State {
    if isHEAD || status == 204 || status == 304 {
      ends = true
      return .ended
    }
    if let coding = values("transfer-encoding").last {
      return coding.lowercased().hasSuffix("chunked") ? .chunkSize : .untilClosed
    }
    let lengths = Set(values("content-length"))
    guard let text = lengths.first else { return .untilClosed }
    guard lengths.count == 1, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let length = Int(text)
    else { throw Malformed("Content-Length \(text.debugDescription)") }
    ends = length == 0
    return length == 0 ? .ended : .sized(left: length)
  }

  /// Hexadecimal digits; extensions behind them say nothing to us (RFC 9112 §7.1).
  private static func chunkSize(_ line: ArraySlice<UInt8>) throws(Malformed) -> Int {
    let digits = line.prefix { $0 != 0x3B && $0 != 0x20 && $0 != 0x09 }
    let text = String(decoding: digits, as: UTF8.self)
    guard (1...15).contains(digits.count), !text.hasPrefix("+"), !text.hasPrefix("-"),
      let size = Int(text, radix: 16)
    else { throw Malformed("chunk of size \(quoted(line))") }
    return size
  }
}
