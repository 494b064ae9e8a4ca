public import ConfigurationFile
internal import Glibc
internal import HealthReporter
internal import Hummingbird
public import Logging
internal import NetworkAddress
public import ServiceLifecycle

/// The director: takes the VIPs' packets off the wire and gives them to real servers, as their agents ask for.
///
/// ```
///  agents ◄── AgentPoller ──► MembershipBoard ── plans ──► Engine (a thread) ◄──► packets, ARP
///                                   │                        │ events, snapshots
///  rsdirector status ◄── StatusServer ◄──────────────────────┘
/// ```
/// On the host it changes one thing, the packet filter's table `netdev rsdirector`, and it makes one file, the control
/// socket. Both are gone after a clean stop, and replaced at the next start after any other.
public struct Director: Service {
    /// The program and its version: `rsdirector 0.1.0`.
    private let program: String
    private let configuration: DirectorConfiguration
    let logger: Logger

    /// A director for this configuration. Nothing is touched before `run()`.
    ///
    /// - Parameter program: what the status says runs: the program and its version.
    public init(_ configuration: DirectorConfiguration, program: String, logger: Logger) {
        self.configuration = configuration
        self.program = program
        self.logger = logger
    }

    /// Directs until graceful shutdown.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    ///
    /// - Throws: `DirectorError` where the configuration cannot be carried out on this host; nothing was changed then.
    public func run() async throws {
        // 1. Whatever can be known to be wrong, before anything is touched.
        let host = try HostNetwork.read()
        _ = try Preflight(
            configuration: configuration, host: host, capabilities: Preflight.effectiveCapabilities
        ).check()
        let lock = try NamespaceLock()
        let control = try ControlSocket(runDirectory: configuration.runDirectory)
        defer {
            control.withdraw()
            // Held until everything else is gone.
            extendLifetime(lock)
        }
        // 2. Packets.
        let (events, report) = AsyncStream.makeStream(of: EngineEvent.self, bufferingPolicy: .bufferingNewest(1000))
        let engine = try Engine(settings) { report.yield($0) }
        // 3. Everybody who talks to the engine, until the last of them is done.
        let result: Result<Void, any Error>
        do {
            result = .success(try await serve(engine, events, control))
        } catch {
            result = .failure(error)
        }
        // 4. Off the wire.
        try engine.stop()
        try result.get()
        logger.notice("stopped")
    }

    private var settings: EngineSettings {
        EngineSettings(
            interfaces: configuration.interfaces,
            vips: unique(configuration.services.flatMap { $0.vips.compactMap(\.v4) }),
            servers: unique(configuration.services.flatMap { $0.servers.compactMap(\.address.v4) }),
            ownsVIPs: configuration.ownsVIPs)
    }

    private func serve(_ engine: Engine, _ events: AsyncStream<EngineEvent>, _ control: ControlSocket) async throws {
        let board = MembershipBoard(configuration, logger: logger) { await engine.apply($0) }
        await board.begin()
        announceStart()
        let connections = AgentConnections(logger: logger)
        let snapshot: @Sendable () async -> StatusSnapshot = {
            StatusSnapshot(
                director: program, host: Self.hostName, time: .now(), engine: await engine.snapshot(),
                groups: await board.membership.groups)
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for server in servers(control, snapshot) { tasks.addTask { try await server.run() } }
                for (agent, access) in await board.membership.agentAccesses {
                    let poller = AgentPoller(
                        agent: agent, access: access, director: Self.hostName, connections: connections, board: board)
                    tasks.addTask { await poller.run() }
                }
                for server in await board.membership.checkedServers {
                    tasks.addTask { await server.run(telling: board) }
                }
                tasks.addTask { for await event in events { log(event) } }
                // The servers end by themselves at a graceful shutdown; whichever ends first ends the rest.
                defer { tasks.cancelAll() }
                try await tasks.next()
            }
        } catch {
            await connections.shutdown()
            throw error
        }
        await connections.shutdown()
    }

    private func servers(
        _ control: ControlSocket, _ snapshot: @escaping @Sendable () async -> StatusSnapshot
    ) -> [StatusServer] {
        var quiet = logger
        // What ends a server is thrown, and told once, in our words.
        quiet.logLevel = .critical
        var servers = [
            StatusServer(
                name: control.path, address: .unixDomainSocket(path: control.path), logger: quiet, snapshot: snapshot,
                whenListening: { [logger] in
                    do { try control.restrict() } catch { logger.warning("\(error)") }
                })
        ]
        if let status = configuration.status {
            servers.append(
                StatusServer(
                    name: "\(status)", address: .hostname("\(status.address)", port: Int(status.port)), logger: quiet,
                    snapshot: snapshot,
                    whenListening: { [logger] in logger.notice("status on http://\(status)/v1/status") }))
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

/// In order, each once.
private func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
}
