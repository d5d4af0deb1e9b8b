import Foundation
import StateFiles
import Testing

@Suite struct `A file of the state folder` {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-state-\(UUID().uuidString)").path

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func `is made with its folder, replaced whole, and leaves nothing beside it`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: "\(folder)/deeper")
    #expect(file.contents == nil)
    try file.replace(with: Data("something long".utf8))
    try file.replace(with: Data("short".utf8))
    #expect(file.contents == Data("short".utf8))
    try file.replace(with: Data())
    #expect(file.contents == Data())
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: "\(folder)/deeper") == ["a.json"])
  }

  @Test func `is as it was where it cannot be replaced`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // A folder in the file's place cannot be replaced by a file.
    try FileManager.default.createDirectory(
      atPath: "\(folder)/a.json/full", withIntermediateDirectories: true)
    let file = StateFile("a.json", in: folder)
    let fault = #expect(throws: StateFile.Fault.self) { try file.replace(with: Data([1])) }
    #expect(fault?.description.hasPrefix("\(folder)/a.json cannot be written: ") == true)
    #expect(try names() == ["a.json"])
  }

  @Test func `cannot be where a part of its path is a file`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try StateFile("b", in: folder).replace(with: Data([1]))
    let fault = #expect(throws: StateFile.Fault.self) {
      try StateFile("a.json", in: "\(folder)/b").replace(with: Data([1]))
    }
    #expect(fault?.description.hasPrefix("\(folder)/b cannot be made: ") == true)
  }

  @Test(arguments: ["/dev/zero", "/dev/null", "/"])
  func `is no device and no folder, and a link to one is neither read nor replaced`(path: String)
    throws
  {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: path)
    #expect(file.contents == nil)
    let what = path == "/" ? "it is a folder" : "it is a device, and no plain file"
    let fault = StateFile.Fault(description: "\(file.path) cannot be written: \(what)")
    #expect(throws: fault) { try file.replace(with: Data([1])) }
    #expect(throws: fault) { try file.updating() }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: file.path) == path)
    #expect(try names() == ["a.json"])
  }

  @Test func `is no pipe, which nobody waits for`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    #expect(mkfifo(file.path, 0o600) == 0)
    #expect(file.contents == nil)
    let fault = StateFile.Fault(
      description: "\(file.path) cannot be written: it is a pipe, and no plain file")
    #expect(throws: fault) { try file.replace(with: Data([1])) }
    #expect(throws: fault) { try file.updating() }
  }

  @Test func `is changed in place where it is one`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    try file.replace(with: Data("one".utf8))
    let handle = try file.updating()
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(" two".utf8))
    try handle.close()
    #expect(file.contents == Data("one two".utf8))
  }

  @Test func `is looked at before it takes the old one's place`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    try file.replace(with: Data("old".utf8))
    let fault = StateFile.Fault(description: "is no good")
    #expect(throws: fault) {
      try file.replace(with: Data("new".utf8)) { path throws(StateFile.Fault) in
        #expect(FileManager.default.contents(atPath: path) == Data("new".utf8))
        #expect(file.contents == Data("old".utf8))
        throw fault
      }
    }
    #expect(file.contents == Data("old".utf8))
    #expect(try names() == ["a.json"])
  }

  /// Who may write into the folder may not have another file written through a link.
  @Test func `is not written through a link that lies in its way`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    let other = StateFile("other", in: folder)
    try other.replace(with: Data("theirs".utf8))
    let next = "\(file.path).\(ProcessInfo.processInfo.processIdentifier).next"
    try FileManager.default.createSymbolicLink(atPath: next, withDestinationPath: other.path)
    try file.replace(with: Data("new".utf8))
    #expect(other.contents == Data("theirs".utf8))
    #expect(file.contents == Data("new".utf8))
    #expect(try names() == ["a.json", "other"])
  }

  @Test func `is not what a crash has left beside it`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    try file.replace(with: Data("old".utf8))
    let next = "\(file.path).\(ProcessInfo.processInfo.processIdentifier).next"
    try Data("a half that is longer than what comes".utf8).write(to: URL(filePath: next))
    #expect(file.contents == Data("old".utf8))
    try file.replace(with: Data("new".utf8))
    #expect(file.contents == Data("new".utf8))
    #expect(try names() == ["a.json"])
  }

  @Test func `is whole for whoever reads it meanwhile`() async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = StateFile("a.json", in: folder)
    let versions = [Data(repeating: 1, count: 100_000), Data(repeating: 2, count: 70_000)]
    try file.replace(with: versions[0])
    await withTaskGroup { group in
      group.addTask {
        for _ in 0..<500 {
          let contents = file.contents
          #expect(contents == versions[0] || contents == versions[1])
        }
      }
      for turn in 1...50 {
        #expect(throws: Never.self) { try file.replace(with: versions[turn % 2]) }
      }
    }
  }
}
