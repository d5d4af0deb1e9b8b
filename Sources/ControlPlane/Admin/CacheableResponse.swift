import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// Answers that are the same until something changes: they have an entity tag, and who has them
/// already is told so with 304 and no content (RFC 9110 §13.1.2). All others are of their moment,
/// and have none.
extension Response {
  /// - Parameter headers: besides its type.
  static func cacheable(
    json value: some Encodable, for request: Request, headers: HTTPFields = [:],
    isPretty: Bool = true
  ) throws -> Response {
    cacheable(
      ByteBuffer(bytes: try jsonText(value, isPretty: isPretty)), type: "application/json",
      for: request, headers: headers)
  }

  static func cacheable(text: String, for request: Request) -> Response {
    cacheable(ByteBuffer(string: text), type: "text/plain; charset=utf-8", for: request)
  }

  /// - Parameters:
  ///   - tag: a strong validator with its quotes (RFC 9110 §8.8.3), another one whenever the
  ///     content or the headers would be; nil: it is made of both.
  static func cacheable(
    _ content: ByteBuffer, type: String, for request: Request, headers: HTTPFields = [:],
    tag: String? = nil
  ) -> Response {
    let tag = tag ?? entityTag(of: content, headers)
    var headers = headers
    headers[.eTag] = tag
    // It may be kept by who has asked, and is asked for again each time.
    headers[.cacheControl] = "private, no-cache"
    if request.hasCopy(tagged: tag) {
      // RFC 9110 §8.6: of the content that is not sent.
      headers[.contentLength] = "\(content.readableBytes)"
      return Response(status: .notModified, headers: headers)
    }
    headers[.contentType] = type
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: content))
  }

  private static func entityTag(of content: ByteBuffer, _ headers: HTTPFields) -> String {
    var hash = SHA256()
    hash.update(data: content.readableBytesView)
    // What a part of a list leads to changes without it.
    for field in headers { hash.update(data: Array("\(field.name): \(field.value)\n".utf8)) }
    return "\"\(Data(hash.finalize().prefix(12)).base64EncodedString())\""
  }
}

extension Request {
  /// What If-None-Match says; tags are compared weakly (RFC 9110 §8.8.3.2).
  fileprivate func hasCopy(tagged tag: String) -> Bool {
    let known = (headers[.ifNoneMatch] ?? "").split(separator: ",").map { element in
      let spaces: Set<Character> = [" ", "\t"]
      var element = element.drop { spaces.contains($0) }
      while let last = element.last, spaces.contains(last) { element.removeLast() }
      return element.hasPrefix("W/") ? element.dropFirst(2) : element
    }
    return known.contains { $0 == tag || $0 == "*" }
  }
}
