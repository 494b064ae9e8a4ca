internal import PacketIO
internal import Synchronization

/// Which worker holds which place in each interface's group of sockets.
///
/// The kernel numbers a group's members in the order in which they came, and which of them gets a client's packets goes by that
/// number: so that clients keep their worker when an interface was lost and is back, the workers sit down in order, and stand up
/// once one in front of them has.
final class FanoutSeats: Sendable {
    /// The places at one interface.
    private struct Row {
        var group: FanoutGroup?
        var isTaken: [Bool]
    }

    private let rows: Mutex<[Row]>

    /// Nobody sits anywhere yet.
    init(interfaces: Int, workers: Int) {
        rows = Mutex(Array(repeating: Row(isTaken: Array(repeating: false, count: workers)), count: interfaces))
    }

    /// Whether a worker may sit down: everybody in front of it sits, and nobody behind it does.
    func isTurn(of worker: Int, at slot: Int) -> Bool {
        rows.withLock { rows in
            rows[slot].isTaken[..<worker].allSatisfy { $0 } && !rows[slot].isTaken[worker...].contains(true)
        }
    }

    /// Whether a worker has to stand up, as somebody in front of it has.
    func mustLeave(_ worker: Int, at slot: Int) -> Bool {
        rows.withLock { rows in rows[slot].isTaken[..<worker].contains(false) }
    }

    /// The group that those who sit are members of; nil: nobody does.
    func group(at slot: Int) -> FanoutGroup? {
        rows.withLock { rows in rows[slot].group }
    }

    /// A worker sits down, as a member of this group.
    func take(_ worker: Int, at slot: Int, in group: FanoutGroup?) {
        rows.withLock { rows in
            rows[slot].isTaken[worker] = true
            rows[slot].group = group
        }
    }

    /// A worker has stood up.
    func leave(_ worker: Int, at slot: Int) {
        rows.withLock { rows in
            rows[slot].isTaken[worker] = false
            // A group ends with its last member.
            if !rows[slot].isTaken.contains(true) { rows[slot].group = nil }
        }
    }
}
