import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Settings

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

  /// As ``AdminClient/askOnce(_:_:query:body:)``, of a GET, and read.
  func ask<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
    let client = try client()
    let body = try await client.askOnce("GET", path)
    return try client.understood { try decoded(type, body) }
  }

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
      if let adminRoots { configuration.trustRoots = .certificates(try certificates(adminRoots)) }
      if let adminCertificate, let adminKey {
        configuration.certificateChain = try certificates(adminCertificate)
          .map { .certificate($0) }
        configuration.privateKey = .privateKey(try key(adminKey))
      }
      tls = configuration
    }
    return try AdminClient(admin, tls: tls)
  }

  private func certificates(_ path: String) throws -> [NIOSSLCertificate] {
    let bytes = try fileContents(path)
    guard let found = try? NIOSSLCertificate.fromPEMBytes(bytes), !found.isEmpty else {
      throw reported("\(path) holds no certificate in PEM")
    }
    return found
  }

  private func key(_ path: String) throws -> NIOSSLPrivateKey {
    do {
      return try NIOSSLPrivateKey(bytes: try fileContents(path), format: .pem)
    } catch is NIOSSLError {
      throw reported("\(path) holds no key in PEM, or one with a password")
    }
  }
}

/// Speaks to the admin server of a node.
struct AdminClient: Sendable {
  private enum Address {
    case url(URLComponents)
    case socket(path: String)
  }

  private let address: Address
  /// As it was given, for people.
  private let name: String
  let http: HTTPClient

  /// - Parameter text: as ``AdminOptions/admin``.
  init(_ text: String, tls: TLSConfiguration? = nil) throws {
    name = text
    if text.hasPrefix("unix:/") {
      address = .socket(path: String(text.dropFirst("unix:".count)))
    } else {
      let wanted = "--admin wants a URL, such as http://127.0.0.1:8053, or unix: and a path from /"
      do {
        _ = try URLText(text, for: .http)
      } catch {
        throw ValidationError("\(wanted): \(error)")
      }
      guard let url = URLComponents(string: text) else { throw ValidationError(wanted) }
      address = .url(url)
    }
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    // A node sends nobody elsewhere: what does is none, and gets no token for another.
    configuration.redirectConfiguration = .disallow
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

  /// What the node answers; if that is a refusal, or nothing comes, prints it and ends with code 1.
  /// Nothing is asked after it.
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
      throw silent(error)
    }
    await end()
    let type = response.headers.first(name: "Content-Type")?.prefix { $0 != ";" }
    guard (200..<300).contains(response.status.code) else {
      if type == "application/problem+json" { throw reported(String(buffer: answer)) }
      throw silent(
        Unanswered(description: "it answers with \(response.status.code), not as nodes do"))
    }
    guard type == "application/json" || answer.readableBytes == 0 else {
      throw silent(Unanswered(description: "it answers with \(type ?? "no type"), and not JSON"))
    }
    return Array(answer.readableBytesView)
  }

  /// Reads what ``askOnce(_:_:query:body:)`` gave; if it cannot be, says so and ends with code 1.
  func understood<Value>(_ read: () throws -> Value) throws -> Value {
    do {
      return try read()
    } catch {
      throw silent(error)
    }
  }

  private func silent(_ error: any Error) -> ExitCode {
    reported("\(name) cannot be asked: \(reasonOfSilence(error))")
  }

  /// Nothing is asked after this.
  func end() async { try? await http.shutdown() }
}
