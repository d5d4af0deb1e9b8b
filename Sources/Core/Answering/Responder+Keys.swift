import DNSWire
import Editions
import Places
import Routing
import Zones

// Names of services that go by a key. Apart, so that the road of others does not hold it.

extension Responder {
  /// Of a service that goes by a key: the answer of the service that the key's home is.
  @inline(never)
  mutating func steerByKey(
    _ query: Query, name: Name, finding: ZoneTable.Finding, source: IPAddress, edition: Edition,
    reply: inout Reply, into buffer: inout MutableRawSpan
  ) {
    let key = finding.keyLabel(buffer.bytes, at: name.offset, nameByteCount: name.byteCount)
    let cell = edition.steering.cell(
      of: finding.service, key: buffer.bytes, at: key.offset, byteCount: key.byteCount)
    let found = finding.chosen(service: cell.service)
    if finding.kind == .steeredAliasByKey {
      steerAlias(
        query, name: name, finding: found, source: source, edition: edition, reply: &reply,
        into: &buffer)
    } else {
      _ = steer(
        query, name: name, finding: found, source: source, edition: edition, reply: &reply,
        into: &buffer)
    }
  }
}
