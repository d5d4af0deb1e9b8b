/// The round trip expected where nothing was measured: a line over the distance.
///
/// Both constants are fitted: `make quality` prints the fit on Azure's backbone (least absolute
/// deviations over all ordered pairs of regions, and over those within 3,000 km). Meshes of hosts
/// on the open Internet gave 9 to 11 ms and 15.5 to 17 ms. Light in fibre alone takes 10 ms for
/// 1,000 km there and back.
public enum LatencyPrior {
  /// Milliseconds at no distance at all.
  public static let baseMilliseconds = 10.0
  /// Milliseconds for each 1,000 km of great circle.
  public static let slopeMilliseconds = 16.5

  /// Round-trip milliseconds over a great-circle distance.
  public static func roundTripMilliseconds(distanceKilometres: Double) -> Double {
    baseMilliseconds + slopeMilliseconds * distanceKilometres / 1000
  }

  /// The same for a client whose point is known to a radius: half the radius nearer, but not
  /// nearer than half the distance.
  ///
  /// It is optimistic where little is known, so that a region that may well be nearer than the
  /// database says is tried; and it rises with the distance, so that what was never measured is
  /// still ordered by distance.
  public static func roundTripMilliseconds(
    distanceKilometres: Double, accuracyRadiusKilometres: UInt16
  ) -> Double {
    let widened = distanceKilometres - Double(accuracyRadiusKilometres) / 2
    return roundTripMilliseconds(
      distanceKilometres: max(widened, distanceKilometres / 2))
  }
}
