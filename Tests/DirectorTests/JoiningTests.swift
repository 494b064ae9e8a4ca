internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import Lab
internal import Logging
internal import NetworkAddress
internal import Synchronization
internal import Testing

@testable internal import Director

/// Joins as they come to the board: without a wire, without a clock of its own.
@Suite("servers that join by themselves")
struct JoiningTests {
    typealias Base = MembershipTests

    static let caller = Base.server(21).address

    /// A director with the services `web`, which has a server of its own, and `dns` and `mail`, which have none; `mail` may not be
    /// joined.
    final class World: Sendable {
        let board: MembershipBoard
        let control: Control
        let plans: Plans
        /// Servers that this host cannot reach.
        let unreachable: Unreachable

        /// What the file says.
        private let files: Box

        final class Plans: Sendable {
            let latest = Mutex<[ServicePlan]>([])
        }

        final class Unreachable: Sendable {
            let addresses = Mutex<Set<IPAddress>>([])
        }

        init(
            _ configuration: DirectorConfiguration = JoiningTests.configuration(),
            resuming joins: SavedJoins = SavedJoins()
        ) async {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let (plans, unreachable) = (Plans(), Unreachable())
            (self.plans, self.unreachable) = (plans, unreachable)
            let board = MembershipBoard(configuration, resuming: joins, logger: logger) { new in
                plans.latest.withLock { $0 = new }
            }
            await board.begin()
            let files = Box(configuration)
            (self.board, self.files) = (board, files)
            control = Control(
                board: board, load: { () throws(ConfigurationError) in files.value.withLock { $0 } },
                check: { configuration throws(DirectorError) in try Self.check(configuration, unreachable) },
                logger: logger)
        }

        final class Box: Sendable {
            let value: Mutex<DirectorConfiguration>
            init(_ value: DirectorConfiguration) { self.value = Mutex(value) }
        }

        func write(_ configuration: DirectorConfiguration) { files.value.withLock { $0 = configuration } }

        static func check(_ configuration: DirectorConfiguration, _ unreachable: Unreachable) throws(DirectorError) {
            for server in configuration.services.flatMap(\.servers)
            where unreachable.addresses.withLock({ $0.contains(server.address) }) {
                throw DirectorError(operation: "use server \(server.address)", cause: "it is not on link")
            }
        }

        func join(
            _ services: String..., as claimed: IPAddress? = nil, weight: Int = 1, agentPort: UInt16 = 9380,
            from caller: IPAddress = JoiningTests.caller, at now: LeaseBook.Instant = .now
        ) async throws(ControlRefusal) -> [JoinAnswer.Outcome] {
            try await board.join(
                JoinRequest(services: services, address: claimed, agentPort: agentPort, weight: weight), from: caller,
                at: now,
                look: { [unreachable] _ throws(DirectorError) in
                    { configuration throws(DirectorError) in try Self.check(configuration, unreachable) }
                }
            ).map(\.outcome)
        }

        func servers(of name: String) async -> [DirectorConfiguration.Server] {
            await board.configuration.services.first { $0.name == name }?.servers ?? []
        }

        /// How many servers the engine has, by service.
        var engineServers: [Int] { plans.latest.withLock { $0.map(\.servers.count) } }
    }

    static func configuration(
        networks: [Prefix] = [], limit: Int = 10, web servers: [DirectorConfiguration.Server] = [Base.server(11)]
    ) -> DirectorConfiguration {
        DirectorConfiguration(
            interfaces: ["eth0"],
            join: .init(
                listen: SocketAddress(address: Base.server(1).address, port: 9391), token: .text("0123456789abcdef"),
                services: ["web", "dns"], networks: networks, lease: .seconds(30), limit: limit),
            services: [
                Base.service(servers), Base.service(named: "dns", port: 53, []),
                Base.service(named: "mail", port: 25, []),
            ])
    }

    static func refusal(
        _ kind: ControlRefusal.Kind, _ words: String, _ body: () async throws -> Void
    ) async {
        let refusal = await #expect(throws: ControlRefusal.self) { try await body() }
        #expect(refusal?.kind == kind, "\(refusal?.error.description ?? "nothing")")
        #expect(refusal?.error.description.contains(words) == true, "\(refusal?.error.description ?? "nothing")")
    }

