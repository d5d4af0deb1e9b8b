/// Why a proxied connection came to its end; the label of its counter and a field of its log line.
package enum CloseReason: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// Both sides sent FIN, the client first.
  case clientClosed
  /// Both sides sent FIN, the endpoint first.
  case upstreamClosed
  case clientReset, upstreamReset
  /// Every endpoint that may be tried refused, was unreachable or reset.
  case connectFailed
  /// As ``connectFailed``, and the last attempt got no answer in its time.
  case connectTimedOut
  /// No attempt was made: endpoints that may be tried have all the connections they may have.
  case endpointsFull
  /// From an address that is not trusted to send the header of a proxy.
  case untrustedProxy
  /// What came was no header of a proxy, or a damaged one.
  case proxyHeader
  /// It has come through this node before, or through too many others.
  case relayLoop
  /// No whole greeting (a proxy's header, a ClientHello) in its time.
  case greetingTimeout
  /// The client ended before its greeting was whole.
  case greetingEnded
  /// TLS that breaks a rule before it names anyone.
  case malformedHello
  /// TLS was not agreed on with the client, or it broke a rule later.
  case clientTLS
  /// The same of the endpoint, and of every other one that might be tried.
  case upstreamTLS
  /// FIN without the close_notify that ends a stream of TLS: it may be cut.
  case clientTruncated, upstreamTruncated
  /// No service is for the name that the client asked for, or for clients that name none.
  case noRoute
  /// The time for all attempts together was over.
  case connectBudget
  case idleTimeout, halfClosedTimeout
  /// The decision names no region for this client.
  case refusedByPolicy
  /// The process has no descriptor or memory left for the second socket.
  case overload
  /// The client is none of those that the listener takes.
  case geoDenied
  /// The client, its prefix, ASN or country has all that it may have.
  case clientLimit
  /// The current edition has no service of the listener's name.
  case notReady
  /// Still open when the time to drain was nearly over.
  case drained
  /// Its endpoint is down, drained, of a region that is no primary any more, or not configured any
  /// more, and its pool wants such connections to be closed.
  case endpointDown, endpointDrained, endpointDemoted, endpointRemoved
  case shutdown

  /// The name in metrics and logs.
  package var name: String {
    switch self {
    case .clientClosed: "client_closed"
    case .upstreamClosed: "upstream_closed"
    case .clientReset: "client_reset"
    case .upstreamReset: "upstream_reset"
    case .connectFailed: "connect_failed"
    case .connectTimedOut: "connect_timed_out"
    case .endpointsFull: "endpoints_full"
    case .untrustedProxy: "untrusted_proxy"
    case .proxyHeader: "proxy_header"
    case .relayLoop: "relay_loop"
    case .greetingTimeout: "greeting_timeout"
    case .greetingEnded: "greeting_ended"
    case .malformedHello: "malformed_hello"
    case .clientTLS: "client_tls"
    case .upstreamTLS: "upstream_tls"
    case .clientTruncated: "client_truncated"
    case .upstreamTruncated: "upstream_truncated"
    case .noRoute: "no_route"
    case .connectBudget: "connect_budget"
    case .idleTimeout: "idle_timeout"
    case .halfClosedTimeout: "half_closed_timeout"
    case .refusedByPolicy: "refused_by_policy"
    case .overload: "overload"
    case .geoDenied: "geo_denied"
    case .clientLimit: "client_limit"
    case .notReady: "not_ready"
    case .drained: "drained"
    case .endpointDown: "endpoint_down"
    case .endpointDrained: "endpoint_drained"
    case .endpointDemoted: "endpoint_demoted"
    case .endpointRemoved: "endpoint_removed"
    case .shutdown: "shutdown"
    }
  }

  /// Whether both streams came to their own end. Only then do the peers see FIN; every other end
  /// is a reset on both sides, so that a stream that was cut never looks complete.
  package var isOrderly: Bool { self == .clientClosed || self == .upstreamClosed }
}

/// Why an attempt to connect to an endpoint failed.
package enum ConnectFailure: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case refused, unreachable, reset, timedOut
  /// This machine had no port or memory for it: says nothing of the endpoint.
  case local
  /// It connected, and no session of TLS came of it: its certificate is not good, or it wants one.
  case tls

  /// The name in metrics.
  package var name: String {
    switch self {
    case .refused: "refused"
    case .unreachable: "unreachable"
    case .reset: "reset"
    case .timedOut: "timed_out"
    case .local: "local"
    case .tls: "tls"
    }
  }
}
