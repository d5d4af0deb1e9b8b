import DNSWire
import Glibc
import Settings
import StateFiles
import ZoneFiles
import Zones

extension ZoneReading {
  /// Reads the zone's file and adds what the configuration has.
  func blockFromFile() throws(Faults) -> (block: ZoneBlock, files: [FileState]) {
    guard let file = zone.file else { return (.unavailable(name), []) }
    let opener = ZoneFileOpener(folder: file.folder)
    var reader = ZoneFileReader(ZoneBlockBuilder(name: name, rules: .file)) {
      (path, includer) throws(InclusionRefusal) in try opener.included(path, by: includer)
    }
    do throws(InclusionRefusal) {
      reader.read(try opener.opened(file.path))
    } catch {
      throw Faults([Fault(origin: zone.origin, message: "\(file.path) \(error.message)")])
    }
    guard reader.faults.isEmpty else {
      throw Faults(
        reader.faults.map {
          Fault(origin: Origin(file: $0.file, line: $0.line, path: ""), message: $0.message)
        })
    }
    let places = reader.places
    var builder = reader.finish()
    addConfigured(to: &builder)
    do throws(ZoneBlockFaults) {
      return (try builder.build(), opener.states)
    } catch {
      throw Faults(
        error.faults.map { Fault(origin: origin(ofMark: $0.mark, places), message: $0.message) })
    }
  }

  private static let recordMark = ZoneFileReader.markLimit
  private static let steeredMark = ZoneFileReader.markLimit | ZoneFileReader.markLimit >> 1

  private func addConfigured(to builder: inout ZoneBlockBuilder) {
    for (index, record) in records.enumerated() {
      builder.add(
        owner: record.owner, ttlSeconds: record.ttlSeconds, type: record.type, data: record.data,
        mark: Self.recordMark | UInt32(index))
    }
    for (index, steered) in steered.enumerated() {
      builder.add(steered, mark: Self.steeredMark | UInt32(index))
    }
  }

  private func origin(ofMark mark: UInt32?, _ places: LineMarks) -> Origin {
    guard let mark else { return origin(of: .zone) }
    if mark >= Self.steeredMark { return origin(of: .steered(Int(mark - Self.steeredMark))) }
    if mark >= Self.recordMark { return origin(of: .record(Int(mark - Self.recordMark))) }
    let place = places.place(of: mark)
    return Origin(file: place.file, line: place.line, path: "")
  }
}

/// Opens a zone's files and remembers how each was.
private final class ZoneFileOpener {
  private(set) var states: [FileState] = []
  private let folder: String

  /// - Parameter folder: what is included is inside.
  init(folder: String) { self.folder = folder }

  func opened(_ path: String) throws(InclusionRefusal) -> ZoneFileText {
    states.append(FileState(path: path))
    do throws(PlainFile.Fault) {
      return ZoneFileText(name: path, bytes: try PlainFile(path).bytes())
    } catch {
      throw InclusionRefusal("cannot be read: \(error)")
    }
  }

  private func unreadable() -> InclusionRefusal {
    InclusionRefusal("cannot be read: \(String(cString: strerror(errno)))")
  }

  /// - Parameters:
  ///   - path: relative ones begin at the folder of the file that includes.
  func included(_ path: String, by includer: String) throws(InclusionRefusal) -> ZoneFileText {
    let start = includer.lastIndex(of: "/").map { includer[...$0] } ?? ""
    let whole = path.hasPrefix("/") ? path : start + path
    do throws(InclusionRefusal) {
      // Links are followed first: what counts is where the file really is.
      guard let real = resolved(whole), let root = resolved(folder) else { throw unreadable() }
      guard real.hasPrefix(root == "/" ? root : root + "/") else {
        throw InclusionRefusal("is outside the configuration's folder \(root)")
      }
      return try opened(real)
    } catch {
      throw InclusionRefusal("\(whole) \(error.message)")
    }
  }

  private func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
