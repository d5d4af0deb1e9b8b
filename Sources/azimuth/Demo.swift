import ArgumentParser
import Demonstrating
import Foundation
import NIOPosix
import Places
import Settings

/// `azimuth demo`: serves a configuration whose endpoints it starts itself on loopback.
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve, with the endpoints on loopback started here, and say what to try.")

  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "Where the endpoints are stopped and started: POST /REGION/stop, /REGION/start.")
  var control = "127.0.0.1:8090"

  func run() async throws {
    let settings = try configuration.settings()
    bootstrapLogging(settings.log)
    guard let controlAddress = SocketAddress(control) else {
      throw ValidationError("--control wants address:port, not \"\(control)\"")
    }
    let endpoints = DemoEndpoints(
      regions: demoRegions(settings), control: controlAddress,
      group: MultiThreadedEventLoopGroup.singleton)
    try await endpoints.start()
    let tour = Tour(settings: settings, control: controlAddress)
    let node = try Node(settings, source: configuration.source) {
      writeToStandardOutput(tour.text)
    }
    try await node.run()
    await endpoints.shutDown()
  }

  /// Every endpoint on loopback, by its region.
  private func demoRegions(_ settings: Settings) -> [DemoEndpoints.Region] {
    settings.pools.flatMap(\.endpoints)
      .filter { $0.address.isLoopback }
      .map { endpoint in
        DemoEndpoints.Region(
          name: settings.regions[endpoint.region].name,
          address: SocketAddress(address: endpoint.address, port: endpoint.port))
      }
  }
}

extension IPAddress {
  fileprivate var isLoopback: Bool {
    switch self {
    case .ipv4(let bits): bits >> 24 == 127
    case .ipv6(let bits): bits == 1
    }
  }
}

func writeToStandardOutput(_ text: String) {
  FileHandle.standardOutput.write(Data(text.utf8))
}

/// What a person at the demo can try, with the names and addresses of this configuration.
struct Tour {
  let settings: Settings
  let control: SocketAddress

  var text: String {
    let admin = settings.admin.listen?.description
    return [
      "Azimuth is serving. Try, in another terminal:",
      dns(admin),
      sourceAddresses,
      settings.regions.first.map { region in
        """
        Stop the endpoint of \(region.name): DNS and proxy go elsewhere. Start it: they come back.
          curl -X POST http://\(control)/\(region.name)/stop
          curl -X POST http://\(control)/\(region.name)/start
        """
      },
      admin.map { admin in
        """
        All of it on a map:
          http://\(admin)/

        Health, metrics:
          curl http://\(admin)/v1/regions
          curl http://\(admin)/metrics
        """
      },
      "IP Geolocation by DB-IP, https://db-ip.com. Ctrl-C ends the demo.",
    ].compactMap { $0 }.map { "\n\($0)\n" }.joined()
  }

  /// A steered name, the one that people type if there is one.
  private var name: String? {
    let names = settings.zones.flatMap { zone in zone.steered.map(\.owner) }
      .filter { !$0.hasPrefix("*") }
    return (names.first { $0.hasPrefix("www.") } ?? names.first).map { String($0.dropLast()) }
  }

  private var dig: String? {
    settings.dns.listen.first.map { "dig @\($0.address) -p \($0.port)" }
  }

  private func dns(_ admin: String?) -> String? {
    guard let dig, let name else { return nil }
    let question = """
      The region of a client by DNS, with its exact scope (CLIENT-SUBNET: address/source/scope):
        \(dig) \(name) +subnet=133.11.0.0/24      Tokyo
        \(dig) \(name) +subnet=200.147.67.0/24    São Paulo
        \(dig) \(name) +subnet=194.25.0.0/24      Frankfurt
      """
    guard let admin else { return question }
    return question + """


      Why a client goes where it goes:
        curl 'http://\(admin)/v1/route?ip=133.11.0.1&name=\(name)'
      """
  }

  /// Only where source addresses stand for places.
  private var sourceAddresses: String? {
    guard let dig, let name, !settings.geo.overrideFiles.isEmpty,
      let proxy = settings.proxy.listeners.first?.listen.first
    else { return nil }
    return """
      The same by source address; 127.81.x.x stands for Tokyo, 127.55.x.x for São Paulo:
        curl --interface 127.81.0.1 http://\(proxy)/
        \(dig) -b 127.81.0.1 \(name) +short
      """
  }
}
