import AsyncHTTPClient
package import Engine
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL

/// etcd v3 through its JSON gateway, over HTTP/1.1
/// (docs/decisions/0021-etcd-through-its-json-gateway.md).
///
/// Every question bounds its own time: a member without its cluster takes 7 s to say so.
package final class EtcdStore: SharedStore {
  package struct User: Sendable, Equatable {
    package var name: String
    package var password: String

    package init(name: String, password: String) {
      self.name = name
      self.password = password
    }
  }

  /// PEM files of a certificate and its key.
  package struct Certificate: Sendable, Equatable {
    package var file: String
    package var keyFile: String

    package init(file: String, keyFile: String) {
      self.file = file
      self.keyFile = keyFile
    }
  }

  /// Where the members are and who asks them.
  package struct Access: Sendable {
    /// Such as `https://10.0.0.1:2379`, at least one.
    package var members: [String]
    package var user: User?
    /// A file of PEM certificates that members are checked against; nil: the system's.
    package var rootsFile: String?
    /// For members that ask for one. Its common name is no user at the gateway
    /// (etcd-io/etcd#10366).
    package var certificate: Certificate?
    package var timeout: Duration

    package init(
      members: [String], user: User? = nil, rootsFile: String? = nil,
      certificate: Certificate? = nil, timeout: Duration = .seconds(2)
    ) {
      self.members = members
      self.user = user
      self.rootsFile = rootsFile
      self.certificate = certificate
      self.timeout = timeout
    }
  }

  private let access: Access
  private let client: HTTPClient
  private let tokens = EtcdTokens()

  /// - Throws: a certificate or key that cannot be used.
  package init(_ access: Access) throws {
    self.access = access
    var configuration = HTTPClient.Configuration()
    configuration.httpVersion = .http1Only
    configuration.timeout.connect = Self.amount(access.timeout / 2)
    configuration.redirectConfiguration = .disallow
    configuration.tlsConfiguration = try Self.tls(access)
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Once, after the last question.
  package func close() async { try? await client.shutdown() }

  package var memberCount: Int { access.members.count }

  package func list(
    prefix: String, consistency: StoreConsistency, member: Int
  ) async throws(StoreFault) -> StorePicture {
    let question = GatewayQuestion.Range(prefix: prefix, consistency: consistency)
    let answer = try await ask(
      "kv/range", question, member: member, isOfOneMember: consistency == .serializable)
    return try decoded(GatewayAnswer.Range.self, from: answer).picture(consistency)
  }

  package func commit(
    _ transaction: StoreTransaction, member: Int
  ) async throws(StoreFault) -> StoreOutcome {
    let question = GatewayQuestion.Transaction(transaction)
    let answer = try await ask("kv/txn", question, member: member)
    return try decoded(GatewayAnswer.Transaction.self, from: answer).outcome
  }

  package func grantLease(seconds: Int, member: Int) async throws(StoreFault) -> Int64 {
    let question = GatewayQuestion.Lease(seconds: String(seconds))
    let answer = try await ask("lease/grant", question, member: member)
    guard let id = try decoded(GatewayAnswer.Lease.self, from: answer).id?.value else {
      throw .malformed("a lease without a number")
    }
    return id
  }

  package func renewLease(_ lease: Int64, member: Int) async throws(StoreFault) -> Bool {
    let question = GatewayQuestion.Lease(id: String(lease))
    let answer = try await ask("lease/keepalive", question, member: member)
    let line = try decoded(GatewayAnswer.Line<GatewayAnswer.Lease>.self, from: answer)
    if let problem = line.error { throw problem.fault(status: 200) }
    return (line.result?.seconds?.value ?? 0) > 0
  }

  package func revokeLease(_ lease: Int64, member: Int) async throws(StoreFault) {
    _ = try await ask("lease/revoke", GatewayQuestion.Lease(id: String(lease)), member: member)
  }

  package func watch(
    prefix: String, from revision: Int64, member: Int,
    receive: @Sendable (WatchFrame) async -> Bool
  ) async throws(StoreFault) {
    let question = GatewayQuestion.Watch(prefix: prefix, from: revision)
    let token = try await token(member: member)
    do {
      try await follow(question, token: token, member: member, receive: receive)
    } catch {
      let fault = Self.fault(error)
      if case .unauthenticated = fault { await tokens.forget(token) }
      throw fault
    }
  }

  private func follow(
    _ question: GatewayQuestion.Watch, token: String?, member: Int,
    receive: @Sendable (WatchFrame) async -> Bool
  ) async throws {
    let request = try request("watch", question, token: token, member: member)
    let response = try await opened(request)
    guard response.status == .ok else {
      let body = try await response.body.collect(upTo: Self.mostAnswerBytes)
      throw Etcd.fault(status: Int(response.status.code), body: body.readableBytesView)
    }
    var splitter = LineSplitter()
    for try await piece in response.body {
      guard let lines = splitter.take(piece.readableBytesView) else {
        throw StoreFault.malformed("a line without an end")
      }
      for line in lines {
        guard try await hand(on: line, token: token, to: receive) else { return }
      }
    }
    if !splitter.waiting.isEmpty {
      _ = try await hand(on: splitter.waiting, token: token, to: receive)
    }
  }

  private func hand(
    on line: [UInt8], token: String?, to receive: @Sendable (WatchFrame) async -> Bool
  ) async throws -> Bool {
    let frame = try watchFrame(line)
    // Where users are asked for, no code says why a watch is canceled.
    if case .canceled(compacted: 0, _) = frame.content { await tokens.forget(token) }
    return await receive(frame)
  }
}

extension EtcdStore {
  /// The beginning of an answer that has no end. A deadline would count for all of it.
  private func opened(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    let opening = Task { [client] in try await client.execute(request, timeout: .hours(24 * 365)) }
    let deadline = Task { [access] in
      try await Task.sleep(for: access.timeout)
      opening.cancel()
    }
    defer { deadline.cancel() }
    return try await withTaskCancellationHandler {
      try await opening.value
    } onCancel: {
      opening.cancel()
    }
  }
}

// MARK: - questions

extension EtcdStore {
  private static let mostAnswerBytes = 64 << 20

  /// Asks, and once more with a new token where the old one is over.
  private func ask(
    _ path: String, _ question: some Encodable & Sendable, member: Int, isOfOneMember: Bool = false
  ) async throws(StoreFault) -> [UInt8] {
    let token = try await token(member: member)
    do throws(StoreFault) {
      return try await ask(
        path, question, token: token, member: member, isOfOneMember: isOfOneMember)
    } catch {
      guard case .unauthenticated = error, token != nil else { throw error }
      await tokens.forget(token)
      return try await ask(
        path, question, token: try await self.token(member: member), member: member,
        isOfOneMember: isOfOneMember)
    }
  }

  private func ask(
    _ path: String, _ question: some Encodable & Sendable, token: String?, member: Int,
    isOfOneMember: Bool = false
  ) async throws(StoreFault) -> [UInt8] {
    do {
      let request = try request(
        path, question, token: token, member: member, isOfOneMember: isOfOneMember)
      let response = try await client.execute(request, timeout: Self.amount(access.timeout))
      let body = try await response.body.collect(upTo: Self.mostAnswerBytes).readableBytesView
      guard response.status == .ok else {
        throw Etcd.fault(status: Int(response.status.code), body: body)
      }
      return Array(body)
    } catch {
      throw Self.fault(error)
    }
  }

  /// Simple tokens are a member's own until all have heard of them, so a new one is asked of the
  /// member that is about to see it.
  private func token(member: Int) async throws(StoreFault) -> String? {
    guard let user = access.user else { return nil }
    if let token = await tokens.current { return token }
    let question = GatewayQuestion.Authentication(name: user.name, password: user.password)
    let answer = try await ask("auth/authenticate", question, token: nil, member: member)
    guard let token = try decoded(GatewayAnswer.Authentication.self, from: answer).token else {
      throw .malformed("a token that is none")
    }
    await tokens.take(token)
    return token
  }

  private func request(
    _ path: String, _ question: some Encodable, token: String?, member: Int,
    isOfOneMember: Bool = false
  ) throws -> HTTPClientRequest {
    var request = HTTPClientRequest(url: "\(access.members[member])/v3/\(path)")
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    // A member that has lost its cluster says so, and soon; without, a watch stays silent for ever
    // (etcd-io/etcd#10819).
    if !isOfOneMember { request.headers.add(name: "Grpc-Metadata-hasleader", value: "true") }
    if let token { request.headers.add(name: "Authorization", value: token) }
    // Whole, never in pieces: the gateway answers nothing before the question is over.
    request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(question)))
    return request
  }

  private static func fault(_ error: any Error) -> StoreFault {
    (error as? StoreFault) ?? .unavailable("\(error)")
  }

  private static func amount(_ duration: Duration) -> TimeAmount {
    .nanoseconds(Int64(duration / .nanoseconds(1)))
  }

  private static func tls(_ access: Access) throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let file = access.rootsFile { tls.trustRoots = .file(file) }
    if let certificate = access.certificate {
      tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate.file)
        .map { .certificate($0) }
      tls.privateKey = .privateKey(
        try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
    }
    return tls
  }
}

/// The token that questions go with.
private actor EtcdTokens {
  private(set) var current: String?

  func take(_ token: String) { current = token }

  /// Only that one: another may have come in the meantime.
  func forget(_ token: String?) { if current == token { current = nil } }
}
