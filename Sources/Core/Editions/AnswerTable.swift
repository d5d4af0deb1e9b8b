public import DNSWire
import Places
import Routing

/// The precompiled answer sections of steered names: for each outcome of each service the records
/// of each steered type, ready to copy behind a question at offset 12.
///
///     record   C0 0C | type | class IN | TTL | length | data
///
/// The address hints of service bindings are made of the same addresses as the A and AAAA records
/// of the outcome, so that they cannot say anything else (RFC 9460 §7.3).
public struct AnswerTable: Sendable {
  /// By outcome × ``Slot/count`` + slot.
  @usableFromInline let entries: [Entry]
  /// The records of all entries.
  public let bytes: [UInt8]

  /// The steered types. A service that answers with a CNAME has it in all of them.
  public struct Slot: Sendable, Hashable, BitwiseCopyable {
    @usableFromInline let index: Int

    public static let a = Slot(.a)
    public static let aaaa = Slot(.aaaa)
    public static let https = Slot(.https)
    public static let svcb = Slot(.svcb)
    /// By index.
    static let all = [aaaa, a, svcb, https]
    @usableFromInline static var count: Int { 4 }

    /// Two bits that tell the four types apart without a branch: 28 → 0, 1 → 1, 64 → 2, 65 → 3.
    ///
    /// - Parameter type: one that is steered; any other where every type gets the same.
    @inlinable
    public init(_ type: RecordType) {
      index = Int(type.rawValue & 1 | type.rawValue >> 5 & 2)
    }
  }

  public struct Entry: Sendable, Equatable, BitwiseCopyable {
    /// Into ``AnswerTable/bytes``.
    public var offset: UInt32
    public var byteCount: UInt16
    public var recordCount: UInt16
    /// The answer is SERVFAIL. Else it is the records, or no data if there are none.
    public var isFailure: Bool
    /// No data, whoever asks and whatever is decided: the service never has this type.
    public var isForEveryone: Bool
    /// Why the answer is not what it should be; nil: it is.
    public var extendedError: ExtendedError?
  }

  /// - Parameter outcome: as `Decision/outcome` says it.
  @inlinable
  public func entry(outcome: Int, slot: Slot) -> Entry {
    entries[outcome &* Slot.count &+ slot.index]
  }

  init(
    model: RoutingModel, board: HealthBoard, sets: [VerdictSet], resolved: ResolvedNames = .none
  ) {
    var builder = AnswerBuilder()
    for (service, set) in zip(model.services, sets) {
      for outcome in set.outcomes {
        let answer = OutcomeAnswer(
          outcome, service: service, model: model, board: board, resolved: resolved)
        for slot in Slot.all {
          builder.append(answer.records(in: slot), as: answer.standing(in: slot))
        }
      }
    }
    entries = builder.entries
    bytes = builder.bytes
  }
}

private struct AnswerBuilder {
  var entries: [AnswerTable.Entry] = []
  var bytes: [UInt8] = []

  mutating func append(
    _ records: [SteeredRecord], as standing: OutcomeAnswer.Standing
  ) {
    let offset = bytes.count
    for record in records { bytes += record.bytes }
    entries.append(
      AnswerTable.Entry(
        offset: UInt32(offset), byteCount: UInt16(bytes.count - offset),
        recordCount: UInt16(records.count), isFailure: standing.isFailure,
        isForEveryone: standing.isForEveryone, extendedError: standing.extendedError))
  }
}

/// The endpoints to use of a region, standbys only where there is nothing else: those of the best
/// standing, or, ignoring health, all that no operator took out.
func usableEndpoints(
  of candidates: [Int], model: RoutingModel, board: HealthBoard, ignoringHealth: Bool
) -> [Int] {
  let eligible = candidates.filter { board.conditions[$0].standing < .removed }
  let best = eligible.map { board.conditions[$0].standing }.min()
  let usable =
    ignoringHealth ? eligible : eligible.filter { board.conditions[$0].standing == best }
  let active = usable.filter { model.endpoints[$0].weight > 0 }
  return active.isEmpty ? usable : active
}
