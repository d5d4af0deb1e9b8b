import Glibc

/// When a key is told to resolvers and when it signs, as dnssec-keygen and dnssec-settime write it
/// into its files. In seconds since 1970.
package struct KeySchedule: Sendable, Equatable {
  /// From when it is in the zone; nil: from ``activate`` on.
  package var publish: Int?
  /// From when it signs; nil: never.
  package var activate: Int?
  /// From when it signs no more; nil: never.
  package var inactive: Int?
  /// From when it is in the zone no more; nil: never.
  package var delete: Int?

  package init(
    publish: Int? = nil, activate: Int? = nil, inactive: Int? = nil, delete: Int? = nil
  ) {
    self.publish = publish
    self.activate = activate
    self.inactive = inactive
    self.delete = delete
  }

  /// Of files that say nothing of times.
  package static let always = KeySchedule(activate: .min)

  package func isPublished(at now: Int) -> Bool {
    let start = [publish, activate].compactMap(\.self).min()
    return start.map { $0 <= now } ?? false && delete.map { now < $0 } ?? true
  }

  package func isActive(at now: Int) -> Bool {
    isPublished(at: now) && activate.map { $0 <= now } ?? false && inactive.map { now < $0 } ?? true
  }

  /// When next something changes.
  package func nextChange(after now: Int) -> Int? {
    [publish, activate, inactive, delete].compactMap(\.self).filter { $0 > now }.min()
  }
}

/// `20260131235959`, in UTC, as key files and RRSIG records have it (RFC 4034 §3.2).
enum KeyTime {
  static func parse(_ text: some StringProtocol) -> Int? {
    let digits = text.utf8.compactMap { (48...57).contains($0) ? Int($0 - 48) : nil }
    guard digits.count == 14, text.utf8.count == 14 else { return nil }
    func number(_ range: Range<Int>) -> Int32 {
      Int32(digits[range].reduce(0) { $0 * 10 + $1 })
    }
    var time = tm()
    time.tm_year = number(0..<4) - 1900
    time.tm_mon = number(4..<6) - 1
    time.tm_mday = number(6..<8)
    time.tm_hour = number(8..<10)
    time.tm_min = number(10..<12)
    time.tm_sec = number(12..<14)
    let seconds = timegm(&time)
    // 31 February becomes a day of March.
    return render(seconds) == text ? seconds : nil
  }

  static func render(_ seconds: Int) -> String {
    let time = fields(seconds)
    let parts = [time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec]
    return "\(time.tm_year + 1900)" + parts.map { twoDigits($0) }.joined()
  }

  /// `Thu Nov 26 07:22:17 2026`, for people.
  static func words(_ seconds: Int) -> String {
    let time = fields(seconds)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let clock = [time.tm_hour, time.tm_min, time.tm_sec].map { twoDigits($0) }
    let day = time.tm_mday < 10 ? " \(time.tm_mday)" : "\(time.tm_mday)"
    return "\(days[Int(time.tm_wday)]) \(months[Int(time.tm_mon)]) \(day) "
      + "\(clock.joined(separator: ":")) \(time.tm_year + 1900)"
  }

  private static func fields(_ seconds: Int) -> tm {
    var seconds = seconds
    var time = tm()
    gmtime_r(&seconds, &time)
    return time
  }

  private static func twoDigits(_ number: Int32) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }
}
