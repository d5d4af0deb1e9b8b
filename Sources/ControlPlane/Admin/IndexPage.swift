import Editions
import HTTPTypes
import Hummingbird
import Publishing

extension AdminServer {
  /// `GET /v1`: where everything is, for a person who has only the address.
  func index(_ request: Request) async throws -> Response {
    let edition = sources.publisher.desk.take()
    let links = [
      ("/", "the dashboard"),
      ("/v1/route?ip=133.11.0.1&name=", "the decision for a client: put in its address and a name"),
      ("/v1/status", "this node"), ("/v1/regions", "the regions and their health"),
      ("/v1/catchments", "which part of the world each region gets"),
      ("/v1/endpoints", "every endpoint and its last check"),
      ("/v1/fleet/votes", "what the nodes of a fleet say of every endpoint"),
      ("/v1/latency?ip=133.11.0.1", "the round trips of a client, and who has measured them"),
      ("/v1/ecs-coverage", "which resolvers send client subnets"),
      ("/v1/fleet", "the nodes that share a store with this one, if it is in a fleet"),
      ("/v1/anycast", "whether routes to its anycast addresses lead to this node"),
      ("/v1/overrides", "what operators have taken out or put in"),
      ("/v1/config", "the layers of a fleet's configuration"),
      ("/v1/rollout", "the text of a layer that is on its way through the fleet, if one is"),
      ("/v1/conflicts", "where operators have said different things without knowing"),
      ("/v1/events", "what has changed"), ("/v1/zones", "the zones and their transfers"),
      ("/v1/primaries", "where active-passive services have their primary"),
      ("/problems", "what the types of problems mean, and what to do"),
      ("/v1/openapi.json", "all of this for programs, as OpenAPI"),
      ("/metrics", "counters, for Prometheus"), ("/livez", "does the process answer?"),
      ("/readyz?verbose", "may it take clients?"),
    ]
    let items = links.map { path, what in
      "<li><a href=\"\(escaped(path))\"><code>\(escaped(path))</code></a> \(escaped(what))</li>"
    }
    let page = """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><title>Azimuth · \(escaped(sources.node.id))</title></head>
      <body>
      <h1>Azimuth \(escaped(sources.node.version)) on \(escaped(sources.node.id))</h1>
      <p>Edition \(edition.number), revision \(edition.revision), \
      \(edition.isReady ? "ready" : "not ready yet").</p>
      <ul>
      \(items.joined(separator: "\n"))
      </ul>
      <p>\(attributionLink)</p>
      </body>
      </html>

      """
    var response = Response.text(page, type: "text/html; charset=utf-8")
    response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
    return response
  }

  /// The attribution with the address in its brackets as a link: what the licence asks for.
  private var attributionLink: String {
    let text = sources.node.attribution
    guard let open = text.lastIndex(of: "("), text.hasSuffix(")"), let space = text[..<open].last,
      space == " "
    else { return escaped(text) }
    let address = text[text.index(after: open)...].dropLast()
    guard address.hasPrefix("https://") else { return escaped(text) }
    let words = text[..<open].dropLast()
    return "<a href=\"\(escaped(String(address)))\">\(escaped(String(words)))</a>"
  }
}

private func escaped(_ text: String) -> String {
  var result = ""
  for character in text {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.append(character)
    }
  }
  return result
}
