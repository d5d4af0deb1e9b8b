import Foundation
import StateFiles

/// The primaries of all services over a restart: one JSON file in the `state` folder.
///
/// An epoch that has been served never comes again. So the file is on the disk before an epoch is
/// served; and where nothing that can be read is left of it, epochs begin with the seconds since
/// 1970, which is more than any that was counted up.
package struct PrimaryStore: Sendable {
  package struct Record: Sendable, Equatable, Codable {
    package var service: String
    package var region: String
    package var epoch: UInt64
    /// An operator chose the region.
    package var chosen: Bool
    /// The fleet does not know of it; nil: it does, or there is none.
    package var unreplicated: Bool?

    package init(
      service: String, region: String, epoch: UInt64, chosen: Bool, unreplicated: Bool? = nil
    ) {
      self.service = service
      self.region = region
      self.epoch = epoch
      self.chosen = chosen
      self.unreplicated = unreplicated
    }
  }

  package enum Loaded: Sendable, Equatable {
    case records([Record])
    case missing
    /// Put aside under another name.
    case damaged(movedTo: String)
  }

  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  private struct File: Codable {
    var version: Int
    var primaries: [Record]
  }

  private static let version = 1
  private let file: StateFile

  package init(folder: String) { file = StateFile("primaries.json", in: folder) }

  package func load() -> Loaded {
    let path = file.path
    guard FileManager.default.fileExists(atPath: path) else { return .missing }
    if let data = file.contents,
      let file = try? JSONDecoder().decode(File.self, from: data), file.version == Self.version
    {
      return .records(file.primaries)
    }
    let aside = path + ".damaged"
    try? FileManager.default.removeItem(atPath: aside)
    try? FileManager.default.moveItem(atPath: path, toPath: aside)
    return .damaged(movedTo: aside)
  }

  /// Replaces the file whole; when this returns, it is on the disk.
  package func save(_ records: [Record]) throws(Failure) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      let data = try encoder.encode(File(version: Self.version, primaries: records))
      try file.replace(with: data)
    } catch {
      throw Failure(description: "\(error)")
    }
  }
}
