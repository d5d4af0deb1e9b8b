package import Admitting
import Settings

/// How full a region says that it is, as it was asked.
package struct LoadReading: Sendable, Equatable {
  package var region: String
  /// 1: full.
  package var share: Double

  package init(region: String, share: Double) {
    self.region = region
    self.share = share
  }

  /// More is no load but a mistake.
  private static let mostNumber = 1e15

  /// From what was answered: a plain number such as `37` or `0.42`, with or without a line's end;
  /// nil if it is anything else.
  ///
  /// - Parameter full: the number with which the region is full.
  package init?(region: String, full: Double, answer: [UInt8]) {
    guard let number = plainNumber(answer, atMost: Self.mostNumber) else { return nil }
    self.init(region: region, share: number / full)
  }
}

/// How full regions are, and what they may take because of it.
package struct RegionUse: Sendable, Equatable {
  package var reading: RegionGauge.Reading
  /// New connections a second beyond which clients go elsewhere; nil: as many as come.
  package var limit: Double?
}

/// The loads that regions have reported, by name.
struct ReportedLoads: Sendable {
  private var told: [String: (share: Double, at: Duration)] = [:]

  mutating func take(_ reading: LoadReading, now: Duration) {
    told[reading.region] = (reading.share, now)
  }

  /// nil: none was told, or not lately.
  func share(ofRegion region: Settings.Region, now: Duration) -> Double? {
    guard let report = region.capacity?.reportedLoad, let last = told[region.name],
      now - last.at <= report.maximumAge
    else { return nil }
    return last.share
  }
}

/// A plain number with or without a fraction and white space around it; nil if it is anything else.
func plainNumber(_ answer: [UInt8], atMost limit: Double) -> Double? {
  let text = String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isWhitespace)
  guard text.count == 1, let number = text.first,
    number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
    let value = Double(number), value <= limit
  else { return nil }
  return value
}
