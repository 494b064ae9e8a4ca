import ConfigurationFile
import Glibc
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import NetworkAddress
import ServiceLifecycle

extension HealthReporter {
    /// Checks, counts, listens and answers until graceful shutdown.
    ///
    /// Then, in order: every service that is up says `draining`, "agent stopping", which directors that wait learn at
    /// once; those that asked within the last minute get two seconds to take notice; open connections get thirty to end;
    /// the servers stop.
    ///
    /// - Throws: `ReporterError` where an address or the control socket cannot be listened on.
    public func run() async throws {
        do {
            try ControlSocket.makeRoom(at: controlPath)
            let executor = EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any())
            try await withTaskExecutorPreference(executor) { try await serve(on: executor) }
        } catch {
            await listening.fail(error)
            throw error
        }
        await listening.fail(CancellationError())
    }

    private func serve(on executor: EventLoopExecutor) async throws {
        // The servers are not to hear of the shutdown before the directors have: a group and a task of their own.
        let group = makeServerGroup()
        let servers = Task.detached(executorPreference: executor) { try await group.run() }
        defer { unlink(controlPath) }

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (service, index, target) in await store.allTargets {
                tasks.addTask { [store] in
                    let checker = target.makeChecker(on: MultiThreadedEventLoopGroup.singleton)
                    let schedule = CheckSchedule(interval: target.check.interval)
                    await schedule.run(checker) { await store.record($0, service: service, check: index) }
                }
            }
            if let listenerWatch {
                // What is asked where a check says, and not where the service's packets end, may not be on this host.
                let watched = await store.allTargets.filter { $0.target.check.address == nil }.map {
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
            tasks.addTask { [store] in
                while !Task.isCancelled {
                    await store.endExpiredDrains()
                    await store.reviewDirectors()
                    try? await Task.sleep(for: .seconds(1))
                }
            }
            tasks.addTask {
                // Cancelled rather than shut down: the servers are, too.
                guard (try? await gracefulShutdown()) != nil else { return }
                await self.bidFarewell()
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

    /// Tells the directors that are there that this agent goes, and gives them time to act on it.
    private func bidFarewell() async {
        let active = Timestamp.now().adding(seconds: -Self.activeDirectorSeconds)
        let generation = await store.announceStop()
        let clock = ContinuousClock()
        let deadline = clock.now + Self.longestFarewell
        while clock.now < deadline, !Task.isCancelled,
            await store.hasUninformedDirectors(generation: generation, activeSince: active)
        {
            try? await Task.sleep(for: .milliseconds(10))
        }
        await waitForConnections()
    }

    /// What stops after this takes the VIPs down, and with them what is still open.
    private func waitForConnections() async {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.longestStop
        var last: Int?
        while !Task.isCancelled {
            var open = 0
            for service in connections.services { open += await connections.connections(of: service.name) ?? 0 }
            guard open > 0 else { return }
            guard clock.now < deadline else {
                logger.warning("\(open) connections are still open after \(Self.longestStop), and are cut")
                return
            }
            if open != last { logger.notice("waiting for \(open) open connections, \(Self.longestStop) at most") }
            last = open
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    private func makeServerGroup() -> ServiceGroup {
        var quiet = logger
        // What the server has to say about each connection is for who looks for a fault in it.
        if quiet.logLevel == .info { quiet.logLevel = .notice }
        let endpoint = Endpoint(store: store, connections: connections)
        let progress = ListeningProgress(expected: listen.count + 1, logger: logger, listening: listening)

        var servers = listen.enumerated().map { index, address in
            Server(
                name: "\(address)", address: .hostname("\(address.address)", port: Int(address.port)),
                responder: Responder(endpoint: endpoint, isControl: false, logger: logger), logger: quiet
            ) { channel in
                var actual = address
                if let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) { actual.port = port }
                await progress.listens(index, at: actual)
            }
        }
        servers.append(
            Server(
                name: controlPath, address: .unixDomainSocket(path: controlPath),
                responder: Responder(endpoint: endpoint, isControl: true, logger: logger), logger: quiet
            ) { [controlPath, logger] _ in
                if let failure = ControlSocket.restrict(controlPath) { logger.warning("\(failure)") }
                await progress.listensOnControlSocket()
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

    func listensOnControlSocket() async {
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
