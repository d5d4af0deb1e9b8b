package import Zones

/// A zone that came from elsewhere, as compiled under names of ours.
package struct TransferredZone: Sendable {
  package typealias Compile =
    @Sendable (_ steered: [ZoneSource.Steered]) throws(ZoneBlockFaults) -> ZoneBlock

  /// Compiles it anew, since what is laid over it may change.
  let compile: Compile
  private(set) var steered: [ZoneSource.Steered]
  private(set) var block: ZoneBlock

  /// - Throws: what is wrong with the zone.
  package init(
    under steered: [ZoneSource.Steered], compile: @escaping Compile
  ) throws(ZoneBlockFaults) {
    self.compile = compile
    self.steered = steered
    block = try compile(steered)
  }

  /// The zone under other names; itself where they are the same.
  func under(_ steered: [ZoneSource.Steered]) throws(ZoneBlockFaults) -> TransferredZone {
    if steered == self.steered { return self }
    return try TransferredZone(under: steered, compile: compile)
  }
}