    @Test("a server that joins is one as if it were added by hand: polled at its agent, in force when the answer comes")
    func join() async throws {
        let world = await World()
        #expect(try await world.join("web", "dns", weight: 3, agentPort: 9999) == [.joined, .joined])
        let joined = try #require(await world.servers(of: "dns").first)
        #expect(joined.address == Self.caller && joined.isJoined && joined.weight == 3)
        #expect(joined.agent == "http://10.0.0.21:9999")
        #expect(await world.servers(of: "web").map(\.isJoined) == [false, true])
        #expect(world.engineServers == [2, 1, 0])
        #expect(await world.board.membership.agents.map(\.url) == [Base.agent, "http://10.0.0.21:9999"])
        await world.board.receive(Base.report(weight: 50), from: "http://10.0.0.21:9999")
        #expect(world.plans.latest.withLock { $0[0].servers.map(\.weight) } == [0, 150])
    }

    @Test("joining again changes nothing but the lease; another weight or port of its agent counts")
    func again() async throws {
        let world = await World()
        _ = try await world.join("web")
        await world.board.receive(Base.report(), from: "http://10.0.0.21:9380")
        let before = await world.board.configuration
        #expect(try await world.join("web") == [.joined])
        #expect(await world.board.configuration == before)
        #expect(await world.board.membership.groups[0].members[1].standing.state == .up)
        _ = try await world.control.perform(
            .set, ServerRequest(service: "web", address: Self.caller, weight: 9))
        _ = try await world.join("web")
        #expect(await world.servers(of: "web").last?.weight == 9, "its agent asks for what it asked for before")
        _ = try await world.join("web", weight: 2)
        #expect(await world.servers(of: "web").last?.weight == 2)
        _ = try await world.join("web", weight: 2, agentPort: 9999)
        #expect(await world.board.membership.agents.map(\.url) == [Base.agent, "http://10.0.0.21:9999"])
        #expect(await world.servers(of: "web").count == 2)
    }

    @Test("a server of the file, or added by hand, is there already: the answer says so, and it stays as it is")
    func configured() async throws {
        let world = await World()
        _ = try await world.control.perform(.add, ServerRequest(service: "dns", address: Self.caller, weight: 4))
        let before = await world.board.configuration
        #expect(try await world.join("web", weight: 7, from: Base.server(11).address) == [.configured])
        #expect(try await world.join("dns", weight: 7) == [.configured])
        #expect(await world.board.configuration == before)
        #expect(await world.board.leases.leases.isEmpty)
        #expect(try await world.board.leave(nil, from: Base.server(11).address) == [], "and no leave takes it out")
        #expect(await world.board.configuration == before)
    }

