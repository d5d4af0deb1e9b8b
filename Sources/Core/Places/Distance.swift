#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The mean radius of the Earth (IUGG R₁), kilometres.
public let earthRadiusKilometres = 6371.0088

extension GeoPoint {
  /// The great-circle distance on a sphere of ``earthRadiusKilometres``, by the haversine formula.
  public func distanceKilometres(to other: GeoPoint) -> Double {
    let radians = Double.pi / 180
    let sinLatitude = sin((other.latitude - latitude) * radians / 2)
    let sinLongitude = sin((other.longitude - longitude) * radians / 2)
    let chord =
      sinLatitude * sinLatitude
      + cos(latitude * radians) * cos(other.latitude * radians) * sinLongitude * sinLongitude
    return 2 * earthRadiusKilometres * asin(min(1, chord.squareRoot()))
  }

  /// The point as a vector from the middle of the Earth, for comparing many distances.
  public var unitVector: UnitVector {
    let radians = Double.pi / 180
    let cosLatitude = cos(latitude * radians)
    return UnitVector(
      x: cosLatitude * cos(longitude * radians), y: cosLatitude * sin(longitude * radians),
      z: sin(latitude * radians))
  }
}

/// A point on Earth as a vector of length 1: distances compare without trigonometry.
public struct UnitVector: Sendable, Equatable, BitwiseCopyable {
  public let x: Double
  public let y: Double
  public let z: Double

  init(x: Double, y: Double, z: Double) {
    self.x = x
    self.y = y
    self.z = z
  }

  /// The square of the straight line through the Earth, in Earth radii: 0...4, and greater exactly
  /// where the great-circle distance is greater.
  @inlinable
  public func squaredChord(to other: UnitVector) -> Double {
    let (dx, dy, dz) = (x - other.x, y - other.y, z - other.z)
    return dx * dx + dy * dy + dz * dz
  }

  /// The great-circle distance, equal to ``GeoPoint/distanceKilometres(to:)`` to a metre.
  public func distanceKilometres(to other: UnitVector) -> Double {
    2 * earthRadiusKilometres * asin(min(1, squaredChord(to: other).squareRoot() / 2))
  }
}
