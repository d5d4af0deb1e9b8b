import ArgumentParser
import AsyncHTTPClient
import Foundation
import Gating
import Logging
import NIOCore
import NIOHTTP1
import Places
import ServiceLifecycle
import Spawning
import StateFiles
import UnixSignals

/// `azimuth anycast`: tells routers whether anycast addresses lead to a node.
struct Anycast: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell routers whether anycast addresses lead to a node.",
    discussion: """
      Follows a node that has a section anycast, and has BGP speakers announce its prefixes while \
      the node says so. A node that does not answer for two seconds is taken for lost. Set up as \
      docs/anycast.md has it.
      """, subcommands: [ExaBGP.self, BIRD.self])

  /// `azimuth anycast exabgp`: a process of ExaBGP's.
  struct ExaBGP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "exabgp", abstract: "Speak to ExaBGP, as a process that it runs.",
      discussion: "Ends when ExaBGP closes its end of the pipe.")

    @OptionGroup var node: AdminOptions
    @Option(
      help: """
        A prefix that is withdrawn where the node says nothing of it, such as 192.0.2.53/32; may \
        be repeated. Without, what a process before this one announced stays if the node is lost \
        before this one has heard of it.
        """)
    var prefix: [String] = []

    func run() async throws {
      let prefixes = try prefix.map { text in
        guard let prefix = AddressPrefix(text) else {
          throw ValidationError("--prefix wants a prefix, such as 192.0.2.53/32")
        }
        return prefix
      }
      signal(SIGPIPE, SIG_IGN)
      let speaker = SpeakerService(
        node: try FollowedNode(node), speaker: ExaBGPSpeaker(), prefixes: prefixes)
      try await runUntilEnd(speaker, PipeService())
    }
  }

  /// `azimuth anycast bird`: beside BIRD.
  struct BIRD: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "bird",
      abstract: "Write the routes to a file that BIRD includes, and have BIRD read it.")

    @OptionGroup var node: AdminOptions
    @Option(help: "The file that BIRD's configuration includes.")
    var file: String
    @Option(help: "BIRD's client, an absolute path.")
    var birdc = "/usr/sbin/birdc"
    @Option(help: "BIRD's control socket, where it is not the usual one.")
    var socket: String?
    @Flag(help: "Withdraw the routes and end: for when the process that follows was killed.")
    var withdraw = false

    func run() async throws {
      guard birdc.hasPrefix("/") else { throw ValidationError("--birdc wants an absolute path") }
      var speaker = BIRDSpeaker(
        file: file, command: [birdc] + (socket.map { ["-s", $0] } ?? []) + ["configure"])
      if withdraw {
        guard speaker.write([:]) else { throw ExitCode(1) }
      } else {
        try await runUntilEnd(SpeakerService(node: try FollowedNode(node), speaker: speaker))
      }
    }
  }
}

/// Until a signal, or until one of them ends.
private func runUntilEnd(_ services: any Service...) async throws {
  let group = ServiceGroup(
    configuration: ServiceGroupConfiguration(
      services: services.map {
        .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
      }, gracefulShutdownSignals: [.sigterm, .sigint], logger: speakerLogger))
  try await group.run()
}

/// To standard error: standard output is ExaBGP's.
private let speakerLogger = Logger(
  label: "azimuth.anycast", factory: { StreamLogHandler.standardError(label: $0) })

/// The node whose word is followed.
struct FollowedNode: Sendable {
  /// For people.
  let address: String
  private let client: AdminClient

  init(_ options: AdminOptions) throws {
    address = options.admin
    client = try options.client()
  }

  /// - Throws: what is wrong, where the node does not say how it stands.
  func report() async throws -> AnycastReport {
    let response = try await client.http.execute(
      client.request("/v1/anycast"), timeout: .milliseconds(500))
    let body = try await response.body.collect(upTo: 1 << 20)
    guard response.status.code == 200 else {
      throw Unanswered(description: "it answers with status \(response.status.code)")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(AnycastReport.self, from: Data(body.readableBytesView))
  }
}

/// Tells routers what is to be known now, if that is new.
protocol RouteSpeaker: Sendable {
  /// - Returns: false: nobody listens any more.
  mutating func say(_ follower: RouteFollower) -> Bool
}

/// Follows a node, and has routers told, until it is told to end; then the routes are withdrawn.
private struct SpeakerService: Service {
  let node: FollowedNode
  let speaker: any RouteSpeaker
  /// That routers may have from before.
  var prefixes: [AddressPrefix] = []

