import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// The node that a verb asks.
struct AdminOptions: ParsableArguments {
  /// What changes something goes with the bearer token that it holds.
  static let tokenVariable = "AZIMUTH_TOKEN"

  @Option(
    help: """
      The admin address of a node, such as http://127.0.0.1:8053, https://edge-1.internal:8053 or \
      unix:/run/azimuth/admin.sock.
      """)
  var admin = "http://127.0.0.1:8053"
  @OptionGroup var tls: AdminTLSOptions

  /// As ``AdminClient/askOnce(_:_:query:body:)``.
  func ask(
    _ method: String, _ path: String, query: String? = nil, body: [UInt8]? = nil
  ) async throws -> [UInt8] {
    try await client().askOnce(method, path, query: query, body: body)
  }

  /// - Throws: what is wrong with the address or a file.
  func client() throws -> AdminClient { try tls.client(of: admin) }
}

/// How a node is asked that has TLS at its admin address.
struct AdminTLSOptions: ParsableArguments {
  @Option(help: "A PEM file of the roots that the node's certificate is verified with.")
  var adminRoots: String?
  @Option(help: "A PEM file of the certificate that the node is shown.")
  var adminCertificate: String?
  @Option(help: "A PEM file of its key.")
  var adminKey: String?

  /// - Parameter admin: as ``AdminOptions/admin``.
  /// - Throws: what is wrong with the address or a file.
  func client(of admin: String) throws -> AdminClient {
    guard (adminCertificate == nil) == (adminKey == nil) else {
      throw ValidationError("--admin-certificate and --admin-key go together")
    }
    var tls: TLSConfiguration?
    if adminRoots != nil || adminCertificate != nil {
      var configuration = TLSConfiguration.makeClientConfiguration()
      if let adminRoots { configuration.trustRoots = .file(adminRoots) }
      if let adminCertificate, let adminKey {
        configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(adminCertificate)
          .map { .certificate($0) }
        configuration.privateKey = .privateKey(
          try NIOSSLPrivateKey(file: adminKey, format: .pem))
      }
      tls = configuration
    }
    return try AdminClient(admin, tls: tls)
  }
}

/// Speaks to the admin server of a node.
struct AdminClient: Sendable {
  private enum Address {
    case url(URLComponents)
    case socket(path: String)
  }

  private let address: Address
  let http: HTTPClient

  /// - Parameter text: as ``AdminOptions/admin``.
  init(_ text: String, tls: TLSConfiguration? = nil) throws {
    if text.hasPrefix("unix:/") {
      address = .socket(path: String(text.dropFirst("unix:".count)))
    } else if let url = URLComponents(string: text), url.host != nil,
      ["http", "https"].contains(url.scheme)
    {
      address = .url(url)
    } else {
      throw ValidationError(
        "--admin wants a URL, such as http://127.0.0.1:8053, or unix: and a path from /")
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    // That nobody listens is told at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// A GET, with the token that ``AdminOptions/tokenVariable`` holds.
  ///
  /// - Parameter query: percent-encoded, such as `force=true`.
  func request(_ path: String, query: String? = nil) throws -> HTTPClientRequest {
    var request: HTTPClientRequest
    switch address {
    case .url(var url):
      url.path = path
      url.percentEncodedQuery = query
      guard let text = url.string else { throw ValidationError("\(path) is no path") }
      request = HTTPClientRequest(url: text)
    case .socket(let file):
      let uri = path + (query.map { "?\($0)" } ?? "")
      guard let url = URL(httpURLWithSocketPath: file, uri: uri) else {
        throw ValidationError("--admin wants unix: and a path from /")
      }
      request = HTTPClientRequest(url: url.absoluteString)
      request.headers.add(name: "Host", value: "localhost")
    }
    if let token = ProcessInfo.processInfo.environment[AdminOptions.tokenVariable] {
      request.headers.add(name: "Authorization", value: "Bearer \(token)")
    }
    return request
  }

  /// What the node answers; if that is a refusal, prints it and ends with code 1. Nothing is asked
  /// after it.
  ///
  /// - Parameter query: as ``request(_:query:)``.
  func askOnce(
    _ method: String, _ path: String, query: String? = nil, body: [UInt8]? = nil
  ) async throws -> [UInt8] {
    var request = try request(path, query: query)
    request.method = HTTPMethod(rawValue: method)
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body))
    }
    let response: HTTPClientResponse
    let answer: ByteBuffer
    do {
      response = try await http.execute(request, timeout: .seconds(30))
      answer = try await response.body.collect(upTo: 16 << 20)
    } catch {
      await end()
      throw error
    }
    await end()
    guard (200..<300).contains(response.status.code) else {
      writeToStandardError("\(String(buffer: answer))\n")
      throw ExitCode(1)
    }
    return Array(answer.readableBytesView)
  }

  /// Nothing is asked after this.
  func end() async { try? await http.shutdown() }
}
