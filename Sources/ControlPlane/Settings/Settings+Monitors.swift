package import DNSWire
package import ProxyProtocol

/// What the kinds of checks beyond plain connections and HTTP want.
extension Settings.Monitor {
  /// The same, with the header of the endpoint's pool where it follows that: as HAProxy does, only
  /// while it connects to where the proxy does.
  package func sending(
    _ header: ProxyVersion?, to endpoint: Settings.Pool.Endpoint
  ) -> Settings.Monitor {
    var monitor = self
    let isElsewhere = endpoint.checkAddress != nil || endpoint.checkPort != nil || port != nil
    if followsPoolHeader && !isElsewhere { monitor.proxyHeader = header }
    if case .calculated(var calculation) = kind {
      calculation.children = calculation.children.map {
        Calculation.Child(monitor: $0.monitor.sending(header, to: endpoint), weight: $0.weight)
      }
      monitor.kind = .calculated(calculation)
    }
    return monitor
  }

  /// Bytes sent on a connection, and bytes awaited in return.
  package struct Exchange: Sendable, Equatable {
    /// Sent at once; may be empty.
    package var sent: [UInt8]
    /// nil: whatever comes, or nothing, is right.
    package var expected: ExpectedBytes?
    /// nil: no TLS.
    package var tls: TLSVerification?

    package init(sent: [UInt8], expected: ExpectedBytes?, tls: TLSVerification? = nil) {
      self.sent = sent
      self.expected = expected
      self.tls = tls
    }
  }

  package enum ExpectedBytes: Sendable, Equatable {
    /// The first bytes received.
    case prefix([UInt8])
    /// Anywhere in the first 64 KiB.
    case contained([UInt8])
  }

  /// A question over UDP, over TCP if the answer is truncated.
  package struct DNSExpectation: Sendable, Equatable {
    package var name: DomainName
    package var type: RecordType
    /// Of RFC 1035 §4.1.1, with their mnemonics for people.
    package var responseCodes: [ResponseCode]
    /// RDATA that one of the answer's records must have; nil: the code is enough.
    package var data: [UInt8]?
    package var isRecursionDesired: Bool

    package init(
      name: DomainName, type: RecordType, responseCodes: [ResponseCode] = [.noError],
      data: [UInt8]? = nil, isRecursionDesired: Bool = false
    ) {
      self.name = name
      self.type = type
      self.responseCodes = responseCodes
      self.data = data
      self.isRecursionDesired = isRecursionDesired
    }
  }

  /// What a DNS answer may be wanted to say (RFC 1035 §4.1.1).
  package enum ResponseCode: UInt8, Sendable, CaseIterable {
    case noError = 0
    case formatError, serverFailure, nameError, notImplemented, refused

    package var mnemonic: String {
      switch self {
      case .noError: "NOERROR"
      case .formatError: "FORMERR"
      case .serverFailure: "SERVFAIL"
      case .nameError: "NXDOMAIN"
      case .notImplemented: "NOTIMP"
      case .refused: "REFUSED"
      }
    }
  }

  /// The health service of gRPC, `grpc.health.v1.Health/Check`.
  package struct GRPCExpectation: Sendable, Equatable {
    /// Empty: the server as a whole.
    package var service: String
    /// Of the request; nil: the checked address and port.
    package var authority: String?
    /// nil: HTTP/2 without TLS.
    package var tls: TLSVerification?

    package init(service: String, authority: String? = nil, tls: TLSVerification? = nil) {
      self.service = service
      self.authority = authority
      self.tls = tls
    }
  }

  /// HAProxy's agent-check.
  package struct Agent: Sendable, Equatable {
    /// Sent at once, as `agent-send`; may be empty.
    package var sent: [UInt8]
    /// An agent that cannot be reached counts for nothing, as with HAProxy.
    package var isOptional: Bool

    package init(sent: [UInt8] = [], isOptional: Bool = false) {
      self.sent = sent
      self.isOptional = isOptional
    }
  }

  /// A program of the operator's.
  package struct Command: Sendable, Equatable {
    /// The program's absolute path, and its arguments.
    package var arguments: [String]
    /// Exit codes that mean degraded; 0 means healthy, all others unhealthy.
    package var degradedCodes: [Int]

    package init(arguments: [String], degradedCodes: [Int] = []) {
      self.arguments = arguments
      self.degradedCodes = degradedCodes
    }
  }

  /// Healthy while the healthy children weigh as much as is needed.
  package struct Calculation: Sendable, Equatable {
    package struct Child: Sendable, Equatable {
      package var monitor: Settings.Monitor
      /// At least 1.
      package var weight: Int

      package init(monitor: Settings.Monitor, weight: Int = 1) {
        self.monitor = monitor
        self.weight = weight
      }
    }
    package var children: [Child]
    /// From 1 to the sum of the weights.
    package var need: Int

    package init(children: [Child], need: Int) {
      self.children = children
      self.need = need
    }
  }

  /// The monitors that are probed: itself, or the leaves of a calculated one, each once by name.
  package var probed: [Settings.Monitor] {
    guard case .calculated(let calculation) = kind else { return [self] }
    var names: Set<String> = []
    return calculation.children.flatMap(\.monitor.probed).filter { names.insert($0.name).inserted }
  }
}
