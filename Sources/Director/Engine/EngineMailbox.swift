internal import Forwarding
internal import PacketIO
internal import Synchronization

/// What others want of the engine's thread, in order: left by any thread, taken by the engine between packets.
final class EngineMailbox: Sendable {
    /// One wish. What it carries is called on the engine's thread once it is fulfilled, and must not wait.
    enum Command: Sendable {
        /// Make these the services.
        case apply([ServicePlan], done: @Sendable () -> Void)
        /// Make these the rules of source NAT.
        case applyOutbound([Outbound.Rule], done: @Sendable () -> Void)
        /// Tell what there is.
        case snapshot(tell: @Sendable (EngineSnapshot) -> Void)
        /// Tell the next slice of the flows, from there on.
        case list(from: ListingPlace, tell: @Sendable (FlowSlice) -> Void)
        /// Look where the other workers sit: one sat down, or stood up.
        case tendSeats
        /// End.
        case stop
    }

    private enum Box {
        case open([Command])
        /// The engine is gone; this is the last that it knew.
        case closed(EngineSnapshot)
    }

    let wakeUp: WakeUp
    private let box = Mutex(Box.open([]))

    init() throws(PacketIOError) {
        wakeUp = try WakeUp()
    }

    /// Leaves a wish. Once the engine has stopped there is nothing to wait for: it is fulfilled at once, as far as it can be.
    func leave(_ command: Command) {
        let last = box.withLock { box -> EngineSnapshot? in
            switch box {
            case .open(let commands):
                box = .open(commands + [command])
                return nil
            case .closed(let last):
                return last
            }
        }
        if let last { Self.dismiss(command, last) } else { wakeUp.signal() }
    }

    /// Everything left since the last time; allocates nothing where that is nothing.
    func take() -> [Command] {
        box.withLock { box in
            guard case .open(let commands) = box, !commands.isEmpty else { return [] }
            box = .open([])
            return commands
        }
    }

    /// Nothing is taken any more: what was left, and what will be, gets this for an answer.
    func close(_ last: EngineSnapshot) {
        let commands = box.withLock { box -> [Command] in
            defer { box = .closed(last) }
            return if case .open(let commands) = box { commands } else { [] }
        }
        for command in commands { Self.dismiss(command, last) }
    }

    private static func dismiss(_ command: Command, _ last: EngineSnapshot) {
        switch command {
        case .apply(_, let done), .applyOutbound(_, let done): done()
        case .snapshot(let tell): tell(last)
        case .list(_, let tell): tell(FlowSlice(found: [], next: nil))
        case .tendSeats, .stop: break
        }
    }
}
