internal import Glibc
internal import NetworkAddress
internal import PacketIO
internal import Synchronization

/// The sentinel at work: hears, asks, judges. Sleeps in poll(2) in between, on a thread of its own, because nothing in it
/// may wait for the tasks that serve the host's clients.
///
/// `tap`, `links`, `ledger` and `schedule` belong to the thread that runs the watch; any thread may call `stop` and `settle`.
final class SentinelWatch: @unchecked Sendable {
    typealias Clock = ContinuousClock

    private let tap: SentinelTap
    private var links: OwnLinks
    private var ledger: SentinelLedger
    private var schedule: ProbeSchedule
    private var random = SystemRandomNumberGenerator()
    private let segment: @Sendable () -> SentinelSegment?
    private var current: SentinelSegment?
    private let wakeUp: WakeUp
    private let isStopped = Atomic(false)
    private let settled = Mutex<Set<IPAddress>>([])

    /// Opens the tap in the calling thread's namespace: what leaks from now on is seen, though nobody looks yet.
    init(
        vips: [IPAddress], directors: [IPAddress], interval: Duration,
        segment: @escaping @Sendable () -> SentinelSegment?
    ) throws(SetupError) {
        tap = try SentinelTap(addresses: vips + directors)
        links = try OwnLinks()
        do throws(PacketIOError) {
            wakeUp = try WakeUp()
        } catch {
            throw .file(operation: "open", path: "an eventfd", reason: error.description)
        }
        ledger = SentinelLedger(vips: vips, directors: directors)
        // Directors first: who may answer is known before the answers come in.
        let targets = Set(directors).sorted() + Set(vips).subtracting(directors).sorted()
        schedule = ProbeSchedule(targets: targets, interval: interval, now: Clock.now)
        self.segment = segment
    }

    /// Ends the watch at its next step. Any thread may call it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    /// See `Sentinel.settle(_:)`. Any thread may call it.
    func settle(_ vips: Set<IPAddress>) {
        settled.withLock { $0.formUnion(vips) }
        wakeUp.signal()
    }

    /// Watches on a new thread until `stop()`; tells the findings at first and whenever they change, then calls `ended`.
    func start(
        tell: @escaping @Sendable (SentinelFindings) -> Void, ended: @escaping @Sendable () -> Void
    ) throws(SetupError) {
        let errand = WatchErrand(watch: self, tell: tell, ended: ended)
        let retained = Unmanaged.passRetained(errand)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runWatch, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            throw .file(operation: "start", path: "the sentinel's thread", reason: String(cString: strerror(code)))
        }
        pthread_detach(thread)
    }

    /// One round of questions on the calling thread; who answered.
    func probeOnce() -> [Answerer] {
        watch(untilRoundEnds: true) { _ in }
        return ledger.answerers
    }

    fileprivate func watch(untilRoundEnds: Bool = false, tell: (SentinelFindings) -> Void) {
        var polls = PollSet(slots: 1, wakeUp: wakeUp)
        polls.watch(tap.descriptor, slot: 0)
        var told: SentinelFindings?
        while !isStopped.load(ordering: .acquiring) {
            // 1. What was heard counts before the round that it answers is judged.
            for sighting in tap.receive() { note(sighting) }
            let settled = self.settled.withLock { vips in
                defer { vips = [] }
                return vips
            }
            ledger.settle(settled)
            // 2. What is due.
            let hasRoundEnded = perform()
            // 3. What is new.
            let now = Clock.now
            let findings = ledger.findings(at: now)
            if findings != told { tell(findings) }
            told = findings
            if untilRoundEnds, hasRoundEnded { return }
            // 4. Until the next frame, question or expiry. Rounded up: waking early would mean waking twice.
            let end = min(schedule.due, ledger.nextExpiry ?? schedule.due)
            polls.wait(milliseconds: max(0, Int((end - now) / .milliseconds(1)) + 1))
        }
    }

    /// Does what is due; returns whether a round ended.
    private func perform() -> Bool {
        while true {
            switch schedule.advance(to: Clock.now, using: &random) {
            case .rest: return false
            case .begin:
                current = segment()
                if let current { ledger.learn(current.neighbors) }
            case .ask(let address): ask(address)
            case .end:
                if let current { ledger.endRound(interface: current.name) }
                return true
            }
        }
    }

    private func note(_ sighting: SentinelTap.Sighting) {
        let now = Clock.now
        let isOwn = links.contains(sighting.claim.mac, now: now)
        if sighting.isOutgoing {
            // What a bridge carries for its guests is theirs.
            guard isOwn else { return }
            ledger.sent(sighting.claim, interface: links.name(of: sighting.interface, now: now), now: now)
        } else if !isOwn, let current, sighting.interface == current.index {
            ledger.heard(sighting.claim, own: current.mac, now: now)
        }
    }

    private func ask(_ address: IPAddress) {
        guard let current else { return }
        // An interface that is gone or down cannot be asked on: nobody answers there either.
        switch address {
        case .v4(let target):
            guard let source = current.ipv4, source != target else { return }
            // Not RFC 5227's probe: one without a sender keeps a director that claims the VIP at this moment from
            // having it (§2.1.1), and with many servers there is always one that asks.
            var frame = [UInt8](repeating: 0, count: ARPMessage.frameLength)
            frame.withUnsafeMutableBytes {
                ARPMessage.request(target, from: current.mac, source).write(to: .broadcast, into: $0)
            }
            _ = tap.send(frame, by: current.index)
        case .v6(let target):
            guard let source = current.ipv6, source != target else { return }
            _ = tap.send(NeighborDiscovery.solicitation(for: target, from: current.mac, source), by: current.index)
        }
    }
}

/// What the watch's thread is given.
private final class WatchErrand: Sendable {
    let watch: SentinelWatch
    let tell: @Sendable (SentinelFindings) -> Void
    let ended: @Sendable () -> Void

    init(
        watch: SentinelWatch, tell: @escaping @Sendable (SentinelFindings) -> Void,
        ended: @escaping @Sendable () -> Void
    ) {
        self.watch = watch
        self.tell = tell
        self.ended = ended
    }
}

/// A top-level function: a closure literal handed to pthread_create dies with SIGILL in an async context.
private func runWatch(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let errand = Unmanaged<WatchErrand>.fromOpaque(argument).takeRetainedValue()
    errand.watch.watch(tell: errand.tell)
    errand.ended()
    return nil
}
