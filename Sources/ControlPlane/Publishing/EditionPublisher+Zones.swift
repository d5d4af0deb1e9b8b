import Compiling
package import DNSWire
import Zones

extension EditionPublisher {
  /// Puts a zone that came from a primary into service; nil: it has no data any more. A zone that
  /// the configuration does not have is passed over.
  ///
  /// - Throws: what is wrong with it; the version before goes on then.
  package func replace(_ zone: DomainName, by source: TransferredZone?) throws(ZoneRefusal) {
    guard let steered = compiled.secondaries[zone] else { return }
    var next = transferred
    do throws(ZoneBlockFaults) {
      next[zone] = try source?.under(steered)
    } catch {
      throw ZoneRefusal(messages: error.faults.map(\.message))
    }
    if let block = next[zone]?.block, let fault = compiled.keys.signingFault(of: block) {
      throw ZoneRefusal(messages: [fault])
    }
    do throws(ZoneFaults) {
      zones = try compiled.zones(with: next.mapValues(\.block))
    } catch {
      throw ZoneRefusal(messages: error.faults.map(\.message))
    }
    transferred = next
    publish()
  }

  /// After a reload: what was transferred, under the names that are laid over it now.
  ///
  /// - Returns: the zones that do not go with the new configuration; they have no data any more.
  func layOverTransferred() -> [DomainName] {
    let before = transferred
    transferred = [:]
    zones = compiled.zones
    var lost: [DomainName] = []
    for (zone, steered) in compiled.secondaries {
      guard let old = before[zone] else { continue }
      transferred[zone] = try? old.under(steered)
      if let block = transferred[zone]?.block, compiled.keys.signingFault(of: block) != nil {
        transferred[zone] = nil
      }
      if transferred[zone] == nil { lost.append(zone) }
    }
    if let joined = try? compiled.zones(with: transferred.mapValues(\.block)) {
      zones = joined
      return lost
    }
    // Not all of them together: those that do go, one after the other.
    let candidates = transferred
    transferred = [:]
    for (zone, candidate) in candidates {
      var next = transferred
      next[zone] = candidate
      if let joined = try? compiled.zones(with: next.mapValues(\.block)) {
        (zones, transferred) = (joined, next)
      } else {
        lost.append(zone)
      }
    }
    return lost
  }
}

/// Why a zone that came from elsewhere is not served.
package struct ZoneRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  package var messages: [String]

  package init(messages: [String]) { self.messages = messages }

  package var description: String {
    let first = messages.first ?? "it cannot be compiled"
    return messages.count > 1 ? "\(first) (and \(messages.count - 1) more)" : first
  }
}
