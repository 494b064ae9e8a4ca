public import ConfigurationFile
internal import Forwarding
internal import Glibc
internal import HealthReporter
internal import Hummingbird
public import Logging
internal import NetworkAddress
public import ServiceLifecycle
internal import UnixSignals

/// The director: takes the VIPs' packets off the wire and gives them to real servers, as their agents ask for.
///
/// ```
///  agents ◄── AgentPoller ──► MembershipBoard ── plans ──► Engine (a thread) ◄──► packets, ARP, NDP
///     └─────► JoinServer ────────►  │                        │ events, snapshots
///  rsdirector status ◄── StatusServer ◄──────────────────────┘
/// ```
/// On the host it changes one thing, the packet filter's table `netdev rsdirector`, and it makes one file, the control
/// socket. Both are gone after a clean stop, and replaced at the next start after any other. What a stop leaves behind, in files beside
/// the socket, for the next start, is who had joined, and a clean one the connections.
public struct Director: Service {
    /// The program and its version: `rsdirector 0.1.0`.
    private let program: String
    private var configuration: DirectorConfiguration
    private let load: @Sendable () throws(ConfigurationError) -> DirectorConfiguration
    let logger: Logger

    /// A director for this configuration. Nothing is touched before `run()`.
    ///
    /// - Parameters:
    ///   - program: what the status says runs: the program and its version.
    ///   - load: reads the configuration again, for a reload.
    public init(
        _ configuration: DirectorConfiguration, program: String, logger: Logger,
        load: @escaping @Sendable () throws(ConfigurationError) -> DirectorConfiguration
    ) {
        self.configuration = configuration
        self.program = program
        self.load = load
        self.logger = logger
    }

    /// Directs until graceful shutdown.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    ///
    /// - Throws: `DirectorError` where the configuration cannot be carried out on this host; nothing was changed then.
    public func run() async throws {
        // 1. Whatever can be known to be wrong, before anything is touched.
        try Self.check(configuration)
        let joins = try configuration.join.map { [logger] join in
            try JoinServer(listen: join.listen, token: join.token, tls: join.tls, logger: logger) { _ in
                logger.notice("servers join on http\(join.tls == nil ? "" : "s")://\(join.listen)/")
            }
        }
        let lock = try NamespaceLock()
        let control = try ControlSocket(runDirectory: configuration.runDirectory)
        defer {
            control.withdraw()
            // Held until everything else is gone.
            extendLifetime(lock)
        }
        let (workers, cores) = (configuration.workerCount, DirectorConfiguration.workersByDefault)
        if workers > cores {
            logger.warning(
                "\(workers) workers share \(cores) cores: each takes its memory, and no more is forwarded than by \(cores)"
            )
        }
        // 2. Who had joined the one before: servers from the start, or their connections would have none to go to.
        let joined = JoinedFile(configuration, logger: logger)
        var director = self
        let resumed: SavedJoins
        (director.configuration, resumed) = joined.takeBack(into: configuration) { (try? Self.check($0)) != nil }
        // 3. Packets.
        let (events, report) = AsyncStream.makeStream(of: EngineEvent.self, bufferingPolicy: .bufferingNewest(1000))
        let flows = FlowFile(runDirectory: configuration.runDirectory, flows: configuration.flows)
        let engine = try Engine(director.settings, resuming: read(flows)) { report.yield($0) }
        // Never read twice: connections go on from here, and what is in it is of the past.
        flows.remove()
        // 4. Everybody who talks to the engine, until the last of them is done.
        let result: Result<Void, any Error>
        do {
            result = .success(try await director.serve(engine, events, control, joins, resumed, joined))
        } catch {
            result = .failure(error)
        }
        // 5. Off the wire.
        try engine.stop { keep($0, in: flows) }
        try result.get()
        logger.notice("stopped")
    }

    /// The connections that the director before this one left behind.
    private func read(_ flows: FlowFile) -> [UInt8]? {
        do throws(DirectorError) {
            return try flows.read()
        } catch {
            logger.warning("connections saved at the last stop are not resumed: \(error)")
            return nil
        }
    }

    /// Leaves the connections to the next one.
    private func keep(_ saved: [UInt8], in flows: FlowFile) {
        do throws(DirectorError) {
            try flows.write(saved)
        } catch {
            logger.warning("connections will not go on at the next start: \(error)")
        }
    }

