import Editions
import Places
import ProxyProtocol
import Routing
import Securing

extension ProxySession {
  fileprivate init(_ facts: TLSFacts) {
    self.init(
      version: facts.version == .tls13 ? .tls13 : .tls12, hasCertificate: facts.hasCertificate,
      // Whoever shows one that is not good has no session.
      isVerified: facts.hasCertificate)
  }
}

extension ProxyWorker {
  /// Sends the header that the endpoint wants before all else, if it wants one. It is at most 536
  /// octets, which a socket that has just connected always takes.
  ///
  /// - Returns: false if the connection is broken.
  mutating func sendHeader(_ pair: PairReference) -> Bool {
    // TLS has begun behind it.
    if pair.pointee.secured?.upstream != nil { return true }
    return sendHeader(pair, of: pair.pointee.attempt, to: pair[.upstream].fd)
  }

  /// The same on the socket of an attempt.
  mutating func sendHeader(_ pair: PairReference, of attempt: Attempt, to fd: Int32) -> Bool {
    guard attempt.service >= 0, let context = attempt.context,
      let version = context.headers[Int(attempt.service)]
    else { return true }
    let ends = ends(of: pair)
    var octets = ProxyHeader.Octets(repeating: 0)
    var span = octets.mutableSpan
    var buffer = unsafe span.mutableBytes
    let count: Int
    switch version {
    case .v1: count = ProxyHeaderWriter.writeText(ends, into: &buffer)
    case .v2:
      var header = ProxyHeaderWriter(ends, into: &buffer)
      addFields(of: pair, attempt, context, to: &header, into: &buffer)
      header.end(into: &buffer)
      count = header.byteCount
    }
    let sent = Sockets.send(buffer.bytes.extracting(first: count), to: fd)
    if case .moved(count) = sent { return true }
    return false
  }

  /// The client's address and the one that it has connected to, as a trusted proxy or the socket
  /// says; nil: the socket is gone.
  private func ends(of pair: PairReference) -> ProxyHeader.Ends? {
    let destination =
      pair.pointee.greeting?.destination ?? (try? Sockets.localAddress(of: pair[.client].fd))
    return destination.map {
      ProxyHeader.Ends(source: pair.pointee.clientAddress, destination: $0)
    }
  }

  private mutating func addFields(
    of pair: PairReference, _ attempt: Attempt, _ context: RouteContext,
    to header: inout ProxyHeaderWriter, into buffer: inout MutableRawSpan
  ) {
    func add(_ field: ProxyField, _ text: [UInt8]) {
      if !text.isEmpty { header.add(field, unsafe text.span.bytes, into: &buffer) }
    }
    line.clear()
    line.appendConnection(
      startSeconds: shared.startSeconds, worker: index, sequence: pair.pointee.sequence)
    add(.uniqueID, line.bytes)
    add(.authority, pair.pointee.greeting?.serverName ?? [])
    if let facts = pair.pointee.secured?.facts {
      add(.alpn, Array((facts.applicationProtocol ?? "").utf8))
      let name = Array((facts.commonName ?? "").utf8)
      unsafe header.add(ProxySession(facts), commonName: name.span.bytes, into: &buffer)
    }
    add(.region, Array(context.regionNames[Int(attempt.region)].utf8))
    let model = reader.edition.model
    let place = model.places.place(of: pair.pointee.clientAddress.address.client).place
    if let country = model.places.places[place].country {
      add(.country, Array(country.description.utf8))
    }
    line.clear()
    line.appendDecision(edition: attempt.editionNumber, cohort: UInt64(attempt.decision.cohort))
    add(.decision, line.bytes)
    var path = pair.pointee.greeting?.path ?? RelayPath()
    if path.octets.isEmpty { _ = path.add(shared.node) }
    add(.path, path.octets)
    if attempt.epoch > 0 { header.add(.epoch, decimal: attempt.epoch, into: &buffer) }
  }
}
