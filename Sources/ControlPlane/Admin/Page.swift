import HTTPTypes
import Hummingbird

/// A part of a list: `?limit=100`, and then as its Link header says (RFC 8288 §3), which has the
/// `cursor` for what follows. Without `limit` it is all that is left.
///
/// The list is in the order of its keys, and the cursor is the last key that was given: whatever
/// comes and goes between two questions, what stays is given once.
struct Page<Element> {
  let elements: [Element]
  /// `Link` to the next part; none: there is no more.
  let headers: HTTPFields

  /// - Parameters:
  ///   - all: in any order.
  ///   - key: of an element, as no other has it.
  /// - Throws: what is wrong with the query, which has nothing but `limit` and `cursor`.
  init(
    _ all: some Sequence<Element>, of request: Request, by key: (Element) -> String
  ) throws(Problem) {
    var query = QueryReader(request, known: ["limit", "cursor"])
    let limit = query.number("limit", in: pageLimits)
    guard query.errors.isEmpty else { throw query.problem }
    let start = query["cursor"]
    var rest = all.map { (key: key($0), element: $0) }
      .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    if let start {
      rest = rest.filter { start.utf8.lexicographicallyPrecedes($0.key.utf8) }
    }
    let part = rest.prefix(limit ?? rest.count)
    elements = part.map(\.element)
    if let limit, let last = part.last, part.count < rest.count {
      headers = nextPage(of: request, cursor: last.key, limit: limit)
    } else {
      headers = [:]
    }
  }
}

/// Elements of a part of a list.
let pageLimits = 1...1000

/// The Link header that leads to the next part of a list.
func nextPage(of request: Request, cursor: String, limit: Int) -> HTTPFields {
  let target = "\(request.uri.path)?limit=\(limit)&cursor=\(percentEncoded(cursor))"
  return [.link: "<\(target)>; rel=\"next\""]
}

extension HTTPField.Name {
  /// RFC 8288 §3.
  static let link = HTTPField.Name("Link") ?? .via
}

/// RFC 3986 §2.1: all but unreserved characters.
private func percentEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF".unicodeScalars)
  var result = String.UnicodeScalarView()
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      result.append(UnicodeScalar(byte))
    default: result += ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(result)
}
