import TestSupport
import Testing

@testable import Probing

@Suite struct HTTPResponseReaderTests {
  /// A response, and its parts: `200 body! .` for status, body and end; a fault in words.
  static let responses: [(text: String, isHEAD: Bool, parts: String)] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\nmore", false, "200 ok\n ."),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, "200 ."),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, "200 ."),
    ("HTTP/1.1 204 No Content\r\n\r\n", false, "204 ."), ("HTTP/1.0 200\n\nab", false, "200 ab"),
    ("HTTP/1.1 304 \r\nContent-Length: 7\r\n\r\n", false, "304 ."),
    ("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", false, "200"),
    ("HTTP/1.1 101 Switch\r\n\r\n", false, "101"),
    (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n"
        + "2;a=b\r\nab\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n", false, "200 ab0123456789 ."
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\n", false, "200 a chunk"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", false, "200 chunk"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", false, "200 chunk"),
    (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", false,
      "200 chunk"
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", false, "Content-Length"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, "Content-Length"),
    ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false, "Content-Length"),
    ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", false, "header"),
    ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", false, "header"),
    ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", false, "header"),
    ("HTTP/1.1 20 OK\r\n", false, "status"), ("HTTP/1.1 2000 OK\r\n", false, "status"),
    ("HTTP/1.x 200 OK\r\n", false, "status"), ("HTTP/2 200 OK", false, "answer"),
    ("SSH-2.0", false, "answer"), ("", false, ""),
    ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 70_000), false, "head"),
  ]

  @Test(arguments: responses.indices) func `a response is read, in one piece or byte by byte`(
    row: Int
  ) {
    let (text, isHEAD, parts) = Self.responses[row]
    for length in [text.utf8.count, 1, 7] {
      #expect(read(Array(text.utf8), isHEAD: isHEAD, pieces: max(1, length)) == parts)
    }
  }

  @Test func `fields are found without case and trimmed`() throws {
    var reader = HTTPResponseReader(isHEAD: false)
    reader.append(Array("HTTP/1.1 200 OK\r\nX-Id: \t tokyo \r\nx-ID:b\r\nEmpty:\r\n\r\n".utf8))
    #expect(try reader.next() == .head(status: 200))
    #expect(reader.values("X-Id") == ["tokyo", "b"])
    #expect(reader.values("empty") == [""])
    #expect(reader.values("none").isEmpty)
  }

  @Test(arguments: 0..<200 as Range<UInt64>) func `damaged responses are read to an end`(
    seed: UInt64
  ) {
    var generator = SeededGenerator(seed: seed)
    var bytes = Array((Self.responses.randomElement(using: &generator)?.text ?? "").utf8)
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = bytes.indices.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0...2, using: &generator) {
      case 0: bytes[place] = .random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: place)
      default: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
      }
    }
    // The same, however it is cut.
    #expect(
      read(bytes, isHEAD: false, pieces: 3) == read(bytes, isHEAD: false, pieces: 100_000))
  }

  /// The parts with spaces between, of a fault its first word; pieces of a body together.
  private func read(_ bytes: [UInt8], isHEAD: Bool, pieces: Int) -> String {
    var reader = HTTPResponseReader(isHEAD: isHEAD)
    var parts: [String] = []
    var body: String?
    func endBody() {
      if let text = body { parts.append(text) }
      body = nil
    }
    var rest = bytes[...]
    do throws(HTTPResponseReader.Malformed) {
      repeat {
        reader.append(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        while let part = try reader.next() {
          switch part {
          case .head(let status): parts.append("\(status)")
          case .body(let bytes):
            body = (body ?? "") + bytes.map { String(Character(Unicode.Scalar($0))) }.joined()
          case .end:
            endBody()
            parts.append(".")
          }
        }
      } while !rest.isEmpty
    } catch {
      endBody()
      parts.append("\(error)".split(separator: " ").first.map(String.init) ?? "")
    }
    endBody()
    return parts.joined(separator: " ")
  }
}
