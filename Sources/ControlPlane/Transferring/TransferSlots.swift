import Places
import Synchronization

/// How many transfers run out at one time, in all and to one address.
final class TransferSlots: Sendable {
  private let running = Mutex<[IPAddress: Int]>([:])

  /// A transfer's place, given back when nobody holds it any more.
  final class Slot: Sendable {
    private let slots: TransferSlots
    private let client: IPAddress

    fileprivate init(slots: TransferSlots, client: IPAddress) {
      self.slots = slots
      self.client = client
    }

    deinit { slots.giveBack(client) }
  }

  /// nil: there are too many.
  func take(_ client: IPAddress, most: Int, mostToClient: Int) -> Slot? {
    let isTaken = running.withLock { running in
      guard running.values.reduce(0, +) < most, running[client, default: 0] < mostToClient else {
        return false
      }
      running[client, default: 0] += 1
      return true
    }
    return isTaken ? Slot(slots: self, client: client) : nil
  }

  private func giveBack(_ client: IPAddress) {
    running.withLock { running in
      guard let count = running[client] else { return }
      running[client] = count == 1 ? nil : count - 1
    }
  }
}
