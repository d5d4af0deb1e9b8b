import CMaxMindDB

/// A database that libmaxminddb has opened; closed with the last reference.
@safe
final class OpenDatabase {
  private let handle: UnsafeMutablePointer<MMDB_s>

  /// - Parameter path: of a file that nobody else can change: a shrinking file under the library's
  ///   memory map would end the process with SIGBUS.
  init(path: String) throws(MalformedDatabase) {
    let handle = UnsafeMutablePointer<MMDB_s>.allocate(capacity: 1)
    unsafe handle.initialize(to: MMDB_s())
    let status = unsafe MMDB_open(path, UInt32(MMDB_MODE_MMAP), handle)
    guard status == MMDB_SUCCESS else {
      unsafe handle.deallocate()
      throw MalformedDatabase(Self.message(status))
    }
    unsafe self.handle = unsafe handle
  }

  deinit {
    unsafe MMDB_close(handle)
    unsafe handle.deallocate()
  }

  var metadata: MMDB_metadata_s { unsafe handle.pointee.metadata }

  /// What the database says it is, such as `GeoLite2-City`.
  var type: String {
    guard let text = unsafe metadata.database_type else { return "" }
    return unsafe String(cString: text)
  }

  /// The data section. Valid while this object lives.
  var data: DataSection {
    unsafe DataSection(
      bytes: UnsafeRawBufferPointer(
        start: handle.pointee.data_section, count: Int(handle.pointee.data_section_size)))
  }

  /// The two records of a node, as the format has them: below the node count a node, equal to it
  /// nothing, above it data.
  func records(
    ofNode node: UInt32
  ) throws(MalformedDatabase) -> (left: UInt64, right: UInt64) {
    var records = unsafe MMDB_search_node_s()
    let status = unsafe MMDB_read_node(handle, node, &records)
    guard status == MMDB_SUCCESS else { throw MalformedDatabase(Self.message(status)) }
    return unsafe (records.left_record, records.right_record)
  }

  private static func message(_ status: Int32) -> String {
    guard let text = unsafe MMDB_strerror(status) else { return "libmaxminddb error \(status)" }
    return unsafe String(cString: text)
  }
}
