import Foundation
import HTTPTypes
import TestSupport

/// What openapi.json promises. Every answer that a test of the admin API gets is held to it
/// (``AdminWorld/ask(_:_:headers:body:)``).
struct Contract {
  static let path = "\(Built.root)/Sources/ControlPlane/APIDocument/openapi.json"
  static let shared = Contract(JSON((try? String(contentsOfFile: path, encoding: .utf8)) ?? ""))

  /// The whole document.
  let document: JSON
  /// Its paths, those without variables first, each with what addresses of it look like.
  private let templates: [(path: String, pieces: [String])]

  init(_ document: JSON) {
    self.document = document
    templates = document["paths"].keys
      .map { path in
        let pieces = path.split(separator: #/\{\w+\}/#, omittingEmptySubsequences: false)
        return (path: path, pieces: pieces.map { String($0) })
      }
      .sorted { $0.pieces.count < $1.pieces.count }
  }

  /// Where the status says all that there is to say; every other problem has a type of its own.
  private static let untyped: Set = [404, 405, 413, 415, 500, 501]

  /// What is true of every path, and not said again in each.
  private static let alwaysPossible: Set = [405, 500, 501]

  /// The path of the document that an address belongs to; nil: there is none.
  func template(of uri: String) -> String? {
    let path = uri.prefix { $0 != "?" }
    return templates.first { template, pieces in
      guard pieces.count > 1, let first = pieces.first, let last = pieces.last else {
        return template == path
      }
      return path.hasPrefix(first) && path.hasSuffix(last)
        && path.count > first.count + last.count
    }?.path
  }

  /// In what an answer is not as it was promised; empty: in nothing.
  func breaches(of reply: Reply, to method: HTTPRequest.Method, _ uri: String) -> [String] {
    guard !Self.alwaysPossible.contains(reply.status) else { return problemFaults(reply, method) }
    guard let template = template(of: uri) else {
      return reply.status == 404
        ? problemFaults(reply, method) : ["\(uri) is not in openapi.json, and is not a 404"]
    }
    let verb = method == .head ? "get" : method.rawValue.lowercased()
    let answers = document["paths"][template][verb]["responses"]
    guard answers.keys.contains("\(reply.status)") else {
      return ["\(template) has no answer \(reply.status)"]
    }
    let answer = resolved(answers["\(reply.status)"])
    if verb == "get" {
      let faults = headerFaults(reply, answer["headers"].keys)
      guard faults.isEmpty else { return faults.map { "\(template) \($0)" } }
    }
    let content = answer["content"]
    let type = String((reply.type ?? "").prefix { $0 != ";" })
    if content == .null { return reply.text.isEmpty ? [] : ["\(template) promises no content"] }
    guard content.keys.contains(type) else {
      return ["\(template) promises \(content.keys), and this is \(type)"]
    }
    if type == "application/problem+json" { return problemFaults(reply, method) }
    guard type.hasSuffix("json"), method != .head else { return [] }
    return schema(content[type]["schema"]).faults(of: reply.json)
  }

  private func problemFaults(_ reply: Reply, _ method: HTTPRequest.Method) -> [String] {
    guard reply.type == "application/problem+json" else { return ["\(reply.status) is no problem"] }
    guard method != .head else { return [] }
    let needsType = !Self.untyped.contains(reply.status)
    let isTyped = reply.json["type"].string != "about:blank"
    return component("Problem").faults(of: reply.json)
      + (needsType && !isTyped ? ["a problem with \(reply.status) has no type"] : [])
  }

  /// Of a read: what may be kept has a tag, and a part of a list may lead to the next.
  private func headerFaults(_ reply: Reply, _ promised: [String]) -> [String] {
    var faults: [String] = []
    let isKept = reply.headers[.eTag] != nil
    if reply.status == 200, isKept != promised.contains("ETag") {
      faults.append(isKept ? "promises no ETag" : "promises an ETag")
    }
    if reply.headers[.link] != nil, !promised.contains("Link") { faults.append("promises no Link") }
    return faults
  }

  func component(_ name: String) -> Schema { schema(document["components"]["schemas"][name]) }

  private func schema(_ value: JSON) -> Schema {
    Schema(value: value, components: document["components"]["schemas"])
  }

  /// Of a response, which may be one that several have.
  func resolved(_ response: JSON) -> JSON {
    guard let reference = response["$ref"].string, let name = reference.split(separator: "/").last
    else { return response }
    return document["components"]["responses"][String(name)]
  }
}

extension HTTPField.Name {
  static let link = HTTPField.Name("Link") ?? .via
}
