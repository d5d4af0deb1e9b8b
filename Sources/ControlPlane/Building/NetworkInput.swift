package import Places

/// A file of networks, read: a table, and what was left out of it.
package struct NetworkInput: Sendable {
  package enum Kind: String, Sendable {
    /// Lines under a line of headers.
    case csv
    /// RFC 8805 §2.
    case geofeed
  }

  package struct Fault: Sendable, Equatable, CustomStringConvertible {
    /// From 1; 0: the file as a whole.
    package var line: Int
    package var message: String
    package var description: String { line == 0 ? message : "line \(line): \(message)" }
  }

  /// Faults beyond so many are counted, not kept.
  package static let mostFaults = 100

  package private(set) var kind = Kind.geofeed
  package private(set) var table = NetworkTable()
  /// Lines that were left out, the first of them, in their order.
  package private(set) var faults: [Fault] = []
  package private(set) var faultCount = 0
  /// Headers that mean nothing here.
  package private(set) var unusedHeaders: [String] = []
  /// Networks whose clients are answered as the IPv4 addresses inside: nothing is said of them.
  package private(set) var foldedCount = 0

  /// Reads a CSV file or a geofeed: it is a geofeed if its first line that is no comment begins
  /// with a prefix. Of nested networks the longest speaks alone.
  ///
  /// A geofeed is what a stranger says of networks that may not be theirs (RFC 8805 §3.2).
  ///
  /// - Parameters:
  ///   - headers: those of a CSV file that has none itself; nil: it has.
  ///   - within: entries of geofeeds outside of these are faults; nil: all count.
  ///   - tellProgress: called now and then with the share of the bytes that were read.
  package init(
    _ bytes: [UInt8], headers: [String]? = nil, within: [AddressPrefix]? = nil,
    tellProgress: (Double) -> Void = { _ in }
  ) {
    var reader = LineReader(within: within)
    do throws(LineFault) {
      if let headers { try reader.take(headers: headers) }
      reader.read(bytes, tellProgress: tellProgress)
    } catch {
      reader.note(error.message, line: 0)
    }
    kind = reader.kind ?? .geofeed
    unusedHeaders = reader.plan.unused
    foldedCount = reader.foldedCount
    table = reader.finishedTable()
    faults = reader.faults.sorted { $0.line < $1.line }
    faultCount = reader.faultCount
  }
}

private struct LineReader {
  let within: [AddressPrefix]?
  var kind: NetworkInput.Kind?
  var plan = ColumnPlan(geofeed: ColumnPlan.geofeed)
  var faults: [NetworkInput.Fault] = []
  var faultCount = 0
  var foldedCount = 0
  private var prefixes4: [NumberedPrefix] = []
  private var prefixes6: [NumberedPrefix] = []
  private var numbers = RecordNumbers()
  /// The header was no header: nothing behind it can be understood.
  private var isLost = false

  init(within: [AddressPrefix]?) { self.within = within }

  mutating func note(_ message: String, line: Int) {
    faultCount += 1
    guard faults.count < NetworkInput.mostFaults else { return }
    faults.append(NetworkInput.Fault(line: line, message: message))
  }

  mutating func take(headers: [String]) throws(LineFault) {
    kind = .csv
    plan = try ColumnPlan(headers: headers, isFirstLine: false)
  }

  mutating func read(_ bytes: [UInt8], tellProgress: (Double) -> Void) {
    // The mark that some programs begin UTF-8 with.
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var line = 0
    while start < bytes.count && !isLost {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      line += 1
      if line & 0x3FFF == 0 { tellProgress(Double(start) / Double(bytes.count)) }
      do throws(LineFault) {
        try take(bytes[start..<end], line: line)
      } catch {
        note(error.message, line: line)
      }
      start = end + 1
    }
  }

