import DNSWire
public import Homes
public import Routing
public import ServerNames

/// Which service of a configuration takes the connections of a listener: by the name in their
/// ClientHello, or one for all.
public struct ListenerServices: Sendable {
  private let routes: ServerNameRoutes
  /// Services: indices into ``RoutingModel/services``; nil: the model has none of that name.
  private let named: [(pattern: ServerNamePattern, service: Int?)]
  private let other: Int?
  private let hasOther: Bool

  /// The services by their names (`RoutingModel/Service/name`), which stay while their indices
  /// change.
  public struct Names: Sendable, Equatable {
    public struct Named: Sendable, Equatable {
      public var pattern: ServerNamePattern
      public var serviceName: String

      public init(_ pattern: ServerNamePattern, serviceName: String) {
        self.pattern = pattern
        self.serviceName = serviceName
      }
    }

    /// Of connections whose ClientHello asks for a name. Empty: hellos are not looked at.
    public var named: [Named]
    /// Of connections that no name sends elsewhere; nil: they are refused.
    public var other: String?

    public init(named: [Named] = [], other: String?) {
      self.named = named
      self.other = other
    }
  }

  public init(_ names: Names, model: RoutingModel) {
    func index(_ name: String) -> Int? { model.services.firstIndex { $0.name == name } }
    routes = ServerNameRoutes(names.named.enumerated().map { ($1.pattern, $0) })
    named = names.named.map { ($0.pattern, index($0.serviceName)) }
    other = names.other.flatMap(index)
    hasOther = names.other != nil
  }

  /// The part of a name that a service goes by.
  public struct Key: Sendable, Equatable {
    /// In the name.
    public var label: Range<Int>
    /// What has said where it is at home.
    public var rule: HomeRule
  }

  public enum Finding: Sendable, Equatable {
    /// - Parameters:
    ///   - index: into `RoutingModel/services`; where the service goes by a key, of the one that
    ///     the key's home is.
    ///   - key: nil: it goes by none.
    case service(_ index: Int, key: Key?)
    /// No service is for this name, or for connections that name none.
    case noRoute
    /// The model has no service of the name that is said.
    case notReady
  }

  /// - Parameter serverName: what the client asked for, in lower case; empty: nothing.
  /// - Complexity: linear in the name; allocates nothing.
  public func find(serverName: RawSpan, in edition: Edition) -> Finding {
    guard !named.isEmpty, let route = routes.route(of: serverName) else {
      guard hasOther else { return .noRoute }
      return other.map { .service($0, key: nil) } ?? .notReady
    }
    guard let service = named[route].service else { return .notReady }
    guard edition.model.services[service].home != nil else { return .service(service, key: nil) }
    let label = named[route].pattern.keyLabel(of: serverName)
    let cell = edition.steering.cell(
      of: service, key: serverName, at: label.lowerBound, byteCount: label.count)
    return .service(cell.service, key: Key(label: label, rule: cell.rule))
  }
}
