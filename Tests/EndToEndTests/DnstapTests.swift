import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// What another's reader of dnstap gets: Debian's fstrm-bin.
  @Suite struct `dnstap` {
    /// fstrm_capture, which writes what it reads to a file, and a world that tells it.
    private final class Tapped {
      let world: World
      let reader: RunningProcess
      private let folder: URL

      /// - Parameter more: keys of `dns.dnstap` beside the socket.
      init(_ more: String = "") throws {
        let folder = try temporaryFolder()
        self.folder = folder
        let socket = folder.appending(path: "dnstap.sock").path
        reader = try RunningProcess(
          "/usr/bin/fstrm_capture",
          [
            "-t", "protobuf:dnstap.Dnstap", "-u", socket,
            "-w", folder.appending(path: "frames").path,
          ])
        world = try World { configuration in
          configuration.replacing(
            "\ndns:\n", with: "\ndns:\n  dnstap: {socket: \(socket)\(more)}\n")
        }
        eventually("the tap's connection") { world.process.all.contains("dnstap has a reader") }
      }

      deinit {
        reader.signal(SIGCONT)
        try? FileManager.default.removeItem(at: folder)
      }

      /// Ends the program, then the reader, which writes its file then.
      func events() throws -> [TapEvent] {
        world.process.signal(SIGTERM)
        eventually("the end of the program") { !world.process.isRunning }
        #expect(world.process.status == 0, "\(world.process.all)")
        reader.signal(SIGTERM)
        eventually("the end of the reader") { !reader.isRunning }
        return try frames(of: [UInt8](Data(contentsOf: folder.appending(path: "frames"))))
      }

      /// Data frames of a file of Frame Streams, in which a length of 0 marks a control frame.
      private func frames(of bytes: [UInt8]) throws -> [TapEvent] {
        var rest = bytes[...]
        func number() throws -> Int {
          try #require(rest.count >= 4)
          defer { rest = rest.dropFirst(4) }
          return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        var events: [TapEvent] = []
        while !rest.isEmpty {
          let length = try number()
          let count = length == 0 ? try number() : length
          try #require(rest.count >= count)
          if length > 0 { events.append(try TapEvent(Array(rest.prefix(count)))) }
          rest = rest.dropFirst(count)
        }
        return events
      }

      func count(_ series: String) throws -> Int {
        try world.admin("GET", "/metrics").text.split(separator: "\n")
          .filter { $0.hasPrefix(series) }
          .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
          .reduce(0) { $0 + Int($1) }
      }
    }

    @Test func `tells what was asked and answered over UDP and TCP`() throws {
      let tapped = try Tapped(", identity: edge-1, version: v1")
      let world = tapped.world
      let client = try DNSClient(port: world.ports.dns)
      let total = 100
      for _ in 0..<total { _ = try client.ask(DNSQuestion("www.example.org")) }
      let stream = try Socket.tcp(to: "127.0.0.1", port: world.ports.dns)
      let question = DNSQuestion("www.example.org", id: 0x5454).bytes
      try stream.send(UInt16(question.count).wire + question)
      let answer = try stream.receive()
      eventually("all frames") {
        try tapped.count("azimuth_dnstap_frames_total") == 2 * (total + 1)
      }
      #expect(try tapped.count("azimuth_dnstap_dropped_total") == 0)

      let events = try tapped.events()
      #expect(events.count == 2 * (total + 1))
      for (query, response) in zip(events, events.dropFirst()) where query.type == 1 {
        #expect(response.type == 2 && response.queryNanoseconds == query.queryNanoseconds)
        #expect(response.response.prefix(2) == query.query.prefix(2), "of the same message")
        #expect(try DNSReply(response.response).addresses.count == 1)
        for event in [query, response] {
          #expect(event.identity == "edge-1" && event.version == "v1")
          #expect(event.queryAddress == [127, 0, 0, 1] && event.responseAddress == [127, 0, 0, 1])
          #expect(event.queryPort > 0 && event.responsePort == world.ports.dns)
        }
      }
      let overTCP = events.filter { $0.transport == 2 }
      #expect(overTCP.count == 2 && overTCP.first?.query == question)
      #expect(overTCP.last?.response == Array(answer.dropFirst(2)))
      #expect(events.count { $0.transport == 1 } == 2 * total)
    }

    @Test func `tells a share`() throws {
      let tapped = try Tapped(", sample: 10%, responses: false")
      // On one socket, so that one thread counts.
      let client = try DNSClient(port: tapped.world.ports.dns)
      for _ in 0..<1000 { _ = try client.ask(DNSQuestion("www.example.org")) }
      let events = try tapped.events()
      #expect(events.count == 100 && events.allSatisfy { $0.type == 1 })
      #expect(events.allSatisfy { $0.version.hasPrefix("azimuth ") })
    }

    @Test func `whose reader stops reading holds nobody up`() throws {
      let tapped = try Tapped()
      tapped.reader.signal(SIGSTOP)
      let client = try DNSClient(port: tapped.world.ports.dns)
      var asked = 0
      eventually("a frame that is dropped", within: .seconds(60)) {
        for _ in 0..<1000 { _ = try client.ask(DNSQuestion("www.example.org")) }
        asked += 1000
        return try tapped.count(#"azimuth_dnstap_dropped_total{reason="ring_full"}"#) > 0
      }
      let dropped = try tapped.count(#"azimuth_dnstap_dropped_total{reason="ring_full"}"#)
      tapped.reader.signal(SIGCONT)
      // What was kept is told, and nothing that was dropped.
      #expect(try tapped.events().count == 2 * asked - dropped)
    }
  }
}
