import Answering
import CLinux
import Counters
import DNSWire
import Editions
import Glibc
import Places
import ProxyProtocol
import Sampling
import Synchronization
import Tapping

/// One thread with its socket.
final class UDPWorker {
  /// Datagrams of one batch: beyond 16 more gain next to nothing, and 64 ride out a burst.
  private static let batchCapacity: UInt32 = 64

  private let socket: UDPSocket
  private let isStopping: StopFlag
  private let parts: ResponderParts
  private let maximumUDPBytes: Int
  private let proxies: TrustedProxies
  /// Spares each packet the look at the list.
  private let hasProxies: Bool
  private let shard: CounterShard
  private let failures: CounterIndex
  private let droppedHeaders: CounterIndex

  init(
    socket: UDPSocket, isStopping: StopFlag, parts: ResponderParts, maximumUDPBytes: Int,
    proxies: TrustedProxies
  ) {
    self.socket = socket
    self.isStopping = isStopping
    self.parts = parts
    self.maximumUDPBytes = maximumUDPBytes
    self.proxies = proxies
    hasProxies = !proxies.isEmpty
    shard = parts.counters.makeShard()
    failures = parts.counters.index(
      of: CounterBoard.Series("azimuth_dns_receive_failures_total"))
    droppedHeaders = parts.counters.index(
      of: CounterBoard.Series(
        "azimuth_dns_dropped_total",
        labels: [.init("transport", "udp"), .init("reason", "proxy_header")]))
  }

  /// Starts the thread, which keeps the worker alive while it runs.
  ///
  /// - Returns: the thread, to be joined.
  consuming func start() throws(ListenFault) -> UInt64 {
    let address = socket.address
    let context = unsafe Unmanaged.passRetained(self)
    var thread: UInt64 = 0
    let result = unsafe az_thread_start(
      "azimuth-udp", { unsafe UDPWorker.body($0) }, context.toOpaque(), &thread)
    guard result == 0 else {
      unsafe context.release()
      throw ListenFault(address: address, reason: "no thread")
    }
    return thread
  }

  private static func body(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<UDPWorker>.fromOpaque(context).takeRetainedValue().run()
  }

  /// Buffers a little apart from a power of two, so that they do not meet in the same cache sets.
  private var stride: Int {
    let headerByteCount = hasProxies ? ProxyHeader.maximumByteCount : 0
    let lines = (headerByteCount + maximumUDPBytes + Responder.slackByteCount + 63) / 64
    return (lines | 1) * 64
  }

  private func run() {
    let stride = stride
    guard
      let batch = unsafe az_udp_batch_create(
        Self.batchCapacity, stride, stride - Responder.slackByteCount, socket.isWildcard ? 1 : 0)
    else { return }
    defer { unsafe az_udp_batch_destroy(batch) }
    var reader = EditionReader(parts.desk)
    var responder = parts.responder(.udp, shard: shard)
    var tap = parts.threadTap(.udp, shard: shard)
    var sampler = parts.threadSampler(shard: shard)
    // What comes before there is anything to say waits in the socket's queue, as it has waited
    // since whoever had the socket before ended.
    while !isStopping.flag.load(ordering: .relaxed) && !reader.edition.isReady {
      az_udp_pause()
      reader.refresh()
    }
    while !isStopping.flag.load(ordering: .relaxed) {
      let count = unsafe az_udp_receive(socket.descriptor, batch)
      reader.refresh()
      if count > 0 {
        unsafe answer(
          batch, count: UInt32(count), stride: stride, edition: reader.edition,
          responder: &responder, tap: &tap, sampler: &sampler)
        _ = unsafe az_udp_send(socket.descriptor, batch)
      } else if count != -EAGAIN && count != -EINTR {
        shard.add(to: failures)
        az_udp_pause()
      }
    }
  }

