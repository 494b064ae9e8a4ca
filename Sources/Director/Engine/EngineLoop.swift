internal import Forwarding
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO

/// The engine's thread: frames in, verdicts, frames out; between batches ARP and Neighbor Discovery, timers and what others want. Everything here
/// belongs to that thread once `run()` is called. Nothing is allocated per forwarded packet.
final class EngineLoop {
    /// How often timers are looked at, in milliseconds.
    private static let tick = 100
    /// How many batches are taken from one interface before the others and the mailbox get their turn.
    private static let batchesInTurn = 16
    /// How many expired flows are forgotten in one tick at most.
    private static let expiryBudget = 10_000
    /// How long a lost interface is left alone before it is tried again, in milliseconds.
    static let reopenInterval = 250
    /// How often the way to servers that have none is looked for, in milliseconds.
    private static let wayInterval = 5000

    /// With the VIPs and servers of the latest plans.
    var settings: EngineSettings
    /// Which of `settings.workers` this is. The first one alone answers for the VIPs and keeps the packet filter.
    let worker: Int
    /// Where the workers sit; nil: there is one only.
    let seats: FanoutSeats?
    let mailbox: EngineMailbox
    let report: @Sendable (EngineEvent) -> Void
    var ports: [EnginePort]
    var forwarder: Forwarder
    var plans: [ServicePlan] = []
    /// Whether what is known of the servers has changed since the forwarder was told.
    var isPlanStale = false
    var pollSet: PollSet
    /// Frames for a lost interface, frames cut short, and answers withheld: not the forwarder's to count.
    var undeliverable: UInt64 = 0
    var truncated: UInt64 = 0
    /// Frames too long for a tunnel that could not be cut.
    var unsplittable: UInt64 = 0
    private var answers: TokenBucket
    let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(ICMPError.longestFrame, NeighborMessage.longestFrame), alignment: 8)
    /// Where frames are cut into pieces.
    private let pieces = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 8)
    var random = SystemRandomNumberGenerator()
    private var nextTick = Ticks(milliseconds: 0)
    private var nextWays = Ticks(milliseconds: UInt64(wayInterval))
    private var isStopping = false
    private let origin = SuspendingClock.now

    /// Puts the packet filter in force and opens what is up of the interfaces; what is down is waited for.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    ///
    /// - Parameter loads: what the workers tell each other of their servers' connections.
    init(
        _ settings: EngineSettings, worker: Int = 0, seats: FanoutSeats? = nil, loads: LoadBook, mailbox: EngineMailbox,
        report: @escaping @Sendable (EngineEvent) -> Void
    ) throws(DirectorError) {
        self.settings = settings
        self.settings.ownsVIPs = settings.ownsVIPs && worker == 0
        self.worker = worker
        self.seats = seats
        self.mailbox = mailbox
        self.report = report
        answers = TokenBucket(
            rate: max(1, EngineSettings.answerRate / settings.workers), burst: EngineSettings.answerBurst)
        ports = settings.interfaces.enumerated().map { EnginePort(name: $1, slot: $0) }
        forwarder = Forwarder(
            flowCapacity: (settings.flowCapacity + settings.workers - 1) / settings.workers,
            seed: .random(in: 0 ... .max), timeouts: settings.timeouts, loads: loads)
        // Two for each interface: packets, and notices.
        pollSet = PollSet(slots: 2 * settings.interfaces.count, wakeUp: mailbox.wakeUp)
        // 1. The filter first: from the first frame taken on, the host's own stack must not see it.
        try installFilter(on: settings.interfaces)
        // 2. The sockets. Whatever else fails, the filter goes again.
        do {
            for port in ports { try open(port, isFirst: true) }
        } catch {
            try? removeFilter()
            throw error
        }
    }

    deinit {
        scratch.deallocate()
        pieces.deallocate()
    }

    /// Forwards until told to stop.
    func run() {
        while !isStopping {
            pollSet.wait(milliseconds: Self.tick)
            for command in mailbox.take() { obey(command) }
            for port in ports {
                if pollSet.hasFailed(slot: port.slot) || pollSet.hasFailed(slot: ports.count + port.slot),
                    let failure = port.failure()
                {
                    lose(port, failure)
                }
                receive(on: port)
            }
            let now = self.now()
            if now >= nextTick {
                nextTick = now + Self.tick
                advance(to: now)
            }
            if isPlanStale { applyPlans() }
        }
        let last = snapshot()
        for port in ports { close(port) }
        mailbox.close(last)
    }

    /// CLOCK_MONOTONIC, from when the engine was made.
    func now() -> Ticks {
        let (seconds, attoseconds) = (SuspendingClock.now - origin).components
        return Ticks(milliseconds: UInt64(seconds) &* 1000 &+ UInt64(attoseconds) / 1_000_000_000_000_000)
    }

    private func obey(_ command: EngineMailbox.Command) {
        switch command {
        case .apply(let plans, let done):
            self.plans = plans
            takeTargets()
            applyPlans()
            done()
        case .snapshot(let tell):
            tell(snapshot())
        case .list(let place, let tell):
            tell(slice(from: place))
        case .stop:
            isStopping = true
        }
    }

    private func advance(to now: Ticks) {
        forwarder.expire(now: now, budget: Self.expiryBudget)
        for port in ports {
            guard port.socket != nil else {
                if now >= port.retry { reopen(port) }
                continue
            }
            if seats?.mustLeave(worker, at: port.slot) == true {
                lose(port, PacketIOError(operation: "share", interface: port.name, cause: .interfaceDown))
                continue
            }
            for index in port.vips.indices { obey(port.vips[index].advance(to: now, using: &random), on: port) }
            if let actions = port.neighbors?.advance(to: now) { obey(actions, on: port) }
        }
        guard now >= nextWays else { return }
        nextWays = now + Self.wayInterval
        findMissingWays(now: now)
    }
}

