import MaxMind
import Places
import Settings
import StateFiles

/// How the files of geodata are, to tell whether they have changed.
package struct GeodataFiles: Sendable, Equatable {
  fileprivate var states: [FileState]
}

extension CompiledSettings {
  /// As the databases and the files of overrides are at present.
  package var geodataNow: GeodataFiles {
    GeodataFiles(states: geodataRead.states.map { FileState(path: $0.path) })
  }
  /// As they were when they were read.
  package var geodataRead: GeodataFiles {
    GeodataFiles(states: placeSources.databases + placeSources.overrideFiles)
  }
}

/// What a place table is made from, so that a reload in which none of it has changed keeps the
/// table.
struct PlaceSources: Sendable, Equatable {
  var databases: [FileState]
  var overrideFiles: [FileState]
  var inlineOverrides: [String]
  /// Where each of them was written.
  var inlineOrigins: [Origin]
  var rulePrefixes: RulePrefixes

  init(_ geo: Settings.Geo, rulePrefixes: RulePrefixes) {
    databases = geo.databases.map(FileState.init)
    overrideFiles = geo.overrideFiles.map(FileState.init)
    inlineOverrides = geo.overrides
    inlineOrigins = geo.overrideOrigins
    self.rulePrefixes = rulePrefixes
  }

  /// Reads everything and lays it over each other.
  ///
  /// - Throws: all faults of all files.
  func compiled(regionNames: [String]) throws(Faults) -> PlaceTable {
    var faults: [Fault] = []
    var layers: [PlaceLayer] = []
    for database in databases {
      do throws(MaxMindFault) {
        layers.append(try MaxMindDatabase(file: database.path).layer)
      } catch {
        faults.append(Fault(origin: Origin(file: error.file, path: ""), message: error.reason))
      }
    }
    var lists: [OverrideList] = []
    for file in overrideFiles {
      let bytes: [UInt8]
      do throws(PlainFile.Fault) {
        bytes = try PlainFile(file.path).bytes()
      } catch {
        faults.append(
          Fault(
            origin: Origin(file: file.path, path: "geo.overrides"),
            message: "cannot be read: \(error)"))
        continue
      }
      lists.append(
        read(
          bytes, origin: { Origin(file: file.path, line: $0, path: "") },
          regionNames: regionNames, faults: &faults))
    }
    let inline = Array(inlineOverrides.joined(separator: "\n").utf8)
    lists.append(
      read(
        inline, origin: { inlineOrigins[$0 - 1] },
        regionNames: regionNames, faults: &faults))
    guard faults.isEmpty else { throw Faults(faults) }
    return PlaceTable(layers: layers, overrides: lists, rulePrefixes: rulePrefixes.prefixes)
  }

  private func read(
    _ bytes: [UInt8], origin: (Int) -> Origin, regionNames: [String], faults: inout [Fault]
  ) -> OverrideList {
    let (list, problems) = OverrideList.parse(bytes)
    faults += problems.map { Fault(origin: origin($0.line), message: $0.message) }
    for (name, line) in list.regionNames where !regionNames.contains(name) {
      faults.append(
        Fault(
          origin: origin(line), message: "there is no region \"\(name)\"",
          suggestion: "regions are \(regionNames.joined(separator: ", "))"))
    }
    return list
  }
}
