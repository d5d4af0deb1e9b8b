import CMaxMindDB
package import Places

/// A database in the MaxMind DB format (.mmdb), read whole into a layer of places and closed again:
/// no query ever touches the file or libmaxminddb.
///
/// City, country, ASN, ISP and Enterprise databases of any maker that uses MaxMind's field names;
/// IPv4 and IPv6 trees; records of 24, 28 and 32 bits. Read are `location`, `country` (else
/// `registered_country`), `continent`, `subdivisions[0]`, `city.names.en` and
/// `autonomous_system_number`.
package struct MaxMindDatabase: Sendable {
  /// What it knows of every client.
  package var layer: PlaceLayer
  /// What it says it is, such as `GeoLite2-City`.
  package var type: String
  /// When it was made: seconds since 1970 UTC, as it says.
  package var buildEpochSeconds: UInt64

  /// Reads a file. Blocks; a file of 7 MB takes about 0.1 s.
  ///
  /// - Throws: a fault that says what is wrong; a damaged file never does more harm than that.
  package init(file path: String) throws(MaxMindFault) {
    do throws(MalformedDatabase) {
      let copy = try PrivateCopy.make(of: path)
      try checkMetadata(of: copy)
      let database = try OpenDatabase(path: copy.path)
      try checkShape(of: database, fileSize: copy.size)
      type = database.type
      buildEpochSeconds = unsafe database.metadata.build_epoch
      layer = try TreeWalk(database: database).run()
    } catch {
      throw MaxMindFault(file: path, reason: error.reason)
    }
  }
}

/// Behind this, the metadata; the last in the file counts.
private let metadataMarker: [UInt8] = [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8)

/// Reads the metadata under limits, before the library does so without.
private func checkMetadata(of copy: borrowing PrivateCopy) throws(MalformedDatabase) {
  let tail = try copy.tail(128 << 10)
  guard let start = lastEnd(of: metadataMarker, in: tail) else {
    throw MalformedDatabase("it is no MaxMind DB file: the metadata marker is missing")
  }
  guard start < tail.count else { throw MalformedDatabase("its metadata is missing") }
  var limit = 10_000
  let outcome: Result<Void, MalformedDatabase> = unsafe tail.withUnsafeBytes { bytes in
    var metadata = unsafe DataSection(bytes: UnsafeRawBufferPointer(rebasing: bytes[start...]))
    do throws(MalformedDatabase) {
      guard case .map = try metadata.value(at: 0) else {
        throw MalformedDatabase("it is not a map")
      }
      return .success(try metadata.validate(at: 0, limit: &limit))
    } catch {
      return .failure(error)
    }
  }
  if case .failure(let fault) = outcome {
    throw MalformedDatabase("its metadata is damaged: \(fault.reason)")
  }
}

/// The index behind the last occurrence.
private func lastEnd(of marker: [UInt8], in bytes: [UInt8]) -> Int? {
  var start = bytes.count - marker.count
  while start >= 0 {
    if bytes[start] == marker[0] && bytes[start...].starts(with: marker) {
      return start + marker.count
    }
    start -= 1
  }
  return nil
}

private func checkShape(
  of database: OpenDatabase, fileSize: Int
) throws(MalformedDatabase) {
  let metadata = unsafe database.metadata
  let version = unsafe metadata.binary_format_major_version
  guard version == 2 else {
    throw MalformedDatabase("it has format version \(version); wanted 2")
  }
  let ipVersion = unsafe metadata.ip_version
  guard ipVersion == 4 || ipVersion == 6 else {
    throw MalformedDatabase("it is for IP version \(ipVersion); wanted 4 or 6")
  }
  let recordSize = unsafe metadata.record_size
  guard recordSize == 24 || recordSize == 28 || recordSize == 32 else {
    throw MalformedDatabase("its records have \(recordSize) bits; wanted 24, 28 or 32")
  }
  let nodeCount = unsafe Int(metadata.node_count)
  let treeSize = nodeCount * Int(recordSize) / 4
  guard nodeCount > 0, treeSize + Int(TreeWalk.separatorSize) < fileSize else {
    throw MalformedDatabase(
      "it claims \(nodeCount) nodes, which do not fit into its \(fileSize) bytes")
  }
}