  private func answer(
    _ batch: UnsafeMutablePointer<az_udp_batch>, count: UInt32, stride: Int, edition: Edition,
    responder: inout Responder, tap: inout ThreadTap, sampler: inout ThreadSampler
  ) {
    let now = az_wall_clock_ns() / 1_000
    for slot in 0..<count {
      var source = unsafe SocketAddress(az_udp_source_of(batch, slot))
      if hasProxies, unsafe !takeHeader(batch, slot, source: &source) {
        unsafe az_udp_set_reply(batch, slot, 0)
        continue
      }
      let length = unsafe az_udp_length(batch, slot)
      // The slot's own bytes: the batch has `count` and more slots of `stride` bytes.
      let slotBytes = unsafe UnsafeMutableRawBufferPointer(
        start: az_udp_bytes(batch, slot), count: stride)
      var bytes = unsafe slotBytes.mutableBytes
      let isTapped = tap.takesNext()
      if isTapped { tap.takeQuery(bytes.bytes, byteCount: length) }
      let isSampled = sampler.takesNext()
      if isSampled {
        sampler.takeQuery(
          bytes.bytes, byteCount: length, from: source.address, edition: edition)
      }
      let disposal = responder.answer(
        &bytes, queryByteCount: length, source: source.address, nowMicroseconds: now,
        edition: edition)
      let replyByteCount =
        switch disposal {
        case .answer(let byteCount): byteCount
        case .silence: 0
        case .uncommon:
          answerUncommon(&bytes, queryByteCount: length, source: source, edition: edition)
        }
      if isTapped {
        unsafe tap.takeAnswer(
          bytes.bytes, byteCount: replyByteCount,
          from: source, at: server(batch, slot: slot))
      }
      if isSampled { sampler.finish(wasAnswered: replyByteCount > 0) }
      unsafe az_udp_set_reply(batch, slot, replyByteCount)
    }
  }

  /// If the datagram is a trusted proxy's, takes the header off and the client from it.
  ///
  /// - Returns: false if it has none, or a damaged one: nobody is to be answered.
  @inline(never)
  private func takeHeader(
    _ batch: UnsafeMutablePointer<az_udp_batch>, _ slot: UInt32, source: inout SocketAddress
  ) -> Bool {
    guard proxies.contains(source.address) else { return true }
    let datagram = unsafe UnsafeRawBufferPointer(
      start: az_udp_bytes(batch, slot), count: az_udp_length(batch, slot))
    do throws(ProxyHeaderFault) {
      let header = try unsafe ProxyHeader.decode(datagram: datagram.bytes)
      // Within the datagram, or the header would not have been whole.
      unsafe az_udp_drop_front(batch, slot, header.byteCount)
      if let ends = header.ends { source = ends.source }
      return true
    } catch {
      shard.add(to: droppedHeaders)
      return false
    }
  }

  /// Which of our addresses was asked, if it is known.
  private func server(
    _ batch: UnsafeMutablePointer<az_udp_batch>, slot: UInt32
  ) -> SocketAddress? {
    guard socket.isWildcard else {
      return SocketAddress(address: socket.address.address, port: socket.port)
    }
    var destination = az_udp_source()
    guard unsafe az_udp_destination(batch, slot, &destination) != 0 else { return nil }
    destination.port = socket.port
    return SocketAddress(destination)
  }

  /// Off the road: allocates.
  ///
  /// - Returns: the length of the answer in the buffer; 0: there is none, or none that fits.
  @inline(never)
  private func answerUncommon(
    _ bytes: inout MutableRawSpan, queryByteCount: Int, source: SocketAddress, edition: Edition
  ) -> Int {
    let message = (0..<queryByteCount).map { bytes.bytes.byte(at: $0) }
    let answers = parts.uncommon?.answers(
      to: message, from: source, over: .udp, edition: edition)
    guard let answer = answers?.next(),
      answer.count <= min(maximumUDPBytes, bytes.byteCount - Responder.slackByteCount)
    else { return 0 }
    for (offset, byte) in answer.enumerated() {
      bytes.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }
    return answer.count
  }
}

extension SocketAddress {
  fileprivate init(_ source: az_udp_source) {
    self.init(
      address: source.is_ipv6 != 0
        ? .ipv6(UInt128(source.high) << 64 | UInt128(source.low))
        : .ipv4(UInt32(truncatingIfNeeded: source.low)),
      port: source.port)
  }
}
