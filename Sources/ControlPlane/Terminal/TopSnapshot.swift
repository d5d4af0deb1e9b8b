/// What `azimuth top` knows of a node.
package struct TopSnapshot: Sendable, Equatable {
  package struct Region: Sendable, Equatable {
    package var name: String
    /// `healthy`, `unhealthy`, …, or an operator's word.
    package var standing: String
    package var healthyEndpoints: Int
    package var endpoints: Int
    /// Decisions a second; nil: not known yet.
    package var dnsRate: Double?
    package var proxyRate: Double?
    /// New connections a second that fall to it, and how many it can take; nil: not said.
    package var load: Double?
    package var limit: Double?
    /// The part of its clients that it takes, 0...1.
    package var admission: Double

    package init(
      name: String, standing: String, healthyEndpoints: Int, endpoints: Int,
      dnsRate: Double? = nil, proxyRate: Double? = nil, load: Double? = nil,
      limit: Double? = nil, admission: Double = 1
    ) {
      self.name = name
      self.standing = standing
      self.healthyEndpoints = healthyEndpoints
      self.endpoints = endpoints
      self.dnsRate = dnsRate
      self.proxyRate = proxyRate
      self.load = load
      self.limit = limit
      self.admission = admission
    }

    var rate: Double { (dnsRate ?? 0) + (proxyRate ?? 0) }
  }

  package struct Event: Sendable, Equatable {
    /// RFC 3339.
    package var at: String
    package var kind: String
    package var subject: String
    package var from: String?
    package var to: String?
    package var cause: String?
    package var author: String?

    package init(
      at: String, kind: String, subject: String, from: String? = nil, to: String? = nil,
      cause: String? = nil, author: String? = nil
    ) {
      self.at = at
      self.kind = kind
      self.subject = subject
      self.from = from
      self.to = to
      self.cause = cause
      self.author = author
    }
  }

  /// The connection is gone: since so many seconds, and why.
  package struct Loss: Sendable, Equatable {
    package var seconds: Int
    package var reason: String

    package init(seconds: Int, reason: String) {
      self.seconds = seconds
      self.reason = reason
    }
  }

  /// The admin address.
  package var address: String
  /// Empty: nothing was heard yet.
  package var node = ""
  package var version = ""
  package var edition: UInt64 = 0
  package var revision: UInt64 = 0
  package var isReady = false
  package var uptimeSeconds = 0
  package var healthyEndpoints = 0
  package var endpoints = 0
  package var overrides = 0
  /// Packets a second, and connections a second; nil: not known yet.
  package var dnsRate: Double?
  package var proxyRate: Double?
  package var regions: [Region] = []
  /// The newest first.
  package var events: [Event] = []
  package var loss: Loss?

  package init(address: String) { self.address = address }
}

/// What the one who looks has chosen.
package struct TopView: Sendable, Equatable {
  package enum Order: String, Sendable, CaseIterable {
    case name, rate, health
  }

  package var order = Order.name
  package var isPaused = false

  package init() {}

  /// - Returns: false: it is enough.
  package mutating func press(_ key: UInt8) -> Bool {
    switch key {
    case UInt8(ascii: "q"), UInt8(ascii: "Q"), 3: return false
    case UInt8(ascii: "p"), UInt8(ascii: "P"): isPaused.toggle()
    case UInt8(ascii: "s"), UInt8(ascii: "S"):
      let all = Order.allCases
      order = all[((all.firstIndex(of: order) ?? 0) + 1) % all.count]
    default: break
    }
    return true
  }
}
