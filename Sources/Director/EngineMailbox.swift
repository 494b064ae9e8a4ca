internal import PacketIO
internal import Synchronization

/// What others want of the engine's thread, in order: left by any thread, taken by the engine between packets.
final class EngineMailbox: Sendable {
    /// One wish; the continuation is resumed once it is fulfilled.
    enum Command: Sendable {
        /// Make these the services.
        case apply([ServicePlan], CheckedContinuation<Void, Never>)
        /// Tell what there is.
        case snapshot(CheckedContinuation<EngineSnapshot, Never>)
        /// End.
        case stop
    }

    let wakeUp: WakeUp
    private let commands = Mutex<[Command]>([])

    init() throws(PacketIOError) {
        wakeUp = try WakeUp()
    }

    func leave(_ command: Command) {
        commands.withLock { $0.append(command) }
        wakeUp.signal()
    }

    /// Everything left since the last time; allocates nothing where that is nothing.
    func take() -> [Command] {
        commands.withLock { commands in
            guard !commands.isEmpty else { return [] }
            defer { commands = [] }
            return commands
        }
    }
}
