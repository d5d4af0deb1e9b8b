import Foundation

/// What the tests take from PyPI (Tests/requirements.txt), where `make test-build` has put it.
enum PythonTools {
  static let folder = "\(Program.root)/.build/python/bin"

  static var areInstalled: Bool {
    FileManager.default.isExecutableFile(atPath: "\(folder)/schemathesis")
  }
}