// Packets.
extension EngineLoop {
    private func receive(on port: EnginePort) {
        var turns = Self.batchesInTurn
        while turns > 0, var batch = port.receive() {
            turns -= 1
            let now = self.now()
            while let frame = batch.nextFrame() { receive(frame, on: port, now: now) }
            // Frames queued lie in the batch: send them all before giving it back.
            for other in ports { other.flush() }
            port.release(batch)
        }
        // More may be waiting than one turn takes: come back at once instead of waiting for the next block.
        if turns == 0 { mailbox.wakeUp.signal() }
    }

    @inline(__always)
    private func receive(_ frame: ReceivedFrame, on port: EnginePort, now: Ticks) {
        // A tagged frame is for the VLAN's own interface. What a switch flooded to us is on its way already.
        guard frame.vlan == nil, frame.destination != .other, frame.bytes.count >= 14 else { return }
        guard !frame.isTruncated else {
            truncated &+= 1
            return
        }
        if NeighborMessage.isCarried(by: UnsafeRawBufferPointer(frame.bytes)) {
            if let message = NeighborMessage(frame: UnsafeRawBufferPointer(frame.bytes)) {
                receive(message, on: port, now: now)
            }
            return
        }
        guard frame.destination == .host else { return }
        var packet = Frame(
            bytes: frame.bytes, headroom: ReceivedFrame.headroom, isPartial: frame.header.needsChecksum,
            segmentSize: frame.header.isSuperPacket ? Int(frame.header.segmentSize) : 0, ingress: port.slot)
        let verdict = forwarder.forward(&packet, now: now)
        if case .split(let limit) = verdict {
            split(packet, limit: limit, at: 0, now: now)
        } else {
            obey(verdict, about: packet, frame.header.grown(by: ReceivedFrame.headroom - packet.headroom), now: now)
        }
    }

    /// Does what the forwarder says of a frame that is still in the ring, or in `pieces`.
    @inline(__always)
    private func obey(_ verdict: Verdict, about packet: Frame, _ header: VirtioNetHeader, now: Ticks) {
        switch verdict {
        case .notOurs, .drop, .split: break
        case .transmit(let egress):
            if !ports[egress].transmit(packet.bytes, header) { undeliverable &+= 1 }
        case .unreachable: answer(.portUnreachable, about: packet, now: now)
        case .timeExceeded: answer(.timeExceeded, about: packet, now: now)
        case .tooBig(let mtu): answer(.tooBig(mtu: mtu), about: packet, now: now)
        case .tunnelError:
            guard answers.take(now: now), let told = forwarder.explain(packet, into: scratch, now: now) else { return }
            transmit(length: told.length, on: ports[told.egress])
        }
    }

    /// Cuts a frame into pieces behind `offset` in their buffer, which lie there until they are sent, and has each judged.
    private func split(_ packet: Frame, limit: Int, at offset: Int, now: Ticks) {
        guard var splitter = Splitter(packet, limit: limit) else {
            unsplittable &+= 1
            return
        }
        var place = offset
        while true {
            if place + splitter.bufferLength > pieces.count {
                // Full: send what is there. Pieces of a piece lie behind it, and have no more room than that.
                for port in ports { port.flush() }
                guard offset == 0, splitter.bufferLength <= pieces.count else {
                    unsplittable &+= 1
                    return
                }
                place = 0
            }
            guard var piece = splitter.next(into: UnsafeMutableRawBufferPointer(rebasing: pieces[place...])) else {
                break
            }
            place += (splitter.bufferLength + 7) & ~7
            let verdict = forwarder.forward(&piece, now: now)
            if case .split(let limit) = verdict, offset == 0 {
                split(piece, limit: limit, at: place, now: now)
                // What it was cut into lies where the next piece goes.
                for port in ports { port.flush() }
            } else {
                obey(verdict, about: piece, .none, now: now)
            }
        }
        // The buffer is used again for the next frame.
        if offset == 0 { for port in ports { port.flush() } }
    }

    private func answer(_ error: ICMPError, about packet: Frame, now: Ticks) {
        guard answers.take(now: now),
            let length = error.write(about: UnsafeRawBufferPointer(packet.bytes), into: scratch)
        else { return }
        transmit(length: length, on: ports[packet.ingress])
    }

    /// Sends what is in the scratch buffer, now: it is used again.
    func transmit(length: Int, on port: EnginePort) {
        _ = port.transmit(UnsafeMutableRawBufferPointer(rebasing: scratch[..<length]), .none)
        port.flush()
    }
}
