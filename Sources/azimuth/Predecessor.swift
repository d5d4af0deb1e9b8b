import Foundation
import Inheriting
import Logging
import Publishing
import Settings
import Synchronization

/// The process that this one takes over from.
final class Predecessor: Sendable {
  /// For each of its answers, milliseconds. It may have much to write down first.
  private static let patience: Int32 = 60_000

  let memory: HandedMemory
  private let channel: HandingChannel
  var processID: Int32 { channel.processID }

  private init(_ channel: HandingChannel, memory: HandedMemory) {
    self.channel = channel
    self.memory = memory
  }

  /// Asks the process that waits at the socket for everything. From then on it writes nothing down,
  /// until ``finish()``, or until this process ends. Blocks.
  ///
  /// - Returns: nil: there is none.
  static func ask(
    at path: String, inherited: InheritedSockets
  ) throws(HandoverFailure) -> Predecessor? {
    let answer: Answer?
    do throws(HandingFault) {
      answer = try HandingChannel.connect(to: path).map { channel throws(HandingFault) in
        try channel.send(HandedPacket(.hello))
        return try receive(from: channel, inherited: inherited)
      }
    } catch {
      throw HandoverFailure(path: path, reason: error.description)
    }
    switch answer {
    case .refusal(let reason): throw HandoverFailure(path: path, reason: reason)
    case .everything(let predecessor): return predecessor
    case nil: return nil
    }
  }

  private enum Answer {
    case refusal(String)
    case everything(Predecessor)
  }

  private static func receive(
    from channel: HandingChannel, inherited: InheritedSockets
  ) throws(HandingFault) -> Answer {
    var state = Data()
    while true {
      let (packet, descriptors) = try channel.receive(withinMilliseconds: patience)
      for descriptor in descriptors { inherited.add(descriptor) }
      switch packet.kind {
      case .state: state.append(contentsOf: packet.payload)
      case .sockets: continue
      case .refusal: return .refusal(String(decoding: packet.payload, as: UTF8.self))
      case .complete:
        guard let memory = try? JSONDecoder().decode(HandedMemory.self, from: state) else {
          throw .packet(.damaged)
        }
        return .everything(Predecessor(channel, memory: memory))
      case .hello, .serving, .yours: throw .packet(.damaged)
      }
    }
  }

  /// This process reads from the sockets: the other one ends. Blocks.
  ///
  /// - Throws: where it does not; it goes on then, and this process must end.
  func finish(path: String) throws(HandoverFailure) {
    do throws(HandingFault) {
      try channel.send(HandedPacket(.serving))
      let (packet, _) = try channel.receive(withinMilliseconds: Self.patience)
      guard packet.kind == .yours else { throw .packet(.damaged) }
    } catch {
      throw HandoverFailure(path: path, reason: error.description)
    }
  }

  /// It has closed its last connection.
  var hasEnded: Bool { channel.hasEnded }
}

/// Why nothing is handed over.
struct HandoverFailure: Error, CustomStringConvertible {
  var path: String
  var reason: String
  var description: String { "handover: \(path): \(reason)" }
}
