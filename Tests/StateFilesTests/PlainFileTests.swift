import Foundation
import StateFiles
import Testing

@Suite struct `A file that somebody names` {
  private let folder = FileManager.default.temporaryDirectory
    .appending(path: "azimuth-plain-\(UUID().uuidString)").path

  private func made(_ name: String, _ contents: Data?) throws -> String {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/\(name)"
    if let contents { try contents.write(to: URL(filePath: path)) }
    return path
  }

  @Test func `is read whole, also where the system does not know its size`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let long = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) })
    #expect(try PlainFile(made("long", long)).bytes() == Array(long))
    #expect(try PlainFile(made("empty", Data())).bytes() == [])
    #expect(try PlainFile(made("text", Data("ä\n".utf8))).text() == "ä\n")
    #expect(try PlainFile("/proc/self/status").text().contains("VmRSS"))
  }

  @Test(arguments: [
    ("/dev/zero", "it is a device, and no plain file"), ("/", "it is a folder"),
    ("/dev/null", "it is a device, and no plain file"), ("/nowhere", "there is no such file"),
    ("/dev/null/x", "not a directory"), ("", "there is no such file"),
  ])
  func `is refused where it is none`(path: String, why: String) {
    let fault = #expect(throws: PlainFile.Fault.self) { try PlainFile(path).bytes() }
    #expect(fault?.description == why)
    #expect(PlainFile(path).fault?.description == why)
  }

  @Test func `is refused where it is a pipe, whether anybody writes or not`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = try made("pipe", nil)
    #expect(mkfifo(path, 0o600) == 0)
    let fault = #expect(throws: PlainFile.Fault.self) { try PlainFile(path).bytes() }
    #expect(fault?.description == "it is a pipe, and no plain file")
  }

  @Test func `is refused where it is larger than it may be, or no text`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = PlainFile(try made("ten", Data(repeating: 0xFF, count: 10)))
    #expect(try file.bytes(atMost: 10).count == 10)
    let fault = #expect(throws: PlainFile.Fault.self) { try file.bytes(atMost: 9) }
    #expect(fault?.description == "it has more than 9 bytes")
    #expect(throws: PlainFile.Fault.self) { try PlainFile("/proc/self/status").bytes(atMost: 9) }
    let text = #expect(throws: PlainFile.Fault.self) { try file.text() }
    #expect(text?.description == "it is not UTF-8")
  }
}
