import Engine
import FoundationEssentials

/// What is asked of etcd's JSON gateway: protobuf's JSON, in which bytes are base64 and integers of
/// 64 bits are strings.
package enum GatewayQuestion {
  struct Range: Encodable {
    var key: Data
    var rangeEnd: Data
    var serializable: Bool

    init(prefix: String, consistency: StoreConsistency) {
      key = Data(prefix.utf8)
      rangeEnd = Data(GatewayQuestion.end(ofPrefix: prefix))
      serializable = consistency == .serializable
    }

    enum CodingKeys: String, CodingKey {
      case key, serializable
      case rangeEnd = "range_end"
    }
  }

  struct Watch: Encodable {
    struct Create: Encodable {
      var key: Data
      var rangeEnd: Data
      var startRevision: String
      var progressNotify = true

      enum CodingKeys: String, CodingKey {
        case key
        case rangeEnd = "range_end"
        case startRevision = "start_revision"
        case progressNotify = "progress_notify"
      }
    }
    var create: Create

    init(prefix: String, from revision: Int64) {
      create = Create(
        key: Data(prefix.utf8), rangeEnd: Data(GatewayQuestion.end(ofPrefix: prefix)),
        startRevision: String(revision))
    }

    enum CodingKeys: String, CodingKey { case create = "create_request" }
  }

  struct Transaction: Encodable {
    struct Compare: Encodable {
      var key: Data
      var target = "MOD"
      var result = "EQUAL"
      var revision: String

      enum CodingKeys: String, CodingKey {
        case key, target, result
        case revision = "mod_revision"
      }
    }
    struct Operation: Encodable {
      struct Key: Encodable { var key: Data }
      struct Put: Encodable {
        var key: Data
        var value: Data
        var lease: String
      }
      var put: Put?
      var delete: Key?
      var range: Key?

      enum CodingKeys: String, CodingKey {
        case put = "request_put"
        case delete = "request_delete_range"
        case range = "request_range"
      }
    }
    var compare: [Compare]
    var success: [Operation]
    /// Says what stands there instead.
    var failure: [Operation]

    init(_ transaction: StoreTransaction) {
      let expected = transaction.expected.sorted { $0.key < $1.key }
      compare = expected.map { Compare(key: Data($0.key.utf8), revision: String($0.value)) }
      failure = expected.map { Operation(range: .init(key: Data($0.key.utf8))) }
      success = transaction.writes.map { write in
        switch write {
        case .put(let key, let value, let lease):
          Operation(
            put: .init(key: Data(key.utf8), value: Data(value), lease: String(lease)))
        case .delete(let key): Operation(delete: .init(key: Data(key.utf8)))
        }
      }
    }
  }

  struct Lease: Encodable {
    var id: String?
    var seconds: String?

    enum CodingKeys: String, CodingKey {
      case id = "ID"
      case seconds = "TTL"
    }
  }

  struct Authentication: Encodable {
    var name: String
    var password: String
  }

  /// The first key after all that begin with the prefix; a single zero where there is none.
  package static func end(ofPrefix prefix: String) -> [UInt8] {
    var end = Array(prefix.utf8)
    while let last = end.popLast() {
      if last < 0xFF { return end + [last + 1] }
    }
    return [0]
  }
}
