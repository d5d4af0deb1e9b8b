package import Engine
import FoundationEssentials

/// What etcd's JSON gateway says. Fields that are zero, false or empty are left out, so whatever is
/// missing has its default (etcd 3.4: `"succeeded"` is there or is false).
package enum GatewayAnswer {
  /// An integer as a string. Numbers are taken too: they are as clear.
  struct Integer<Value: FixedWidthInteger & Decodable & Sendable>: Decodable, Sendable {
    var value: Value

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        guard let value = Value(text) else {
          throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "\"\(text.prefix(40))\" is no integer of its size")
        }
        self.value = value
      } else {
        value = try container.decode(Value.self)
      }
    }
  }

  struct Header: Decodable {
    var clusterID: Integer<UInt64>?
    var revision: Integer<Int64>?

    enum CodingKeys: String, CodingKey {
      case revision
      case clusterID = "cluster_id"
    }
  }

  struct KeyValue: Decodable {
    var key: Data?
    var value: Data?
    var revision: Integer<Int64>?

    enum CodingKeys: String, CodingKey {
      case key, value
      case revision = "mod_revision"
    }

    /// nil: a key that is no text is none of ours.
    var name: String? { String(validating: key ?? Data(), as: UTF8.self) }

    var entry: StoreEntry {
      StoreEntry(value: Array(value ?? Data()), revision: revision?.value ?? 0)
    }
  }

  package struct Range: Decodable {
    var header: Header?
    var kvs: [KeyValue]?

    var entries: [String: StoreEntry] {
      Dictionary(
        (kvs ?? []).compactMap { kv in kv.name.map { ($0, kv.entry) } }, uniquingKeysWith: { $1 })
    }

    package func picture(_ consistency: StoreConsistency) -> StorePicture {
      StorePicture(
        clusterID: header?.clusterID?.value ?? 0, revision: header?.revision?.value ?? 0,
        entries: entries, isVerified: consistency == .linearizable)
    }
  }

  package struct Transaction: Decodable {
    struct Response: Decodable {
      var range: Range?
      enum CodingKeys: String, CodingKey { case range = "response_range" }
    }
    var header: Header?
    var succeeded: Bool?
    var responses: [Response]?

    package var outcome: StoreOutcome {
      if succeeded == true { return .committed(header?.revision?.value ?? 0) }
      let found = (responses ?? []).compactMap(\.range?.entries)
      return .lost(found.reduce(into: [:]) { $0.merge($1) { $1 } })
    }
  }

  struct Lease: Decodable {
    var id: Integer<Int64>?
    var seconds: Integer<Int64>?

    enum CodingKeys: String, CodingKey {
      case id = "ID"
      case seconds = "TTL"
    }
  }

  struct Authentication: Decodable { var token: String? }

  /// A line of an answer that is a stream: even under the status 200 it may be a fault.
  struct Line<Result: Decodable>: Decodable {
    var result: Result?
    var error: Problem?
  }

  struct Watch: Decodable {
    struct Event: Decodable {
      var type: String?
      var kv: KeyValue?
    }
    var header: Header?
    var created: Bool?
    var canceled: Bool?
    var compacted: Integer<Int64>?
    var reason: String?
    var events: [Event]?

    enum CodingKeys: String, CodingKey {
      case header, created, canceled, events
      case compacted = "compact_revision"
      case reason = "cancel_reason"
    }

    var frame: WatchFrame {
      WatchFrame(
        clusterID: header?.clusterID?.value ?? 0, revision: header?.revision?.value ?? 0,
        content: content)
    }

    /// A frame can be both created and canceled: of a watch that may not be.
    private var content: WatchFrame.Content {
      if canceled == true {
        return .canceled(compacted: compacted?.value ?? 0, reason: reason ?? "")
      }
      if created == true { return .created }
      let changes = (events ?? []).compactMap { event -> StoreChange? in
        guard let kv = event.kv, let name = kv.name else { return nil }
        let entry = kv.entry
        return StoreChange(
          key: name, value: event.type == "DELETE" ? nil : entry.value, revision: entry.revision)
      }
      return events?.isEmpty == false ? .changes(changes) : .progress
    }
  }

  /// A fault, as an answer with a status (`code`) or as a line of a stream (`grpc_code`).
  struct Problem: Decodable {
    var code: Int?
    var streamCode: Int?
    var message: String?
    var error: String?

    enum CodingKeys: String, CodingKey {
      case code, message, error
      case streamCode = "grpc_code"
    }

    /// - Parameter status: of HTTP, for want of a code.
    func fault(status: Int) -> StoreFault {
      let reason = message ?? error ?? "status \(status)"
      if reason.contains("requested lease not found") { return .leaseEnded }
      // The codes of gRPC.
      switch code ?? streamCode {
      case 16: return .unauthenticated(reason)
      case 7: return .forbidden(reason)
      // Cancelled, deadline exceeded, resource exhausted, aborted, unavailable.
      case 1, 4, 8, 10, 14: return .unavailable(reason)
      // Users are asked for, and the question had none.
      case 3 where reason.contains("user name is empty"): return .unauthenticated(reason)
      // What went wrong inside a member need not in another.
      case 2, 13: return .unavailable(reason)
      default: return status >= 500 ? .unavailable(reason) : .refused(reason)
      }
    }
  }
}

/// - Throws: `malformed`.
package func decoded<Answer: Decodable>(
  _ type: Answer.Type, from bytes: some Sequence<UInt8>
) throws(StoreFault) -> Answer {
  do {
    return try JSONDecoder().decode(type, from: Data(bytes))
  } catch {
    throw .malformed("\(error)")
  }
}

/// What an answer with another status than 200 says.
package func fault(status: Int, body: some Sequence<UInt8>) -> StoreFault {
  let problem = try? JSONDecoder().decode(GatewayAnswer.Problem.self, from: Data(body))
  return (problem ?? GatewayAnswer.Problem()).fault(status: status)
}

/// A line of a watch.
package func watchFrame(_ line: some Sequence<UInt8>) throws(StoreFault) -> WatchFrame {
  let line = try decoded(GatewayAnswer.Line<GatewayAnswer.Watch>.self, from: line)
  if let problem = line.error { throw problem.fault(status: 200) }
  guard let result = line.result else { throw .malformed("neither a result nor an error") }
  return result.frame
}
