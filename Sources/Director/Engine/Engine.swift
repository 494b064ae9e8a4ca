internal import Forwarding
internal import PacketIO

/// The packet engine as the rest of the director sees it: threads of its own, reached through their mailboxes.
///
/// ```
///             eth0 ─► the kernel, by the client's address ─┬─► worker 0 ── flows of its clients; VIPs, the packet filter
///                                                         ├─► worker 1 ── flows of its clients
///             ARP, Neighbor Discovery, ICMP errors ───────┴─► each of them
/// ```
/// Workers share nothing but how many connections each server has (``LoadBook``), which least-connection schedulers and
/// thresholds ask for.
final class Engine: Sendable {
    let workers: [EngineWorker]
    private let shares: SavedShares

    /// Puts the packet filter in force, opens the interfaces and starts forwarding; there are no services yet.
    /// `report` is called on the engine's threads and must not wait. `savedFlows`, which another engine left behind when it was
    /// stopped, are taken over with the first services.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    init(
        _ settings: EngineSettings, resuming savedFlows: [UInt8]? = nil,
        report: @escaping @Sendable (EngineEvent) -> Void
    ) throws(DirectorError) {
        shares = SavedShares(
            division: .init(
                workers: settings.workers, prefix4: settings.clientPrefix4, prefix6: settings.clientPrefix6))
        var parts = [[UInt8]?](repeating: nil, count: settings.workers)
        do throws(SavedShares.Refusal) {
            if let savedFlows { parts = try shares.split(savedFlows) }
        } catch {
            report(.notResumed(error.cause))
        }
        let loads = LoadBook()
        var mailboxes: [EngineMailbox] = []
        for _ in 0..<settings.workers { mailboxes.append(try Self.mailbox()) }
        let seats =
            settings.workers > 1
            ? FanoutSeats(interfaces: settings.interfaces.count, mailboxes: mailboxes) : nil
        var workers: [EngineWorker] = []
        do throws(DirectorError) {
            // The first one puts the filter in force before any frame is taken.
            for (number, mailbox) in mailboxes.enumerated() {
                let loop = try EngineLoop(
                    settings, worker: number, seats: seats, loads: loads, resuming: parts[number], mailbox: mailbox,
                    report: number == 0 ? report : Self.withoutCommon(report))
                workers.append(try EngineWorker(loop))
            }
        } catch {
            for loop in Self.end(workers) { try? loop.removeFilter() }
            throw error
        }
        self.workers = workers
    }

    /// What all workers see, the first one alone tells; of its own connections each does.
    static func withoutCommon(
        _ report: @escaping @Sendable (EngineEvent) -> Void
    ) -> @Sendable (EngineEvent) -> Void {
        { event in
            switch event {
            case .resumed, .notResumed, .unusable, .usable: report(event)
            case .resolution, .lost, .back, .filterFailed, .filterRestored: break
            }
        }
    }

    /// Ends forwarding, and then closes the interfaces: while one forwards, all get what is theirs and nothing else.
    private static func end(_ workers: [EngineWorker]) -> [EngineLoop] {
        for worker in workers { worker.stop() }
        let loops = workers.compactMap { $0.join() }
        for loop in loops { loop.closeInterfaces() }
        return loops
    }

    private static func mailbox() throws(DirectorError) -> EngineMailbox {
        do throws(PacketIOError) {
            return try EngineMailbox()
        } catch {
            throw DirectorError(operation: "start the engine", cause: "\(error)")
        }
    }

    /// Makes these the services; returns once they are in force, or at once where the engine has stopped.
    func apply(_ plans: [ServicePlan]) async {
        // One after the other: the first one's packet filter comes before anybody takes a new VIP's packets.
        for worker in workers {
            await worker.fulfil { .apply(plans, done: $0) }
        }
    }

    /// Makes these the rules of source NAT; returns once they are in force, or at once where the engine has stopped.
    func apply(outbound rules: [Outbound.Rule]) async {
        for worker in workers { await worker.fulfil { .applyOutbound(rules, done: $0) } }
    }

    /// What the engine knows now, or knew last.
    func snapshot() async -> EngineSnapshot {
        var sum = await workers[0].ask { .snapshot(tell: $0) }
        for worker in workers.dropFirst() { sum.add(await worker.ask { .snapshot(tell: $0) }) }
        return sum
    }

    /// Hands everything that is remembered to `take`, slice by slice: packets pass between any two. A million flows are some
    /// 250 slices. Ends early where `take` wants no more.
    func list(_ take: (FlowSlice) -> Bool) async {
        for worker in workers {
            var place: ListingPlace? = .start
            while let from = place {
                let slice = await worker.ask { .list(from: from, tell: $0) }
                guard take(slice) else { return }
                place = slice.next
            }
        }
    }

    /// Ends forwarding, closes the interfaces, and removes the packet filter's table. To be called once; waits for the
    /// engine's threads, which takes no longer than a batch of packets.
    ///
    /// - Parameter keep: is given what is remembered of connections, for the next engine, where that is anything: before the packet
    ///   filter is removed, so that it is not lost where that fails.
    func stop(_ keep: ([UInt8]) -> Void = { _ in }) throws(DirectorError) {
        // The filter last: until then the host's own stack must not see the VIPs' packets.
        let loops = Self.end(workers)
        if let saved = shares.join(loops.map { $0.flowsToSave() }) { keep(saved) }
        for loop in loops { try loop.removeFilter() }
    }
}
