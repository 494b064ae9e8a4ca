internal import ConfigurationFile
internal import Glibc
internal import HealthReporter
internal import Lab
internal import Logging
internal import NetworkAddress
internal import ServiceLifecycle
internal import Testing

@testable internal import Director

/// The agent itself on 127.0.0.1, with one service that is up.
struct RealAgent: Sendable {
    let port: UInt16
    private let folder: ScratchDirectory
    private let group: ServiceGroup
    private let task: Task<Void, any Error>

    init(_ admission: AgentConfiguration.ReportAdmission = .init()) async throws {
        folder = try ScratchDirectory()
        var configuration = AgentConfiguration(
            directors: [], runDirectory: folder.path, stateDirectory: folder.path,
            services: [.init(name: "web", vips: [PolledAgents.vip], ports: [80], checks: [])])
        configuration.reportAdmission = admission
        let reporter = try HealthReporter(
            configuration: configuration, listen: [.init(address: PolledAgents.loopback, port: 0)],
            identity: .init(agent: "rsagent 0.1.0", host: "rs1", boot: "b007"),
            countConnections: { $0.map { _ in 0 } }, logger: PolledAgents.silent)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [reporter], logger: PolledAgents.silent))
        self.group = group
        task = Task.detached { try await group.run() }
        port = try #require(try await reporter.waitUntilListening().first).port
        await reporter.report(setupProblems: [:])
    }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await task.value
    }
}

/// Boards and polls without an engine.
enum PolledAgents {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let loopback = IPAddress.v4(IPv4Address(127, 0, 0, 1))
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }

    /// The board of one service, `web`, with these servers.
    static func board(port: UInt16 = 80, _ servers: [DirectorConfiguration.Server]) -> MembershipBoard {
        let service = DirectorConfiguration.Service(name: "web", vips: [vip], port: port, servers: servers)
        return MembershipBoard(.init(interfaces: ["lo"], services: [service]), logger: silent) { _ in }
    }

    /// Server number `last`, which a single poll takes down.
    static func server(_ last: UInt8, agent: String?, weight: Int = 1, checks: [AgentConfiguration.Check] = [])
        -> DirectorConfiguration.Server
    {
        let address = agent == nil ? IPv4Address(127, 0, 0, last) : IPv4Address(10, 0, 0, last)
        return .init(address: .v4(address), agent: agent, weight: weight, fall: 1, checks: checks)
    }

    /// Where a server stands.
    static func standing(_ board: MembershipBoard, _ index: Int = 0) async -> Membership.Standing {
        await board.membership.groups[0].members[index].standing
    }

    /// Polls these agents for the board, and asks the servers that are to be asked, until `body` is done.
    static func polling(
        _ agents: [String], for board: MembershipBoard, _ body: @Sendable () async throws -> Void
    ) async throws {
        let connections = AgentConnections(logger: silent)
        let asking = Task {
            await withTaskGroup(of: Void.self) { tasks in
                for agent in agents {
                    let poller = AgentPoller(
                        agent: agent, access: .init(), director: "d1", connections: connections, board: board)
                    tasks.addTask { await poller.run() }
                }
                for server in await board.membership.checkedServers {
                    tasks.addTask { await server.run(telling: board) }
                }
            }
        }
        let result = await Result { try await body() }
        asking.cancel()
        await asking.value
        await connections.shutdown()
        try result.get()
    }

    /// A report that says the service is up.
    static func report(generation: UInt64 = 1, weight: Int = 100, reason: String = "") -> Report {
        var report = MembershipTests.report(weight: weight, reason: reason)
        report.generation = generation
        return report
    }
}

extension Deadline {
    /// Waits until `condition` holds, and throws with these words where it does not within a minute.
    static func eventually(_ words: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            guard ContinuousClock.now < end else { throw LabError("not within a minute: \(words)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension Result where Failure == any Error, Success == Void {
    /// How `body` ended.
    fileprivate init(_ body: () async throws -> Void) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
