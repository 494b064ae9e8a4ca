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
    static let batchesInTurn = 16
    /// How many expired flows are forgotten in one tick at most.
    private static let expiryBudget = 10_000
    /// How long a lost interface is left alone before it is tried again, in milliseconds.
    static let reopenInterval = 250
    /// How long a packet filter that could not be put in force is left alone, in milliseconds.
    static let filterInterval = 1000
    /// How often the way to servers that have none is looked for, in milliseconds.
    private static let wayInterval = 5000
    /// The same while IPv6 finds out whether an address of ours is somebody else's (RFC 4862 §5.4), which takes a second or two.
    private static let tentativeInterval = 500

    /// With the VIPs and servers of the latest plans.
    var settings: EngineSettings
    /// Which of `settings.workers` this is. The first one alone answers for the VIPs and keeps the packet filter.
    let worker: Int
    /// Where the workers sit; nil: there is one only.
    let seats: FanoutSeats?
    let mailbox: EngineMailbox
    let report: @Sendable (EngineEvent) -> Void
    var ports: [EnginePort]
    var path: PacketPath
    var plans: [ServicePlan] = []
    /// How the host reaches the networks there are, and its own addresses: read where there is source NAT.
    var ways = NetworkWays()
    /// What the director before this one remembered, until it is taken over.
    var savedFlows: [UInt8]?
    /// Whether what is known of the servers has changed since the forwarder was told.
    var isPlanStale = false
    /// When to try again to put the packet filter in force; nil: it is.
    var filterRetry: Ticks?
    var pollSet: PollSet
    /// Frames cut short by the ring.
    var truncated: UInt64 = 0
    /// The frames that are being judged.
    var group = FrameGroup()
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: NeighborMessage.longestFrame, alignment: 8)
    var random = SystemRandomNumberGenerator()
    private var nextTick = Ticks(milliseconds: 0)
    private var lastWays = Ticks(milliseconds: 0)
    private var isStopping = false
    private let origin = SuspendingClock.now

    /// Puts the packet filter in force and opens what is up of the interfaces; what is down is waited for.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    ///
    /// - Parameter loads: what the workers tell each other of their servers' connections.
    init(
        _ settings: EngineSettings, worker: Int, seats: FanoutSeats?, loads: LoadBook, resuming savedFlows: [UInt8]?,
        mailbox: EngineMailbox, report: @escaping @Sendable (EngineEvent) -> Void
    ) throws(DirectorError) {
        self.settings = settings
        self.settings.ownsVIPs = settings.ownsVIPs && worker == 0
        self.worker = worker
        self.seats = seats
        self.savedFlows = savedFlows
        self.mailbox = mailbox
        self.report = report
        ports = settings.interfaces.enumerated().map { EnginePort(name: $1, slot: $0) }
        path = PacketPath(
            Forwarder(
                flowCapacity: (settings.flowCapacity + settings.workers - 1) / settings.workers,
                seed: .random(in: 0 ... .max), timeouts: settings.timeouts, loads: loads),
            answerRate: max(1, EngineSettings.answerRate / settings.workers))
        if settings.workers > 1 {
            let (steering, count) = (settings.steering, settings.workers)
            path.forwarder.share { client in worker == client.map { steering.member(for: $0, of: count) } ?? 0 }
        }
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
    }

    /// Forwards until told to stop. The interfaces stay open.
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
        mailbox.close(snapshot())
    }

    /// Takes no more frames: once the thread has ended, and those of all other workers, as the kernel gives to those that are left
    /// what is for one that has gone.
    func closeInterfaces() {
        for port in ports { close(port) }
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
            resumeSavedFlows()
            done()
        case .applyOutbound(let rules, let done):
            take(rules)
            applyPlans()
            done()
        case .snapshot(let tell):
            tell(snapshot())
        case .list(let place, let tell):
            tell(slice(from: place))
        case .tendSeats:
            tendSeats()
        case .stop:
            isStopping = true
        }
    }

    private func advance(to now: Ticks) {
        path.forwarder.expire(now: now, budget: Self.expiryBudget)
        for port in ports {
            guard port.socket != nil else {
                reopenInTime(port)
                continue
            }
            tendSeat(at: port)
            for index in port.vips.indices { obey(port.vips[index].advance(to: now, using: &random), on: port) }
            if let actions = port.neighbors?.advance(to: now) { obey(actions, on: port) }
        }
        if let filterRetry, now >= filterRetry { refreshFilter() }
        let isTentative = ports.contains { $0.interface?.tentative.isEmpty == false }
        guard now >= lastWays + (isTentative ? Self.tentativeInterval : Self.wayInterval) else { return }
        lastWays = now
        findMissingWays(now: now)
        forgetIdleDestinations(now: now)
    }
}
