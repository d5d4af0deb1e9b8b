import DNSWire
public import Zones

/// A master file that was opened.
public struct ZoneFileText: Sendable {
  /// What faults call it, and what tells it from others: a path.
  public var name: String
  public var bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}

/// Why a file cannot be included.
public struct InclusionRefusal: Error, Sendable {
  public var message: String

  public init(_ message: String) { self.message = message }
}

/// What is wrong with a master file, and where.
public struct ZoneFileFault: Sendable, Equatable {
  public var file: String
  /// The first one of the entry, from 1 on.
  public var line: Int
  public var message: String
}

/// Reads the records of one zone from master files (RFC 1035 §5.1) into a `ZoneBlockBuilder`.
///
///     bytes ─► EntryScanner ─► fields ─► owner, TTL, class, type ─► FastFields, else RecordData
///
/// With `$ORIGIN`, `$INCLUDE`, `$TTL` (RFC 2308 §4), `$GENERATE` as BIND has it, TTLs with units,
/// unknown types (RFC 3597 §5). Nothing is allocated for a plain record.
public struct ZoneFileReader {
  /// Files within files.
  public static let maximumDepth = 10
  public static let maximumFaultCount = 100
  /// Marks of records are below this: what a builder has from elsewhere may be told by it.
  public static let markLimit: UInt32 = 1 << 31

  /// The file of a path that stands in the file with a name.
  public typealias Inclusion = (
    _ path: String, _ includingFile: String
  ) throws(InclusionRefusal) -> ZoneFileText

  private var builder: ZoneBlockBuilder
  public private(set) var faults: [ZoneFileFault] = []
  private let include: Inclusion
  /// The files that are being read, each included by the one before.
  private var files: [String] = []
  /// In wire form, as the file has it.
  private var origin: [UInt8]
  /// Of the last entry; empty: it had none that can be read, or there was none.
  private var owner: [UInt8] = []
  private var isOwnerBroken = false
  /// Of `$TTL`.
  private var defaultTTLSeconds: UInt32?
  /// The last one that was said.
  private var lastTTLSeconds: UInt32?
  private var data: [UInt8] = []
  private var types = TypeNames()
  private var marks = LineMarks()
  private var generatedCount = 0

  public init(_ builder: ZoneBlockBuilder, include: @escaping Inclusion) {
    self.builder = builder
    self.include = include
    origin = builder.name.wire
  }

  /// Reads a file and all that it includes.
  public mutating func read(_ text: ZoneFileText) {
    files.append(text.name)
    marks.begin(file: text.name)
    let bytes = text.bytes
    unsafe read(bytes.span.bytes)
    files.removeLast()
  }

  /// Where the records with marks stand.
  public var places: LineMarks { marks }

  /// Hands over the builder; nothing of it is copied when more is added.
  public consuming func finish() -> ZoneBlockBuilder { builder }

  private mutating func read(_ bytes: RawSpan) {
    var scanner = EntryScanner()
    while faults.count < Self.maximumFaultCount {
      do throws(ZoneFileProblem) {
        guard try scanner.next(bytes) else { return }
        try readEntry(bytes, scanner)
      } catch {
        fault(error, line: scanner.firstLine)
      }
    }
  }

  private mutating func fault(_ problem: ZoneFileProblem, line: Int) {
    guard faults.count < Self.maximumFaultCount, let file = files.last else { return }
    faults.append(ZoneFileFault(file: file, line: line, message: problem.message))
  }

  private mutating func readEntry(
    _ bytes: RawSpan, _ scanner: EntryScanner
  ) throws(ZoneFileProblem) {
    let first = scanner.fields[0]
    if !scanner.beginsWithSpace, bytes.byte(at: first.start) == UInt8(ascii: "$") {
      return try readDirective(bytes, scanner)
    }
    try readRecord(bytes, scanner, mark: marks.mark(ofLine: scanner.firstLine))
  }
}

// MARK: - Records

