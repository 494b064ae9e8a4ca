import ConfigurationFile
import Glibc
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Synchronization

extension HealthReporter {
    /// Checks, counts, listens and answers until graceful shutdown.
    ///
    /// Then, in order: every service that is up says `draining`, "agent stopping", which directors that wait learn at
    /// once; those that still ask get fifteen seconds to take notice, or as long as connections if that is less, but two in
    /// any case; open connections get `stop_timeout` to end; directors that were joined are left; the servers stop. `hurry`
    /// ends both waits.
    ///
    /// - Throws: `ReporterError` where an address or the control socket cannot be listened on.
    public func run() async throws {
        do {
            try ControlSocket.makeRoom(at: controlPath)
            let groupID = ControlSocket.groupID
            let executor = EventLoopExecutor.shared
            try await withTaskExecutorPreference(executor) { try await serve(on: executor, controlGroup: groupID) }
        } catch {
            await listening.fail(error)
            throw error
        }
        await listening.fail(CancellationError())
    }

    /// - Parameter controlGroup: the group that may use the control socket; see `ControlSocket`.
    private func serve(on executor: EventLoopExecutor, controlGroup: gid_t?) async throws {
        // The servers are not to hear of the shutdown before the directors have: a group and a task of their own.
        let group = makeServerGroup(controlGroup: controlGroup)
        let servers = Task.detached(executorPreference: executor) { try await group.run() }
        defer { unlink(controlPath) }
        // Nor is a lease to run out while a drain goes on: joins are renewed until there is nothing left to drain.
        let joining = Task.detached(executorPreference: executor) { await self.joinDirectors() }
        defer { joining.cancel() }

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (service, index, target) in await store.allTargets {
                tasks.addTask { [store] in
                    let checker = target.makeChecker(on: MultiThreadedEventLoopGroup.singleton)
                    let schedule = CheckSchedule(of: target.check)
                    await schedule.run(checker) { await store.record($0, service: service, check: index) }
                }
            }
            if let listenerWatch {
                let watched = await store.allTargets.filter { $0.target.listener != nil }.map {
                    ListenerWatch.Watched(
                        service: $0.service, check: $0.index, target: $0.target,
                        checker: $0.target.makeChecker(on: MultiThreadedEventLoopGroup.singleton))
                }
                tasks.addTask { [store] in
                    await listenerWatch.run(watched) { await store.record($0, service: $1.service, check: $1.check) }
                }
            }
            tasks.addTask { [store, connections] in
                await connections.run(every: Self.sampleInterval) { await store.record(connections: $0) }
            }
            tasks.addTask { [store] in await LoadWatch(store: store).run() }
            tasks.addTask { [store, connections] in
                await DrainWatch(store: store, connections: connections).run()
            }
            tasks.addTask { [store, listenerWatch] in
                while !Task.isCancelled {
                    await store.reviewDirectors()
                    await store.reviewConditions()
                    listenerWatch?.attendance.isAttended = await store.isAttended
                    try? await executor.loop.sleep(for: .seconds(1))
                }
            }
            tasks.addTask { [store] in
                // By itself, for it waits for the disk.
                while !Task.isCancelled {
                    await store.endExpiredDrains()
                    try? await executor.loop.sleep(for: .seconds(1))
                }
            }
            tasks.addTask {
                // Cancelled rather than shut down: the servers are, too.
                guard (try? await gracefulShutdown()) != nil else { return }
                await self.bidFarewell()
                joining.cancel()
                await self.leave(await joining.value)
                await self.recordWarmServices()
                await self.store.close()
                await group.triggerGracefulShutdown()
            }

            defer { tasks.cancelAll() }
            try await withTaskCancellationHandler {
                try await servers.value
            } onCancel: {
                servers.cancel()
            }
        }
    }

    /// Tells the directors that are there that this agent goes, and gives them time to act on it, and open connections time
    /// to end.
    private func bidFarewell() async {
        let generation = await store.announceStop()
        let limit = max(Self.shortestFarewell, min(Self.longestFarewell, stopTimeout))
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var waitedFor: [IPAddress] = []
        while clock.now < deadline, isPatient {
            let missing = await store.directorsToAwait(generation: generation)
            if missing.isEmpty { break }
            if missing != waitedFor {
                let names = missing.map(\.description).joined(separator: ", ")
                logger.notice("waiting for \(names) to take notice of the stop, \(limit) at most")
                waitedFor = missing
            }
            try? await EventLoopExecutor.shared.loop.sleep(for: .milliseconds(10))
        }
        let hold = await store.hasDirectorsAsking ? max(DrainWait.hold, store.timeToLeave) : .zero
        if hold > DrainWait.hold {
            let time = min(hold, stopTimeout)
            logger.notice("UDP has no connections to count: what is under way is left in peace for \(time)")
        }
        await waitForConnections(hold: hold)
    }

    /// Leaves for the next run which services are warm; a disk that hangs does not hold up the stop.
    private func recordWarmServices() async {
        let executor = EventLoopExecutor.shared
        let (ends, end) = AsyncStream.makeStream(of: Never.self)
        _ = Task(executorPreference: executor) { [store] in
            await store.keepWarmServices(isEnding: true)
            end.finish()
        }
        let timer = executor.loop.scheduleTask(in: TimeAmount(Self.longestRecording)) { end.finish() }
        for await _ in ends {}
        timer.cancel()
    }

    /// What stops after this takes the VIPs down, and with them what is still open.
    ///
    /// - Parameter hold: how long none may have been open: what a director sent just before it knew shows up a moment later.
    private func waitForConnections(hold: Duration) async {
        let clock = ContinuousClock()
        let deadline = clock.now + stopTimeout
        var last: Int?
        var zeroSince: ContinuousClock.Instant?
        while true {
            var open = 0
            // What cannot be counted may be open.
            var isKnown = true
            for outcome in await connections.connections(of: connections.services) {
                switch outcome {
                case .success(let count): open += count
                case .failure: isKnown = false
                }
            }
            let now = clock.now
            if open == 0, isKnown || now >= deadline {
                let since = zeroSince ?? now
                zeroSince = since
                if now - since >= hold || now >= deadline { return }
            } else {
                zeroSince = nil
                guard now < deadline else {
                    logger.warning("\(open) connections are still open after \(stopTimeout), and are cut")
                    return
                }
                if open != last { logger.notice("waiting for \(open) open connections, \(stopTimeout) at most") }
                last = open
            }
            guard isPatient else {
                if open > 0 { logger.warning("asked to stop again: \(open) open connections are cut") }
                return
            }
            try? await EventLoopExecutor.shared.loop.sleep(for: .milliseconds(50))
        }
    }

    /// Whether who asked for the stop lets it take its time.
    private var isPatient: Bool { !Task.isCancelled && !isHurried.load(ordering: .relaxed) }

    private func makeServerGroup(controlGroup: gid_t?) -> ServiceGroup {
        var quiet = logger
        // What the server has to say about each connection is for who looks for a fault in it.
        if quiet.logLevel == .info { quiet.logLevel = .notice }
        let endpoint = Endpoint(store: store, connections: connections, gate: gate)
        let progress = ListeningProgress(
            expected: listen.count + agentChecks.count + 1, logger: logger, listening: listening)

        var servers: [any Service] = listen.enumerated().map { index, address in
            Server(
                name: "\(address)", address: .hostname("\(address.address)", port: Int(address.port)),
                responder: Responder(endpoint: endpoint, gate: gate, logger: logger), gate: gate, logger: quiet
            ) { channel in
                var actual = address
                if let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) { actual.port = port }
                await progress.listens(index, at: actual)
            }
        }
        for (service, address) in agentChecks {
            servers.append(
                AgentCheckServer(service: service, address: address, store: store, gate: gate, logger: quiet) { _ in
                    await progress.listensElsewhere()
                })
        }
        servers.append(
            Server(
                name: controlPath, address: .unixDomainSocket(path: controlPath),
                responder: Responder(endpoint: endpoint, gate: nil, logger: logger), gate: nil, logger: quiet
            ) { [controlPath, logger] _ in
                if let failure = ControlSocket.restrict(controlPath, to: controlGroup) { logger.warning("\(failure)") }
                await progress.listensElsewhere()
            })
        var configuration = ServiceGroupConfiguration(services: servers, logger: quiet)
        // Whoever is still being answered then has stopped reading.
        configuration.maximumGracefulShutdownDuration = .seconds(2)
        return ServiceGroup(configuration: configuration)
    }
}

/// Counts who listens, until all do.
private actor ListeningProgress {
    private let expected: Int
    private let logger: Logger
    private let listening: Listening
    private var addresses: [Int: ConfigurationFile.SocketAddress] = [:]
    private var count = 0

    init(expected: Int, logger: Logger, listening: Listening) {
        self.expected = expected
        self.logger = logger
        self.listening = listening
    }

    func listens(_ index: Int, at address: ConfigurationFile.SocketAddress) async {
        addresses[index] = address
        await arrive()
    }

    func listensElsewhere() async {
        await arrive()
    }

    private func arrive() async {
        count += 1
        guard count == expected else { return }
        let all = addresses.sorted { $0.key < $1.key }.map(\.value)
        logger.notice("reporting on \(all.map(\.description).joined(separator: ", "))")
        await listening.succeed(all)
    }
}
