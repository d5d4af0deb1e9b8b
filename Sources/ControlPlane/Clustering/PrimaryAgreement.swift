import Foundation
package import Publishing

/// What a node does for a service's primary, from what it has itself and what the store has.
///
/// The key `primary/SERVICE` is changed by compare and swap alone, each time with a greater epoch:
/// of those who would change one epoch exactly one does, and who has no cluster behind its member
/// changes nothing. So an epoch has one primary. It never goes back either, not by a store that was
/// restored from an old copy: what a node has seen counts as much as what the store says.
package enum PrimaryAgreement: Sendable, Equatable {
  /// The store and the node agree, and the node wants nothing else.
  case agreed
  /// The node is behind.
  case follow(SharedPrimary)
  /// The store is to have it, if the key still stands at this revision; 0: there is no such key.
  /// Followed once it is written.
  case write(SharedPrimary, expecting: Int64)

  /// - Parameters:
  ///   - isReplicated: false: the node has chosen its primary without the fleet.
  ///   - wish: what the node would change.
  ///   - stored: nil: there is no such key.
  ///   - firstEpoch: for a service that nobody has known yet.
  package init(
    own: SharedPrimary, isReplicated: Bool, wish: SharedPrimary?,
    stored: (primary: SharedPrimary, revision: Int64)?, firstEpoch: UInt64
  ) {
    guard let (primary, revision) = stored else {
      var first = own
      if own.epoch == 0 { first.epoch = max(1, firstEpoch) }
      self = .write(first, expecting: 0)
      return
    }
    if primary.epoch > own.epoch {
      self = .follow(primary)
    } else if !isReplicated || primary.epoch == own.epoch && primary.region != own.region {
      // The fleet's word holds, with an epoch that nobody has seen with another region.
      var next = primary
      next.former = nil
      next.epoch = own.epoch + 1
      self = .write(next, expecting: revision)
    } else if primary.epoch < own.epoch {
      self = .write(own, expecting: revision)
    } else if var wish, wish.region != primary.region {
      wish.epoch = primary.epoch + 1
      self = .write(wish, expecting: revision)
    } else {
      self = .agreed
    }
  }

  /// Whether two parts of the fleet have chosen different regions: one of them gives way.
  package static func isConflict(
    own: SharedPrimary, isReplicated: Bool, stored: SharedPrimary
  ) -> Bool {
    let isSameEpoch = own.epoch == stored.epoch
    return own.region != stored.region && (!isReplicated || isSameEpoch)
  }
}

/// As it stands in the store: `{"region": "dublin", "epoch": 8, "chosen": false, "former": …}`.
extension SharedPrimary {
  private struct Body: Codable {
    var region: String
    var epoch: UInt64
    var chosen: Bool?
    var former: String?
  }

  private static let mostBytes = 4096
  /// Whole numbers that every reader of JSON has as they are (RFC 8259 §6).
  private static let greatestEpoch: UInt64 = 1 << 53

  /// nil: it is not understood, or out of bounds.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.mostBytes,
      let body = try? JSONDecoder().decode(Body.self, from: Data(bytes)), !body.region.isEmpty,
      (1..<Self.greatestEpoch).contains(body.epoch)
    else { return nil }
    self.init(
      region: body.region, epoch: body.epoch, isChosen: body.chosen ?? false, former: body.former)
  }

  package var bytes: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let body = Body(region: region, epoch: epoch, chosen: isChosen, former: former)
    // Texts and numbers: nothing that JSON does not have.
    return (try? encoder.encode(body)).map(Array.init) ?? []
  }
}
