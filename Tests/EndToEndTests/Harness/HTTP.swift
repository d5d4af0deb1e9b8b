import Foundation

/// One HTTP/1.1 connection, for one request after the other.
final class HTTPConnection {
  struct Response {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(body))
    }
  }

  struct Malformed: Error {
    var got: String
  }

  private let socket: Socket
  private let host: String
  private var waiting: [UInt8] = []

  init(
    port: Int, address: String = "127.0.0.1", from source: String? = nil,
    timeoutMilliseconds: Int = 10_000
  ) throws {
    socket = try Socket.tcp(
      to: address, port: port, from: source, timeoutMilliseconds: timeoutMilliseconds)
    host = "\(address):\(port)"
  }

  func request(
    _ method: String = "GET", _ path: String, headers: [String: String] = [:], body: String = ""
  ) throws -> Response {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if !body.isEmpty || method == "PUT" || method == "POST" {
      head += "Content-Length: \(body.utf8.count)\r\n"
    }
    try socket.send(Array("\(head)\r\n\(body)".utf8))
    return try response()
  }

  private func response() throws -> Response {
    let head = try line(endingWith: "\r\n\r\n")
    let lines = head.split(separator: "\r\n")
    guard let first = lines.first, first.hasPrefix("HTTP/1.1 "),
      let status = Int(first.dropFirst(9).prefix(3))
    else { throw Malformed(got: head) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] =
        parts.count > 1 ? parts[1].drop { $0 == " " }.description : ""
    }
    var response = Response(status: status, headers: headers, body: [])
    if let length = headers["content-length"].flatMap({ Int($0) }) {
      response.body = try take(length)
    } else if headers["transfer-encoding"] == "chunked" {
      while true {
        let size = try Int(line(endingWith: "\r\n").dropLast(2), radix: 16) ?? 0
        response.body += try take(size)
        _ = try line(endingWith: "\r\n")
        if size == 0 { break }
      }
    }
    return response
  }

  private func line(endingWith end: String) throws -> String {
    while true {
      if let range = waiting.firstRange(of: Array(end.utf8)) {
        let line = String(decoding: waiting[..<range.upperBound], as: UTF8.self)
        waiting.removeSubrange(..<range.upperBound)
        return line
      }
      try fill()
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while waiting.count < count { try fill() }
    defer { waiting.removeFirst(count) }
    return Array(waiting.prefix(count))
  }

  private func fill() throws {
    let more = try socket.receive()
    if more.isEmpty { throw Malformed(got: String(decoding: waiting, as: UTF8.self)) }
    waiting += more
  }
}
