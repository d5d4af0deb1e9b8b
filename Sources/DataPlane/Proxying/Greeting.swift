import Places
import ProxyProtocol
import ServerNames

/// What a client says of a connection before it is known where that goes: the header of a proxy in
/// front of it, then the ClientHello. Both are looked at where they wait, in the socket; the header
/// is taken from there, the hello goes on to the endpoint with what follows.
final class Greeting {
  enum Part {
    /// The handshake of TLS that ends here.
    case header, hello, handshake, nothing
  }

  /// What comes next.
  var awaited: Part
  var reader = ClientHelloReader()
  /// Where the client has connected to, as the proxy in front of us says.
  var destination: SocketAddress?
  /// Of the nodes that it has come through, this one the last.
  var path = RelayPath()
  /// What the client asked for, in lower case; empty: nothing.
  var serverName: [UInt8] = []

  init(awaits part: Part) { awaited = part }
}
