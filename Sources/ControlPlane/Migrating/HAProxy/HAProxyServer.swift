import Places
import Settings

/// A line `server` of HAProxy.
struct HAProxyServer {
  let name: String
  let address: SocketAddress
  let options: Options
  let origin: Origin

  var isBackup: Bool { options.flags.contains("backup") }
  var isDisabled: Bool { options.flags.contains("disabled") }
  var isChecked: Bool { options.flags.contains("check") }
  var isTLS: Bool { options.flags.contains("ssl") }
  var weight: Int { options.values["weight"].flatMap { Int($0) } ?? 1 }
  /// Whether checks go to a place of their own.
  var hasOwnCheck: Bool { options.values["addr"] != nil || options.values["port"] != nil }

  /// What it sends in front of a connection; `send-proxy-v2` comes before `send-proxy`.
  var proxyHeader: String? {
    let flags = options.flags
    if !flags.isDisjoint(with: ["send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn"]) {
      return "v2"
    }
    return flags.contains("send-proxy") ? "v1" : nil
  }

  /// `check-ssl` and `no-check-ssl` decide; without them a check is as the server is, but not one
  /// with a place of its own.
  var checksTLS: Bool {
    if options.flags.contains("check-ssl") { return true }
    return isTLS && !hasOwnCheck && !options.flags.contains("no-check-ssl")
  }

  subscript(key: String) -> String? { options.values[key] }

  /// nil, and a finding, of an address that nothing here connects to.
  ///
  /// - Parameter inherited: what the lines `default-server` in front of it say.
  init?(_ line: HAProxyFile.Line, inherited: Options, report: (Origin, String) -> Void) {
    name = line[1]
    origin = line.origin
    var options = inherited
    options.take(line.words.dropFirst(3), of: "server \(name)", line.origin, report)
    self.options = options
    guard let address = Self.address(line[2]) else {
      report(
        line.origin,
        "server \(name): \"\(line[2])\" is no address with a port; names are not looked up here")
      return nil
    }
    self.address = address
  }

  /// `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1:80` (the last part is the port), with
  /// `ipv4@` or `ipv6@` in front.
  static func address(_ text: String) -> SocketAddress? {
    let bare = text.hasPrefix("ipv4@") || text.hasPrefix("ipv6@") ? String(text.dropFirst(5)) : text
    if let address = SocketAddress(bare) { return address.port == 0 ? nil : address }
    guard let colon = bare.lastIndex(of: ":"), let address = IPAddress(bare[..<colon]),
      let port = UInt16(bare[bare.index(after: colon)...]), port > 0
    else { return nil }
    return SocketAddress(address: address, port: port)
  }
}

extension HAProxyServer {
  /// What stands behind a server's address; a later word counts before an earlier one.
  struct Options {
    /// Of keys with a value: `inter`, `rise`, `port` and so on.
    private(set) var values: [String: String] = [:]
    /// Keys without one.
    private(set) var flags: Set<String> = []

    /// Keys that a value stands behind, and that come to something here.
    private static let carried: Set = [
      "inter", "fastinter", "rise", "fall", "weight", "port", "addr", "maxconn", "slowstart",
      "verify", "ca-file", "sni", "alpn", "on-marked-down",
    ]
    /// That have no meaning for a proxy of bytes to addresses.
    private static let passedOver: Set = [
      "id", "guid", "cookie", "init-addr", "pool-max-conn", "pool-low-conn", "pool-purge-delay",
      "max-reuse", "ws", "log-proto",
    ]
    /// That something gets lost of.
    private static let lost: Set = [
      "downinter", "minconn", "maxqueue", "crt", "check-sni", "check-alpn", "agent-port",
      "agent-inter", "agent-addr", "agent-send", "on-marked-up", "on-error", "error-limit",
      "observe", "resolvers", "track", "source", "namespace", "redir", "proto", "check-proto",
      "ssl-min-ver", "ssl-max-ver", "verifyhost", "ciphers", "ciphersuites", "crl-file",
      "resolve-prefer", "resolve-net", "resolve-opts", "tcp-ut", "usesrc", "interface", "socks4",
      "set-proxy-v2-tlv-fmt", "hash-key", "shard", "proxy-v2-options", "curves", "sigalgs",
      "client-sigalgs", "tcp-md5sig", "pool-conn-name", "ktls", "cc",
    ]
    private static let switches: Set = [
      "check", "backup", "disabled", "ssl", "send-proxy", "send-proxy-v2", "send-proxy-v2-ssl",
      "send-proxy-v2-ssl-cn", "check-send-proxy", "check-ssl",
    ]
    private static let silent: Set = ["stick", "non-stick", "no-tfo", "no-agent-check"]

    /// - Parameter owner: such as `server a`, for findings.
    mutating func take(
      _ words: ArraySlice<String>, of owner: String, _ origin: Origin,
      _ report: (Origin, String) -> Void
    ) {
      var rest = words
      while let word = rest.popFirst() {
        if Self.carried.contains(word) {
          values[word] = rest.popFirst() ?? ""
        } else if Self.passedOver.contains(word) {
          _ = rest.popFirst()
        } else if Self.lost.contains(word) {
          report(origin, "\(owner): \(word) \(rest.popFirst() ?? "") has no counterpart")
        } else if word == "agent-check" {
          report(
            origin,
            "\(owner): agent-check is left out: a calculated monitor of this one and of one of type "
              + "agent, optional: true, does it")
        } else if !Self.silent.contains(word), !turn(word) {
          report(origin, "\(owner): \(word) has no counterpart")
        }
      }
    }

    /// - Returns: false if it is no switch.
    private mutating func turn(_ word: String) -> Bool {
      switch word {
      case "enabled": flags.remove("disabled")
      case "no-check-ssl":
        flags.remove("check-ssl")
        flags.insert(word)
      case "check-ssl":
        flags.remove("no-check-ssl")
        flags.insert(word)
      case _ where Self.switches.contains(word): flags.insert(word)
      case _ where word.hasPrefix("no-") && Self.switches.contains(String(word.dropFirst(3))):
        flags.remove(String(word.dropFirst(3)))
      default: return false
      }
      return true
    }
  }
}
