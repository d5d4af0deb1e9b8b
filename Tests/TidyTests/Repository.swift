import Foundation
import Testing

/// The repository as it lies on disk.
enum Repository {
  /// Found from this file, links resolved.
  static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// Paths, relative to the root, of all files that people wrote, in order.
  static let files: [String] = {
    let skipped: Set = [".git", ".build", "build", "run", ".swiftpm"]
    var found: [String] = []
    var waiting = [""]
    while let folder = waiting.popLast() {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
      for name in names where !skipped.contains(name) {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        if isLink(path) { continue }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
        else { continue }
        if isFolder.boolValue { waiting.append(path) } else { found.append(path) }
      }
    }
    return found.sorted()
  }()

  /// What a link leads to is found where it lies.
  private static func isLink(_ path: String) -> Bool {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(path)")) != nil
  }

  /// Without what protoc-gen-swift wrote: nobody reads or mends that.
  static let swiftFiles = files.filter { $0.hasSuffix(".swift") && !$0.hasSuffix(".pb.swift") }
    .map { SwiftFile(path: $0, text: text($0)) }

  static let sources = swiftFiles.filter { $0.path.hasPrefix("Sources/") }

  /// The text of a file, empty if it has none.
  static func text(_ path: String) -> String {
    (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(root)/\(path)")
  }
}

/// Something to mend, as an editor can jump to it.
struct Blot: CustomStringConvertible {
  let path: String
  let line: Int
  let message: String

  var description: String { "\(path):\(line): \(message)" }
}

/// Fails the test that runs, once for each blot.
func report(_ blots: [Blot]) {
  for blot in blots { Issue.record("\(blot)") }
}