  func run() async throws {
    let end = await cancelWhenGracefulShutdown { await follow() }
    guard var (follower, speaker) = end else { return }
    follower.end()
    _ = speaker.say(follower)
  }

  /// - Returns: nil: nobody listens any more.
  private func follow() async -> (RouteFollower, any RouteSpeaker)? {
    let clock = ContinuousClock()
    let start = clock.now
    var speaker = speaker
    var follower = RouteFollower(prefixes, now: .zero)
    var fault: String?
    while !Task.isCancelled {
      do {
        follower.heard(try await node.report(), now: clock.now - start)
        fault = nil
      } catch  where !Task.isCancelled {
        let reason = reasonOfSilence(error)
        if fault == nil { speakerLogger.warning("\(node.address): \(reason)") }
        fault = reason
        follower.missed(now: clock.now - start)
      } catch {
        break
      }
      if follower.isSettled, !speaker.say(follower) { return nil }
      try? await Task.sleep(for: RouteFollower.interval)
    }
    return (follower, speaker)
  }
}

/// Ends when the other end of standard input is closed: with ExaBGP's end, or its wish.
private struct PipeService: Service {
  func run() async throws {
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    Thread.detachNewThread {
      var bytes = [UInt8](repeating: 0, count: 4_096)
      while true {
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        if count == 0 || (count < 0 && errno != EINTR) { break }
      }
      end.finish()
    }
    for await _ in ends.cancelOnGracefulShutdown() {}
  }
}

/// Lines on standard output.
private struct ExaBGPSpeaker: RouteSpeaker {
  private var script = ExaBGPScript()

  mutating func say(_ follower: RouteFollower) -> Bool {
    for line in script.lines(for: follower) {
      speakerLogger.notice("\(line)")
      do {
        try FileHandle.standardOutput.write(contentsOf: Data("\(line)\n".utf8))
      } catch {
        return false
      }
    }
    return true
  }
}

/// A file, and BIRD's client.
private struct BIRDSpeaker: RouteSpeaker {
  private static let patience = Duration.seconds(5)

  private let file: StateFile
  private let command: [String]
  /// What BIRD has taken; nil: not known.
  private var taken: BIRDFile?
  private var lastFault: String?

  init(file: String, command: [String]) {
    let url = URL(filePath: file)
    self.file = StateFile(url.lastPathComponent, in: url.deletingLastPathComponent().path)
    self.command = command
  }

  mutating func say(_ follower: RouteFollower) -> Bool {
    _ = write(follower.routes)
    return true
  }

  /// What goes wrong is tried again the next time.
  ///
  /// - Returns: whether BIRD has taken it.
  mutating func write(_ routes: [AddressPrefix: UInt32]) -> Bool {
    let next = BIRDFile(routes)
    guard next != taken else { return true }
    do {
      try file.replace(with: Data(next.text.utf8))
      try configure()
      taken = next
      lastFault = nil
      speakerLogger.notice("BIRD has \(routes.count) routes")
      return true
    } catch {
      if lastFault != "\(error)" { speakerLogger.error("\(error)") }
      lastFault = "\(error)"
      taken = nil
      return false
    }
  }

  private func configure() throws {
    let run = ProgramRun(
      command, environment: [ProgramRun.path, "LANG=C"],
      deadline: ContinuousClock.now + Self.patience)
    let end = run.end()
    // It ends with 0 whatever BIRD has said.
    if case .exited(0, let output) = end {
      let text = String(decoding: output, as: UTF8.self)
      if text.contains("Reconfigured") || text.contains("Reconfiguration in progress") { return }
    }
    throw ConfigureFault(command: command.joined(separator: " "), end: end)
  }

  private struct ConfigureFault: Error, CustomStringConvertible {
    var command: String
    var end: ProgramRun.End

    var description: String {
      switch end {
      case .notStarted(let number): "\(command) cannot run: \(String(cString: strerror(number)))"
      case .exited(let code, let output):
        "\(command): \(String(decoding: output, as: UTF8.self)) (exit code \(code))"
      case .ended(let signal, _): "\(command): ended by signal \(signal)"
      case .killed, .cancelled: "\(command): was killed, since it did not end"
      }
    }
  }
}
