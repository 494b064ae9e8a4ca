internal import PacketIO
internal import Synchronization

/// Which worker holds which place in each interface's group of sockets (``FanoutRow``), as all of them see it.
final class FanoutSeats: Sendable {
    private let rows: Mutex<[FanoutRow]>
    /// Each worker's, which is told when another one sat down or stood up.
    private let mailboxes: [EngineMailbox]

    /// Nobody sits anywhere yet.
    init(interfaces: Int, mailboxes: [EngineMailbox]) {
        rows = Mutex(Array(repeating: FanoutRow(workers: mailboxes.count), count: interfaces))
        self.mailboxes = mailboxes
    }

    /// See ``FanoutRow/turn(of:)``.
    func turn(of worker: Int, at slot: Int) -> FanoutRow.Turn? {
        rows.withLock { $0[slot].turn(of: worker) }
    }

    /// See ``FanoutRow/mustLeave(_:)``.
    func mustLeave(_ worker: Int, at slot: Int) -> Bool {
        rows.withLock { $0[slot].mustLeave(worker) }
    }

    /// See ``FanoutRow/admits(now:)``.
    func admits(at slot: Int) -> Bool {
        rows.withLock { $0[slot].admits(now: .now) }
    }

    /// See ``FanoutRow/take(_:_:in:now:)``.
    func take(_ worker: Int, at slot: Int, _ turn: FanoutRow.Turn, in group: FanoutGroup?) -> Bool {
        guard rows.withLock({ $0[slot].take(worker, turn, in: group, now: .now) }) else { return false }
        tell(allBut: worker)
        return true
    }

    /// See ``FanoutRow/leave(_:now:)``.
    func leave(_ worker: Int, at slot: Int) {
        if rows.withLock({ $0[slot].leave(worker, now: .now) }) { tell(allBut: worker) }
    }

    private func tell(allBut worker: Int) {
        for (number, mailbox) in mailboxes.enumerated() where number != worker { mailbox.leave(.tendSeats) }
    }
}
