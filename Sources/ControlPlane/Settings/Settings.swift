package import ClientLimits
package import Places
package import ProxyProtocol

/// Everything an operator may say, checked: names refer to things that exist, numbers lie in their
/// ranges, regions have coordinates where a policy needs them. Made only by ``SettingsReader``.
///
/// Lists keep the order of the file; references are indices into these lists, so that nothing
/// behind this type can meet a name that does not exist.
package struct Settings: Sendable, Equatable {
  package var node: Node
  package var log: Log
  package var geo: Geo
  package var regions: [Region]
  package var monitors: [Monitor]
  package var pools: [Pool]
  package var policies: [Policy]
  package var fences: [Fence]
  package var services: [Service]
  package var zones: [Zone]
  package var keys: [Key]
  package var transfers: Transfers
  /// Absolute path of the folder for what is kept over a restart; nil: nothing is.
  package var stateFolder: String?
  package var dns: DNS
  package var answers: Answers
  package var proxy: Proxy
  package var admin: Admin
  package var health: HealthChecking
  package var latency: Latency
  package var events = Events()
  package var stability = Stability()
  package var stopping = Stopping()
  package var handover = Handover()
  package var decisionLog = DecisionLog()
  /// nil: the node stands alone.
  package var fleet: Fleet?
  package var safety = Safety()
  /// nil: the node has no addresses that it shares with others.
  package var anycast: Anycast?

  /// What operators leave on, unless they say that a rule is meant to be broken.
  package struct Safety: Sendable, Equatable {
    /// Of each service.
    package var minimumRegions = 1
    /// Of each service, 0...1 of what all its regions can take; 0: any.
    package var minimumCapacity = 0.0
  }

  package struct Node: Sendable, Equatable {
    /// One name of this node: in metrics, and where it is told in NSID and id.server.
    package var id: String
    /// Index into ``Settings/regions``: where it stands; nil: it is not said.
    package var region: Int?
    /// Of that region.
    package var availabilityZone: String?
  }

  package struct Log: Sendable, Equatable {
    package enum Format: String, Sendable { case json, text }
    package var format: Format
    /// A swift-log level: trace, debug, info, notice, warning, error, critical.
    package var level: String
  }

  package struct Geo: Sendable, Equatable {
    /// Absolute paths of .mmdb files; for each property the first that knows it wins.
    package var databases: [String]
    /// Absolute paths of override files (see docs); later files win over earlier ones.
    package var overrideFiles: [String]
    /// Overrides written in the configuration itself; they win over the files.
    package var overrides: [String]
    /// Where each of ``overrides`` stands, for faults that only their parser finds.
    package var overrideOrigins: [Origin]
    /// Share (0...1) of all people that a reload's new databases may move to other regions.
    package var maximumMoved = 0.1
    /// Files that change are read again without being told.
    package var isWatched = false
  }

  package struct Region: Sendable, Equatable {
    package var name: String
    /// Degrees; nil only if no policy that measures distance names the region.
    package var location: GeoPoint?
    /// Jurisdiction tags that fences name, such as `eu` and `de`.
    package var tags: [String]
    /// The share of its clients that the region gets, 0...1.
    package var dial = 1.0
    /// nil: as many clients as come.
    package var capacity: Capacity?
    package var stability = Stability()
  }

  package struct Monitor: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
      /// A connection is enough.
      case tcp
      /// Bytes over TCP, or TLS.
      case exchange(Exchange)
      case http(HTTPExpectation)
      case https(HTTPExpectation, TLSVerification)
      case dns(DNSExpectation)
      case grpc(GRPCExpectation)
      case agent(Agent)
      case command(Command)
      /// Several monitors of the same endpoint together.
      case calculated(Calculation)
    }
    package struct HTTPExpectation: Sendable, Equatable {
      package var method: String
      package var path: String
      /// The Host header; nil: the checked address and port.
      package var host: String?
      package var requestHeaders: [Header]
      /// Inclusive ranges of status codes that mean healthy.
      package var statuses: [ClosedRange<Int>]
      /// Inclusive ranges of status codes that mean degraded.
      package var degradedStatuses: [ClosedRange<Int>]
      /// Text that the first 64 KiB of the body must contain.
      package var bodyContains: String?
      /// Headers that the response must carry, value compared exactly.
      package var responseHeaders: [Header]
    }
    package struct Header: Sendable, Equatable {
      package var name: String
      package var value: String
    }
    package struct TLSVerification: Sendable, Equatable {
      package var isVerified: Bool
      /// SNI and the name the certificate must carry; nil: the Host header's name.
      package var serverName: String?
      /// Absolute path of PEM roots; nil: the system's.
      package var rootsFile: String?
      /// A certificate that ends within this time makes the endpoint degraded; nil: its end does
      /// not matter until it is there.
      package var expiryMargin: Duration?
    }
    package var name: String
    package var kind: Kind
    /// The port to check; nil: the endpoint's.
    package var port: Int?
    package var interval: Duration
    /// The interval while between states (some but not yet enough successes or failures).
    package var fastInterval: Duration
    package var timeout: Duration
    /// Successes in a row before healthy, at least 1.
    package var rise: Int
    /// Failures in a row before unhealthy, at least 1.
    package var fall: Int
    /// Of the header that goes before all else; nil: none.
    package var proxyHeader: ProxyVersion?
    /// It has none of its own: endpoints checked where the proxy connects get their pool's.
    package var followsPoolHeader = false
  }

  package struct Policy: Sendable, Equatable {
    package var name: String
    package var kind: Kind

    package indirect enum Kind: Sendable, Equatable {
      case region(Int)
      /// Another policy, index into ``Settings/policies``; the reader refuses circles.
      case named(Int)
      case proximity(regions: [Int], bias: [Int: Int], unknown: [Int])
      case latency(regions: [Int], bias: [Int: Int], unknown: [Int])
      case geo(rules: [Rule], otherwise: Kind)
      case failover([Kind])
      case weighted([Share])
      case hash([Share], keyBitsIPv4: Int, keyBitsIPv6: Int)
      case all([Kind])
      /// Stands alone: in no other policy.
      case primary(Primary)
      /// Stands alone as well.
      case home(Homes)
    }
    package struct Share: Sendable, Equatable {
      package var policy: Kind
      /// 0 is standby: used only when every share above 0 is gone.
      package var weight: Int
    }
    package struct Rule: Sendable, Equatable {
      package var match: ClientMatch
      package var policy: Kind
    }
  }

  /// Which clients a rule or fence speaks of: those that meet any one of these.
  package struct ClientMatch: Sendable, Equatable {
    package var prefixes: [AddressPrefix]
    package var asns: [UInt32]
    /// ISO 3166-1 alpha-2.
    package var countries: [CountryCode]
    /// Country and ISO 3166-2 subdivision, as in `US-CA`.
    package var subdivisions: [Subdivision]
    package var continents: [ContinentCode]
    /// Matches members of the European Union as the database says it.
    package var isInEuropeanUnion: Bool
    /// Matches addresses of which no country is known.
    package var isUnknown: Bool
  }

  package struct Fence: Sendable, Equatable {
    package var name: String
    package var clients: ClientMatch
    /// Regions that carry any of these tags are inside.
    package var tags: [String]
    /// Indices into ``Settings/services``; nil: all.
    package var services: [Int]?
    package var whenEmpty = WhenEmpty.onAllDown

    /// What its clients get while no region inside is usable.
    package enum WhenEmpty: Sendable, Equatable {
      /// What the service's last resort gives, inside the fence.
      case onAllDown
      case refuse
      /// The first of these that no operator took out; indices into ``Settings/regions``.
      case fixed([Int])
      case serveUnhealthyInside
    }
  }

  package struct Service: Sendable, Equatable {
    package enum LastResort: Sendable, Equatable {
      case failOpen, failClosed, lastGood, noData
      /// Index into ``Settings/regions``.
      case backup(Int)
    }
    package var name: String
    /// Index into ``Settings/policies``.
    package var policy: Int
    /// Index into ``Settings/pools``; nil only where names serve.
    package var pool: Int?
    package var ttlSeconds: UInt32
    /// While a change may be near; at most ``ttlSeconds``.
    package var changingTTLSeconds: UInt32 = 5
    package var onAllDown: LastResort
    /// Most addresses of one type in an answer. 1...32.
    package var maximumAddresses: Int
    /// Milliseconds by which a candidate may be slower for its share of a lost region's clients to
    /// fall to 1/e; 0 sends all of them to the next one.
    package var failoverSpreadMilliseconds: Double
    /// How many connections an answer of DNS stands for, where regions have capacities.
    package var connectionsPerAnswer = 1.0
    /// Prefix lengths at which shares are drawn.
    package var drawBitsIPv4: Int
    package var drawBitsIPv6: Int
    package var content = Content.endpoints
    package var bindings: [Binding] = []
    /// The policy is of type `home`.
    package var isKeyed = false

    /// What a steered name of the service answers.
    package enum Content: Sendable, Equatable {
      /// The addresses of the pool's endpoints.
      case endpoints
      /// A CNAME.
      case names([Target])
      /// The addresses of the name.
      case resolved([Target])

      package var targets: [Target] {
        switch self {
        case .endpoints: []
        case .names(let targets), .resolved(let targets): targets
        }
      }
    }
    /// The name that serves in a region in place of endpoints.
    package struct Target: Sendable, Equatable {
      /// Index into ``Settings/regions``.
      package var region: Int
      /// Absolute, in presentation form with the final dot.
      package var name: String
      package var origin: Origin
    }
    /// An HTTPS or SVCB record of the service's steered names (RFC 9460 §2.1).
    package struct Binding: Sendable, Equatable {
      package var isHTTPS: Bool
      /// Presentation form of the data, without address hints.
      package var text: String
      package var origin: Origin
    }
  }

  package struct Zone: Sendable, Equatable {
    package struct Record: Sendable, Equatable {
      /// Absolute, in presentation form with the final dot.
      package var owner: String
      package var ttlSeconds: UInt32
      /// Mnemonic or TYPEnnn.
      package var type: String
      /// Presentation form; relative names stand for names under the zone's.
      package var data: String
      /// Where it stands, for faults that only the zone compiler finds.
      package var origin: Origin
    }
    package struct Steered: Sendable, Equatable {
      package var owner: String
      /// Index into ``Settings/services``.
      package var service: Int
      package var origin: Origin
    }
    package struct StartOfAuthority: Sendable, Equatable {
      package var primary: String
      package var mailbox: String
      package var serial: UInt32
      package var refreshSeconds: UInt32
      package var retrySeconds: UInt32
      package var expireSeconds: UInt32
      package var minimumSeconds: UInt32
      package var ttlSeconds: UInt32
    }
    /// A master file (RFC 1035 §5).
    package struct File: Sendable, Equatable {
      /// Absolute.
      package var path: String
      /// The configuration's: what the file includes is in it.
      package var folder: String
    }
    /// Absolute, with the final dot.
    package var name: String
    /// nil: everything is here.
    package var file: File?
    /// nil: in the file, as the name servers are then.
    package var soa: StartOfAuthority?
    package var nameServers: [String]
    package var nameServerTTLSeconds: UInt32
    package var records: [Record]
    package var steered: [Steered]
    package var transfer = ZoneTransfer.nobody
    /// nil: the zone is ours. Otherwise it has no records of its own here, and no ``soa``.
    package var primary: Primary?
    /// nil: the zone is not signed.
    package var dnssec: Signing?
    package var origin: Origin
  }

  package struct DNS: Sendable, Equatable {
    package var listen: [SocketAddress]
    /// UDP threads; each has its own socket on every address.
    package var threads: Int
    package var receiveBufferBytes: Int
    /// Largest UDP answer, 512...4096 (RFC 9715 §3.1: 1,232).
    package var maximumUDPBytes: Int
    package var tcp: Streams
    /// nil: no DNS over TLS.
    package var tls: EncryptedDNS?
    /// Event loops for TCP and TLS.
    package var streamThreads: Int
    /// Whose queries begin with a header that names the client (PROXY protocol).
    package var trustedProxies: [AddressPrefix]
    /// Of the table of rates; rounded down to a power of two.
    package var rateTableBytes: Int
    /// Who is asked for the addresses of names outside our zones; none: whom the system asks.
    package var resolvers: [SocketAddress] = []
    /// nil: off.
    package var dnstap: Dnstap?
    /// nil: off.
    package var subnetCoverage: SubnetCoverage? = SubnetCoverage()
  }

  /// How questions are answered, apart from what is answered: what of `dns` a reload may change.
  package struct Answers: Sendable, Equatable {
    package var usesClientSubnet: Bool
    /// For NSID and `id.server`; nil: it is not told.
    package var identity: String?
    /// For `version.bind`; nil: it is not told.
    package var version: String?
    package var cookies: Cookies
    /// nil: nobody is limited.
    package var rateLimit: RateLimit?
    /// How many signatures each thread keeps.
    package var signatureCount: Int
  }

  package enum Cookies: Sendable, Equatable {
    case off
    /// A secret of this process alone.
    case ownSecret
    /// 16 bytes each.
    case shared(secret: [UInt8], accepted: [UInt8]?)
  }

  /// Answers per second and prefix of clients; 0: no limit.
  package struct RateLimit: Sendable, Equatable {
    package var answers: Int
    package var nameErrors: Int
    package var errors: Int
    /// Every so many-th limited answer is sent truncated; 0: none.
    package var slip: Int
    package var isDryRun: Bool
    package var exempt: [AddressPrefix]
  }

  package struct Dnstap: Sendable, Equatable {
    /// Absolute path of the stream socket on which a reader listens.
    package var socket: String
    /// Every how manieth exchange is told; 1: all.
    package var interval: Int
    package var tellsQueries: Bool
    package var tellsAnswers: Bool
    /// nil: ``Node/id``.
    package var identity: String?
    /// nil: the program's name and version.
    package var version: String?
  }

  package struct Proxy: Sendable, Equatable {
    package struct Listener: Sendable, Equatable {
      package var name: String
      package var listen: [SocketAddress]
      /// Index into ``Settings/services``; nil: connections without a name of `serverNames` are
      /// refused.
      package var service: Int?
      package var serverNames: [ServerName] = []
      /// Whose connections begin with the header of a proxy, and from whom alone any are taken;
      /// nil: nobody's do.
      package var trustedProxies: [AddressPrefix]?
      /// For that header, and for the ClientHello.
      package var greetingTimeout: Duration
      /// nil: bytes are passed on as they are.
      package var tls: ListenerTLS?
      package var maximumConnections: Int
      /// For one attempt.
      package var connectTimeout: Duration
      /// For all attempts of one connection together.
      package var connectBudget: Duration
      package var maximumAttempts: Int
      package var raceAfter: RaceDelay
      /// Kept for another endpoint until one answers; 0: a reset resets the client.
      package var repeatedBytes = 0
      package var idleTimeout: Duration
      package var halfClosedTimeout: Duration
      package var bufferBytes: Int
      package var tcp: TCP
      /// nil: everybody is taken.
      package var access: Access?
      package var clientLimits = ClientLimits()
      /// Set: it takes nobody, and its open connections end in this time. nil: it is in service.
      package var draining: Draining?
    }
    package enum AccessLog: Sendable, Equatable {
      case off, standardOutput
      case file(String)
    }
    package var threads: Int
    package var listeners: [Listener]
    package var accessLog: AccessLog
    /// Besides the line at its end, one when a connection has reached an endpoint.
    package var logsConnects = false
    /// And one each time that it has lasted so long; nil: none.
    package var logInterval: Duration?
    /// For bytes that peers do not take, over all connections.
    package var bufferMemoryBytes: Int
    /// For what limits of clients are counted in.
    package var clientTableBytes = 4 << 20
  }

  package struct HealthChecking: Sendable, Equatable {
    /// After this long, serving begins even if some endpoint has no result yet.
    package var firstRoundDeadline: Duration
    package var maximumConcurrentChecks: Int
    /// Share of the interval by which each check is moved at random. 0...0.5.
    package var jitter: Double
  }
}