extension ZoneFileReader {
  /// `[owner] [ttl] [class] type data`, TTL and class in either order.
  private mutating func readRecord(
    _ bytes: RawSpan, _ scanner: EntryScanner, mark: UInt32?
  ) throws(ZoneFileProblem) {
    guard let mark else { throw ZoneFileProblem("the files have more than 2³¹ lines") }
    var index = 0
    if !scanner.beginsWithSpace {
      try readOwner(bytes, scanner.fields[0])
      index = 1
    } else if owner.isEmpty {
      // That the owner above is wrong was said there.
      if isOwnerBroken { return }
      throw ZoneFileProblem("the first record has no owner")
    }
    var ttl: UInt32?
    var hasClass = false
    var type: RecordType?
    while type == nil {
      guard index < scanner.fields.count else { throw ZoneFileProblem("the record has no type") }
      let field = scanner.fields[index]
      index += 1
      if bytes.byte(at: field.start) &- UInt8(ascii: "0") < 10, ttl == nil {
        ttl = try readTTL(bytes, field)
      } else if !hasClass, let isInternet = types.isInternet(bytes, field) {
        guard isInternet else { throw ZoneFileProblem("only records of class IN are served") }
        hasClass = true
      } else {
        type = types.type(bytes, field)
        guard type != nil else {
          throw ZoneFileProblem("“\(text(bytes, field))” is no type, class or TTL")
        }
      }
    }
    guard let type else { return }
    if ttl != nil { lastTTLSeconds = ttl }
    guard let ttl = ttl ?? defaultTTLSeconds ?? lastTTLSeconds else {
      throw ZoneFileProblem("the record has no TTL, and no $TTL stands above it (RFC 2308 §4)")
    }
    try readData(bytes, scanner, from: index, type: type)
    let owner = owner
    let data = data
    unsafe builder.add(
      owner: owner.span.bytes, ttlSeconds: ttl, type: type, data: data.span.bytes, mark: mark)
  }

  private mutating func readOwner(
    _ bytes: RawSpan, _ field: EntryScanner.Field
  ) throws(ZoneFileProblem) {
    owner.removeAll(keepingCapacity: true)
    isOwnerBroken = false
    if appendName(bytes, field, origin: origin, to: &owner) { return }
    isOwnerBroken = true
    owner = try name(bytes, field)
  }

  /// A name in any form.
  private func name(
    _ bytes: RawSpan, _ field: EntryScanner.Field
  ) throws(ZoneFileProblem) -> [UInt8] {
    do throws(RecordDataFault) {
      return try DomainName(text(bytes, field), origin: DomainName(wire: origin)).wire
    } catch {
      throw ZoneFileProblem(error.message)
    }
  }

  private func readTTL(
    _ bytes: RawSpan, _ field: EntryScanner.Field
  ) throws(ZoneFileProblem) -> UInt32 {
    if let ttl = ttlSeconds(bytes, field) { return ttl }
    throw ZoneFileProblem(
      "“\(text(bytes, field))” is no TTL: seconds, or numbers with units such as 1h30m")
  }

  /// Fills ``data``.
  private mutating func readData(
    _ bytes: RawSpan, _ scanner: EntryScanner, from index: Int, type: RecordType
  ) throws(ZoneFileProblem) {
    data.removeAll(keepingCapacity: true)
    if readPlainData(bytes, scanner.fields, from: index, type: type) { return }
    let text = String(decoding: joined(bytes, scanner.fields[index...]), as: UTF8.self)
    do throws(RecordDataFault) {
      data = try RecordData.encode(type, text: text, origin: DomainName(wire: origin) ?? .root)
    } catch {
      throw ZoneFileProblem(error.message)
    }
  }

  /// - Returns: false if the data is not that of a common type in its plainest form.
  private mutating func readPlainData(
    _ bytes: RawSpan, _ fields: [EntryScanner.Field], from index: Int, type: RecordType
  ) -> Bool {
    guard index < fields.count else { return false }
    let isDone =
      switch type {
      case .a: index == fields.count - 1 && appendIPv4(bytes, fields[index], to: &data)
      case .aaaa: index == fields.count - 1 && appendIPv6(bytes, fields[index], to: &data)
      case .ns, .cname, .ptr, .dname:
        index == fields.count - 1
          && appendName(bytes, fields[index], origin: origin, to: &data)
      case .mx: readPlainExchange(bytes, fields, from: index)
      case .txt: fields[index...].allSatisfy { appendString(bytes, $0, to: &data) }
      default: false
      }
    if !isDone { data.removeAll(keepingCapacity: true) }
    return isDone
  }

