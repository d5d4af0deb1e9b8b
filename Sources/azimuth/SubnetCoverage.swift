import Admin
import Counters
import Places
import Sampling
import ServiceLifecycle
import Settings
import Synchronization

/// Counts which resolvers send client subnets, from what the data plane has sampled.
final class SubnetCoverage: Service {
  /// How often samples are taken out of the threads' rings, which have room for more.
  private static let interval = Duration.milliseconds(200)
  /// Resolvers that have series of their own in `/metrics`.
  private static let seriesCount = 20

  private let settings: Settings.SubnetCoverage?
  private let collector: SampleCollector
  private let hitters: Mutex<HeavyHitters<AddressPrefix>>

  init(_ settings: Settings.SubnetCoverage?, collector: SampleCollector) {
    self.settings = settings
    self.collector = collector
    hitters = Mutex(HeavyHitters(capacity: settings?.resolvers ?? 1))
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        self.gather()
        try? await Task.sleep(for: Self.interval)
      }
    }
  }

  private func gather() {
    let samples = collector.takeResolvers()
    hitters.withLock { hitters in
      for sample in samples {
        hitters.add(resolverPrefix(of: sample.resolver), isMarked: sample.hasSubnet)
      }
    }
  }

  /// nil: it is off.
  func report(_ count: Int) -> SubnetCoverageReport? {
    guard let settings else { return nil }
    let (total, marked, top) = hitters.withLock { ($0.total, $0.markedTotal, $0.top(count)) }
    return SubnetCoverageReport(
      sample: settings.interval, capacity: settings.resolvers, sampledQueries: total,
      withSubnet: marked,
      resolvers: top.map {
        SubnetCoverageReport.Resolver(
          prefix: $0.key, queries: $0.count, error: $0.error, withSubnet: $0.markedCount,
          withoutSubnet: $0.unmarkedCount)
      })
  }

  var samples: [MetricSample] {
    guard let report = report(Self.seriesCount) else { return [] }
    let totals = [
      ("yes", report.withSubnet), ("no", report.sampledQueries - report.withSubnet),
    ].map { word, count in
      MetricSample(
        "azimuth_ecs_sampled_queries_total", labels: [.init("ecs", word)], value: Double(count))
    }
    return totals
      + report.resolvers.flatMap { resolver in
        [("yes", resolver.withSubnet), ("no", resolver.withoutSubnet)].map { word, count in
          MetricSample(
            "azimuth_ecs_resolver_queries",
            labels: [.init("resolver", resolver.prefix.description), .init("ecs", word)],
            value: Double(count))
        }
      }
  }
}

/// What belongs to one resolver, as far as anybody can tell: an IPv4 /24 or an IPv6 /56.
func resolverPrefix(of address: IPAddress) -> AddressPrefix {
  switch address {
  case .ipv4(let bits): AddressPrefix(ipv4: bits, length: 24)
  case .ipv6(let bits): AddressPrefix(ipv6: bits, length: 56)
  }
}