    /// Whether the configuration can be carried out on this host, as it is now.
    private static func check(_ configuration: DirectorConfiguration) throws(DirectorError) {
        let host = try HostNetwork.read(
            routesTo: EngineTargets(configuration.services).servers, withTable: !configuration.outbound.isEmpty)
        _ = try Preflight(
            configuration: configuration, host: host, capabilities: Preflight.effectiveCapabilities
        ).check()
    }

    /// The same for configurations with this server and no other, with one look.
    private static func look(at server: IPAddress) throws(DirectorError) -> MembershipBoard.Check {
        let host = try HostNetwork.read(routesTo: [server], withTable: false)
        let capabilities = Preflight.effectiveCapabilities
        return { configuration throws(DirectorError) in
            _ = try Preflight(configuration: configuration, host: host, capabilities: capabilities).check()
        }
    }

    private var settings: EngineSettings {
        let targets = EngineTargets(configuration.services)
        return EngineSettings(
            interfaces: configuration.interfaces, vips: targets.vips, servers: targets.servers,
            ownsVIPs: configuration.ownsVIPs, answers: targets.answers,
            outbound: configuration.outbound.map(Outbound.Rule.init), flowCapacity: configuration.flows,
            timeouts: FlowTimeouts(configuration.timeouts), workers: configuration.workerCount,
            clientPrefix4: configuration.clientPrefix4, clientPrefix6: configuration.clientPrefix6)
    }

    private func serve(
        _ engine: Engine, _ events: AsyncStream<EngineEvent>, _ socket: ControlSocket, _ joins: JoinServer?,
        _ resumed: SavedJoins, _ joined: JoinedFile
    ) async throws {
        let board = MembershipBoard(
            configuration, resuming: resumed, logger: logger,
            applyOutbound: { await engine.apply(outbound: $0.map(Outbound.Rule.init)) },
            apply: { await engine.apply($0) })
        await board.begin()
        let control = Control(board: board, load: load, check: Self.check, logger: logger)
        announceStart()
        let connections = AgentConnections(logger: logger)
        let source = StatusSource(director: program, host: Self.hostName, engine: engine) {
            await board.membership.groups
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for server in servers(socket, control, source) { tasks.addTask { try await server.run() } }
                if let joins {
                    let desk = JoinDesk(board: board, look: Self.look, program: program, logger: logger)
                    tasks.addTask { try await joins.run(for: desk.desk) }
                }
                tasks.addTask {
                    await keepRunning(board.agents) { agent in
                        await AgentPoller(
                            agent: agent.url, access: agent.access, director: Self.hostName, connections: connections,
                            board: board
                        ).run()
                    }
                }
                tasks.addTask { await keepRunning(board.checkedServers) { await $0.run(telling: board) } }
                tasks.addTask { await board.run() }
                tasks.addTask { for await joins in board.joins { joined.keep(joins) } }
                tasks.addTask {
                    // What is wrong is in the log.
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { _ = try? await control.reload() }
                }
                tasks.addTask { for await event in events { log(event, await board.configuration) } }
                tasks.addTask { await source.run() }
                // The servers end by themselves at a graceful shutdown; whichever ends first ends the rest.
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        } catch {
            await connections.shutdown()
            joined.keep(await board.savedJoins)
            throw error
        }
        await connections.shutdown()
        joined.keep(await board.savedJoins)
    }

    private func servers(_ socket: ControlSocket, _ control: Control, _ source: StatusSource) -> [StatusServer] {
        var quiet = logger
        // What ends a server is thrown, and told once, in our words.
        quiet.logLevel = .critical
        var servers = [
            StatusServer(
                name: socket.path, address: .unixDomainSocket(path: socket.path), logger: quiet,
                routes: StatusRoutes(snapshot: source.snapshot, connections: source.connections), control: control,
                whenListening: { [logger] in
                    do { try socket.restrict() } catch { logger.warning("\(error)") }
                })
        ]
        if let status = configuration.status {
            servers.append(
                StatusServer(
                    name: "\(status)", address: .hostname("\(status.address)", port: Int(status.port)), logger: quiet,
                    routes: StatusRoutes(snapshot: source.snapshot),
                    whenListening: { [logger] in logger.notice("status on http://\(status)/") }))
        }
        return servers
    }

    private func announceStart() {
        let vips = settings.vips.map(\.description).joined(separator: ", ")
        logger.notice(
            "\(program): directing \(vips) on \(configuration.interfaces.joined(separator: ", ")) to \(settings.servers.count) servers"
        )
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: Int(HOST_NAME_MAX) + 1)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