    @Test("nobody joins with another's address, unless its network is listed")
    func addresses() async throws {
        let other = Base.server(22).address
        let world = await World()
        await Self.refusal(.forbidden, "this comes from 10.0.0.21, and 10.0.0.22 is in none of `networks`") {
            _ = try await world.join("web", as: other)
        }
        await Self.refusal(.forbidden, "in none of `networks`") {
            _ = try await world.board.leave(other, from: Self.caller)
        }
        #expect(await world.servers(of: "web").count == 1)
        #expect(try await world.join("web", as: Self.caller) == [.joined])
        let mapped = try #require(IPAddress("::ffff:10.0.0.21"))
        #expect(try await world.join("web", from: mapped) == [.joined])
        #expect(await world.servers(of: "web").count == 2, "the same address in another notation")
        let open = await World(Self.configuration(networks: [try #require(Prefix("10.0.0.22/32"))]))
        #expect(try await open.join("web", as: other) == [.joined])
        #expect(await open.servers(of: "web").map(\.address) == [Base.server(11).address, other])
        await Self.refusal(.forbidden, "10.0.0.23") { _ = try await open.join("web", as: Base.server(23).address) }
    }

    @Test("what cannot be a server is refused as it would be by hand, and changes nothing")
    func refusals() async throws {
        let world = await World(Self.configuration(networks: [Prefix("192.0.2.0/24")!, Prefix("fd00::/8")!]))
        let before = await world.board.configuration
        await Self.refusal(.unknown, "there is no such service; there are: web, dns, mail") {
            _ = try await world.join("wbe")
        }
        await Self.refusal(.forbidden, "servers may not join it by themselves") { _ = try await world.join("mail") }
        await Self.refusal(.conflict, "that is a VIP") { _ = try await world.join("web", as: Base.vip) }
        await Self.refusal(.invalid, "it is IPv6") { _ = try await world.join("web", as: IPAddress("fd00::1")) }
        await Self.refusal(.invalid, "not the address of a host") {
            _ = try await world.join("web", from: IPAddress("127.0.0.1")!)
        }
        world.unreachable.addresses.withLock { $0 = [Self.caller] }
        await Self.refusal(.conflict, "it is not on link") { _ = try await world.join("web") }
        world.unreachable.addresses.withLock { $0 = [] }
        #expect(await world.board.configuration == before)
        #expect(await world.board.leases.leases.isEmpty)
        #expect(try await world.join("mail", "web", "wbe") == [.refused, .joined, .refused], "each by itself")
        #expect(await world.servers(of: "mail").isEmpty)
    }

    @Test("no more join than may, and who has joined goes on")
    func limit() async throws {
        let world = await World(Self.configuration(limit: 2))
        _ = try await world.join("web")
        _ = try await world.join("web", from: Base.server(22).address)
        await Self.refusal(.conflict, "2 servers have joined, which is the limit") {
            _ = try await world.join("dns")
        }
        #expect(try await world.join("web") == [.joined])
        _ = try await world.board.leave(nil, from: Base.server(22).address)
        #expect(try await world.join("dns") == [.joined])
    }

    @Test("a lease that runs out takes the server out, and no other; one that is renewed goes on")
    func lease() async throws {
        let world = await World()
        let start = ContinuousClock.now
        _ = try await world.join("web", "dns", at: start)
        _ = try await world.join("web", from: Base.server(22).address, at: start)
        for second in 1...60 {
            let now = start + .seconds(second)
            if second % 10 == 0 { _ = try await world.join("web", from: Base.server(22).address, at: now) }
            await world.board.endLeases(at: now)
            let addresses = await world.servers(of: "web").map(\.address)
            let all = [Base.server(11).address, Self.caller, Base.server(22).address]
            #expect(addresses == (second < 30 ? all : [all[0], all[2]]), "after \(second) s")
        }
        #expect(world.engineServers == [2, 0, 0])
        // It is taken in anew when its agent is back.
        #expect(try await world.join("web", at: start + .seconds(60)) == [.joined])
        #expect(world.engineServers == [3, 0, 0])
    }

    @Test("a server that leaves is out of everything it joined at once, and leaving again is nothing")
    func leave() async throws {
        let world = await World()
        _ = try await world.join("web", "dns")
        #expect(try await world.board.leave(nil, from: Self.caller).map(\.name) == ["web", "dns"])
        #expect(world.engineServers == [1, 0, 0])
        #expect(await world.board.membership.agents.map(\.url) == [Base.agent])
        #expect(try await world.board.leave(nil, from: Self.caller) == [])
        #expect(await world.board.leases.leases.isEmpty)
    }

    @Test("a reload keeps who joined, as far as the file lets them; what the file says of one itself counts")
    func reload() async throws {
        let world = await World()
        _ = try await world.join("web", "dns", agentPort: 9999)
        _ = try await world.join("web", from: Base.server(22).address)
        _ = try await world.join("web", from: Base.server(23).address)
        _ = try await world.control.perform(.add, ServerRequest(service: "web", address: Base.server(30).address))
        _ = try await world.control.perform(.drain, ServerRequest(service: "web", address: Self.caller))
        // The file has one of them now, no more service dns for joins, and this host has lost the way to another.
        let known = Base.server(22, agent: "http://10.0.0.22:9380", weight: 5)
        var file = Self.configuration(web: [Base.server(11), known])
        file.join?.services = ["web"]
        file.join?.lease = .seconds(60)
        world.write(file)
        world.unreachable.addresses.withLock { $0 = [Base.server(23).address] }
        let answer = try await world.control.reload()
        #expect(answer.needsRestart == [])
        let web = await world.servers(of: "web")
        #expect(web.map(\.address) == [11, 22, 21].map { Base.server($0).address })
        #expect(web.map(\.isJoined) == [false, false, true] && web.map(\.weight) == [1, 5, 1])
        #expect(web.last?.agent == "http://10.0.0.21:9999")
        #expect(await world.servers(of: "dns").isEmpty)
        #expect(Set(await world.board.leases.leases.keys.map(\.address)) == [Self.caller])
        #expect(await world.board.membership.groups[0].members.map(\.isDrained) == [false, false, true])
        #expect(await world.board.configuration.join?.lease == .seconds(60))
        #expect(try await world.join("web", from: Base.server(22).address) == [.configured])
    }

    @Test("where servers join, and with what token, is told to need a restart")
    func restart() async throws {
        let world = await World()
        var file = Self.configuration()
        file.join?.token = .text("fedcba9876543210")
        world.write(file)
        #expect(
            try await world.control.reload().needsRestart == [
                "listen, tls and token of [join]: what the file says comes into force with a restart"
            ])
        #expect(await world.board.configuration.join?.token == .text("0123456789abcdef"))
    }

    @Test("without [join] in the file a reload ends it: who joined goes, and nobody joins any more")
    func ended() async throws {
        let world = await World()
        _ = try await world.join("web")
        #expect(await world.servers(of: "web").count == 2)
        var file = Self.configuration()
        let join = file.join
        file.join = nil
        world.write(file)
        #expect(try await world.control.reload().needsRestart == [])
        #expect(await world.servers(of: "web").count == 1)
        #expect(await world.board.leases.leases.isEmpty)
        await #expect(throws: (any Error).self) { _ = try await world.join("web") }
        file.join = join
        world.write(file)
        #expect(try await world.control.reload().needsRestart.count == 1)
        await #expect(throws: (any Error).self) { _ = try await world.join("web") }
        #expect(await world.servers(of: "web").count == 1)
    }

    @Test("one that joined is not removed by hand, which its agent would undo, and not added a second time")
    func byHand() async throws {
        let world = await World()
        _ = try await world.join("web")
        await Self.refusal(.conflict, "it joined by itself, and would do so again; stop its agent") {
            _ = try await world.control.perform(.remove, ServerRequest(service: "web", address: Self.caller))
        }
        await Self.refusal(.conflict, "it is one of its servers already, and joined by itself") {
            _ = try await world.control.perform(.add, ServerRequest(service: "web", address: Self.caller))
        }
        #expect(await world.servers(of: "web").count == 2)
    }

    @Test("the desk answers with the lease, refuses with the status, and tells the log of an address once a minute")
    func desk() async throws {
        let world = await World()
        let lines = LinesOfLog()
        let desk = JoinDesk(
            board: world.board, look: { _ throws(DirectorError) in { _ throws(DirectorError) in } },
            program: "rsdirector 0.1.0",
            logger: Logger(label: "test") { _ in lines.handler }
        ).desk
        let request = JoinRequest(services: ["web"], agentPort: 9380)
        #expect(
            await desk.join(request, Self.caller)
                == .success(
                    JoinAnswer(
                        director: "rsdirector 0.1.0", leaseSeconds: 30,
                        services: [.init(name: "web", outcome: .joined)])))
        for _ in 0..<3 {
            let refused = await desk.join(JoinRequest(services: ["mail"], agentPort: 9380), Self.caller)
            guard case .failure(let refusal) = refused else {
                Issue.record("\(refused)")
                return
            }
            #expect(refusal.status == 403 && refusal.reason.contains("servers may not join it by themselves"))
        }
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.hasPrefix("refused: 10.0.0.21 asked to join: cannot join service mail") == true)
        #expect(await desk.leave(nil, Self.caller).map(\.services) == .success([.init(name: "web", outcome: .joined)]))
    }
}

/// What was logged.
final class LinesOfLog: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var handler: Handler { Handler(lines: self) }

    struct Handler: LogHandler {
        let lines: LinesOfLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(lines: LinesOfLog) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.message)") } }
    }
}