  private mutating func take(_ text: ArraySlice<UInt8>, line: Int) throws(LineFault) {
    var text = trimmed(text)
    // In a geofeed a comment may stand anywhere (RFC 8805 §2.1); a city of a CSV file may have
    // such a sign in its name.
    if kind != .csv, let comment = text.firstIndex(of: UInt8(ascii: "#")) {
      text = trimmed(text[..<comment])
    }
    guard let first = text.first, first != UInt8(ascii: "#") else { return }
    let fields: [ArraySlice<UInt8>]
    do throws(LineFault) {
      fields = try CSVLine(text).fields
    } catch {
      // Wrong lines of a geofeed are left out; a first line without a prefix is no geofeed's.
      guard kind == nil, AddressPrefix(String(decoding: firstField(text), as: UTF8.self)) == nil
      else { throw error }
      (kind, isLost) = (.csv, true)
      throw LineFault("the first line, which names the columns: \(error.message)")
    }
    if kind == nil {
      let isEntry = AddressPrefix(String(decoding: fields[0], as: UTF8.self)) != nil
      kind = isEntry ? .geofeed : .csv
      if !isEntry {
        isLost = true
        plan = try ColumnPlan(
          headers: fields.map { String(decoding: $0, as: UTF8.self) }, isFirstLine: true)
        isLost = false
        return
      }
    }
    try takeEntry(RecordParser(plan: plan, fields: fields), line: line)
  }

  /// Of a line that is no CSV.
  private func firstField(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    trimmed(text.prefix { $0 != UInt8(ascii: ",") })
  }

  private mutating func takeEntry(_ parser: RecordParser, line: Int) throws(LineFault) {
    try parser.checkForm()
    let (isIPv6, ends) = try parser.prefixes()
    var record = try parser.record()
    if kind == .geofeed {
      if let within { try refuse(ends, isIPv6: isIPv6, outside: within) }
      // Nothing at all, or the country ZZ: it is not to be known (§2.1.2).
      if record.country == nil && record.city.isEmpty { record.hidesLocation = true }
    }
    guard record != NetworkRecord() else { return }
    let value = numbers.number(of: record)
    for (first, last) in ends {
      if isIPv6 && isFolded(first, last) {
        foldedCount += 1
        continue
      }
      let prefix = NumberedPrefix(first: first, last: last, value: value, line: line)
      if isIPv6 { prefixes6.append(prefix) } else { prefixes4.append(prefix) }
    }
  }

  private func refuse(
    _ ends: [(UInt128, UInt128)], isIPv6: Bool, outside within: [AddressPrefix]
  ) throws(LineFault) {
    for (first, last) in ends {
      let isInside = within.contains { own in
        own.address.isIPv6 == isIPv6 && own.ends.first <= first && last <= own.ends.last
      }
      guard isInside else {
        throw LineFault("lies outside of the networks that this feed may speak for")
      }
    }
  }

  private func isFolded(_ first: UInt128, _ last: UInt128) -> Bool {
    ClientAddress.foldedPrefixes.contains { $0.ends.first <= first && last <= $0.ends.last }
  }

  mutating func finishedTable() -> NetworkTable {
    let ipv4 = finished(prefixes4, addressBits: 32)
    let ipv6 = finished(prefixes6, addressBits: 128)
    return NetworkTable(ipv4: ipv4, ipv6: ipv6, records: numbers.records)
  }

  /// A geofeed repeats nothing (RFC 8805 §2.1.3); in a CSV file a network may be repeated, but not
  /// contradicted. The first one counts.
  private mutating func finished(_ prefixes: [NumberedPrefix], addressBits: Int) -> RangeMap {
    var repeated: [(line: Int, earlier: Int)] = []
    let kind = kind
    let map = RangeMap(addressBits: addressBits, prefixes: prefixes) { prefix, earlier in
      guard kind == .geofeed || prefix.value != earlier.value else { return }
      repeated.append((prefix.line, earlier.line))
    }
    for (line, earlier) in repeated.sorted(by: { $0.line < $1.line }) {
      note("speaks of the same network as line \(earlier), which counts", line: line)
    }
    return map
  }
}