  private mutating func readPlainExchange(
    _ bytes: RawSpan, _ fields: [EntryScanner.Field], from index: Int
  ) -> Bool {
    guard index == fields.count - 2,
      let preference = number(bytes, fields[index], atMost: Int(UInt16.max))
    else { return false }
    appendBigEndian(UInt16(truncatingIfNeeded: preference), to: &data)
    return appendName(bytes, fields[index + 1], origin: origin, to: &data)
  }

  /// Fields as they stand, a space between.
  private func joined(_ bytes: RawSpan, _ fields: ArraySlice<EntryScanner.Field>) -> [UInt8] {
    var text: [UInt8] = []
    for field in fields {
      if !text.isEmpty { text.append(0x20) }
      for offset in field.start..<field.end { text.append(bytes.byte(at: offset)) }
    }
    return text
  }

  private func text(_ bytes: RawSpan, _ field: EntryScanner.Field) -> String {
    String(decoding: joined(bytes, [field]), as: UTF8.self)
  }
}

// MARK: - Directives

extension ZoneFileReader {
  private mutating func readDirective(
    _ bytes: RawSpan, _ scanner: EntryScanner
  ) throws(ZoneFileProblem) {
    let fields = scanner.fields
    let directive = text(bytes, fields[0]).uppercased()
    switch (directive, fields.count) {
    case ("$ORIGIN", 2): origin = try name(bytes, fields[1])
    case ("$TTL", 2): defaultTTLSeconds = try readTTL(bytes, fields[1])
    case ("$INCLUDE", 2...3): try readInclusion(bytes, scanner)
    case ("$GENERATE", 5...): try generate(bytes, scanner)
    case ("$ORIGIN", _): throw ZoneFileProblem("$ORIGIN wants one name")
    case ("$TTL", _): throw ZoneFileProblem("$TTL wants one TTL")
    case ("$INCLUDE", _): throw ZoneFileProblem("$INCLUDE wants a file, and an origin if need be")
    case ("$GENERATE", _):
      throw ZoneFileProblem("$GENERATE wants a range, an owner, a type and data")
    default: throw ZoneFileProblem("\(directive) is no directive")
    }
  }

  /// RFC 1035 §5.1: the origin within the file is that file's matter; the last owner too.
  private mutating func readInclusion(
    _ bytes: RawSpan, _ scanner: EntryScanner
  ) throws(ZoneFileProblem) {
    guard let file = files.last, files.count < Self.maximumDepth else {
      throw ZoneFileProblem("files are included \(Self.maximumDepth) deep: more are not followed")
    }
    let outer = (origin: origin, owner: owner, isOwnerBroken: isOwnerBroken)
    let inner = scanner.fields.count > 2 ? try name(bytes, scanner.fields[2]) : origin
    var path = text(bytes, scanner.fields[1])
    if scanner.fields[1].isQuoted { path = String(path.dropFirst().dropLast()) }
    let included: ZoneFileText
    do throws(InclusionRefusal) {
      included = try include(path, file)
    } catch {
      throw ZoneFileProblem(error.message)
    }
    guard !files.contains(included.name) else {
      throw ZoneFileProblem("\(path) is included by itself")
    }
    origin = inner
    read(included)
    (origin, owner, isOwnerBroken) = outer
    marks.begin(file: file, line: scanner.firstLine)
  }

  private mutating func generate(
    _ bytes: RawSpan, _ scanner: EntryScanner
  ) throws(ZoneFileProblem) {
    let template = try GenerateTemplate(
      range: text(bytes, scanner.fields[1]), template: joined(bytes, scanner.fields[2...]))
    let mark = marks.mark(ofLine: scanner.firstLine)
    for number in template.numbers {
      generatedCount += 1
      guard generatedCount <= GenerateTemplate.maximumCount else {
        throw ZoneFileProblem("$GENERATE makes more than \(GenerateTemplate.maximumCount) records")
      }
      let entry = try template.entry(number)
      var entries = EntryScanner()
      guard unsafe try entries.next(entry.span.bytes) else { continue }
      unsafe try readRecord(entry.span.bytes, entries, mark: mark)
    }
  }
}
