internal import Forwarding
internal import PacketIO

// Where there are several workers: who takes which packets, and when.
extension EngineLoop {
    /// How long an interface that is there but could not be taken into use is left alone, in milliseconds.
    private static let failureInterval = 1000

    /// Opens the sockets that take this worker's share of an interface's packets, and what concerns all. Packets are taken once the other
    /// workers have taken their places: until then the kernel would give some to those whose clients they do not come from.
    ///
    /// - Returns: nil where it is another worker's turn, or has become so.
    func takeSeat(
        _ seats: FanoutSeats, on port: EnginePort
    ) throws(PacketIOError) -> EnginePort.Sockets? {
        guard let turn = seats.turn(of: worker, at: port.slot) else { return nil }
        let share = try PacketSocket(interface: port.name, ring: settings.ring, taking: .share(of: turn.group))
        let notices = try PacketSocket(interface: port.name, ring: .small, taking: .notices)
        if worker == 0 { try share.steer(by: settings.steering) }
        guard seats.take(worker, at: port.slot, turn, in: share.group) else { return nil }
        return EnginePort.Sockets(packets: share, notices: notices)
    }

    /// Looks after every interface's place: whether it is to be taken, or to be given up, and whether packets are taken.
    func tendSeats() {
        for port in ports { if port.socket == nil { reopenInTime(port) } else { tendSeat(at: port) } }
    }

    /// Gives the place up behind one that was given up, or takes packets as long as all places are taken.
    func tendSeat(at port: EnginePort) {
        guard let seats else { return }
        if seats.mustLeave(worker, at: port.slot) {
            lose(port, PacketIOError(operation: "share", interface: port.name, cause: .interfaceDown))
            return
        }
        do throws(PacketIOError) {
            try port.admit(seats.admits(at: port.slot))
        } catch {
            lose(port, error)
        }
    }

    /// Tries a lost interface again, unless it is too early.
    func reopenInTime(_ port: EnginePort) {
        if now() >= port.retry { reopen(port) }
    }

    /// Notes that an interface is there and could not be taken into use; it is told once, and tried again.
    func noteFault(_ error: DirectorError, of port: EnginePort) {
        close(port)
        port.retry = now() + Self.failureInterval
        let isNew = port.fault == nil
        let fault = settings.workers > 1 ? "worker \(worker + 1) of \(settings.workers): \(error)" : "\(error)"
        port.fault = fault
        if isNew { report(.unusable(interface: port.name, worker: worker, reason: fault)) }
    }
}
