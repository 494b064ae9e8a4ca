internal import ConfigurationFile
internal import Forwarding
internal import Glibc
internal import HummingbirdCore
internal import Lab
internal import Logging
internal import NetworkAddress
internal import Synchronization
internal import Testing

@testable internal import Director

/// What the engine was told, and files that change: the control socket's business without a packet.
@Suite("servers and services changed while the director runs")
struct ControlTests {
    typealias Base = MembershipTests

    static func configuration(_ services: [DirectorConfiguration.Service] = [service()]) -> DirectorConfiguration {
        DirectorConfiguration(interfaces: ["eth0"], services: services)
    }

    static func service() -> DirectorConfiguration.Service {
        Base.service([Base.server(11, agent: nil), Base.server(12, agent: nil)])
    }

    /// What a test's director reads and does.
    final class World: Sendable {
        let plans = Mutex<[ServicePlan]>([])
        let outbound = Mutex<[DirectorConfiguration.Outbound]>([])
        let file = Mutex<Result<DirectorConfiguration, ConfigurationError>>(.success(configuration()))
        let obstacle = Mutex<DirectorError?>(nil)

        func control() async -> Control {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let board = MembershipBoard(
                configuration(), logger: logger,
                applyOutbound: { rules in self.outbound.withLock { $0 = rules } },
                apply: { plans in self.plans.withLock { $0 = plans } })
            await board.begin()
            return Control(
                board: board, load: { () throws(ConfigurationError) in try self.file.withLock { $0 }.get() },
                check: { _ throws(DirectorError) in if let obstacle = self.obstacle.withLock({ $0 }) { throw obstacle }
                },
                logger: logger)
        }

        var weights: [[Int]] { plans.withLock { $0.map { $0.servers.map(\.weight) } } }
    }

    static func request(_ last: UInt8, weight: Int? = nil, port: UInt16? = nil, agent: Bool? = nil) -> ServerRequest {
        ServerRequest(service: "web", address: Base.server(last).address, weight: weight, port: port, agent: agent)
    }

    @Test("a server is added, set, drained, undrained and removed; each is in force when the answer comes")
    func life() async throws {
        let world = World()
        let control = await world.control()
        let added = try await control.perform(.add, Self.request(13, weight: 5, agent: false))
        #expect(added.changes == ["service web: server 10.0.0.13 added, weight 5"])
        #expect(world.weights == [[1, 1, 5]])
        let set = try await control.perform(.set, Self.request(13, weight: 6))
        #expect(set.changes == ["service web: server 10.0.0.13 has weight 6, before 5"])
        #expect(world.weights == [[1, 1, 6]])
        _ = try await control.perform(.drain, Self.request(11))
        #expect(world.weights == [[0, 1, 6]])
        _ = try await control.perform(.undrain, Self.request(11))
        _ = try await control.perform(.remove, Self.request(12))
        #expect(world.weights == [[1, 6]])
        // An agent is asked as [agent] says.
        _ = try await control.perform(.add, Self.request(14))
        #expect(await control.board.membership.agents.map(\.url) == ["http://10.0.0.14:9380"])
        #expect(world.weights == [[1, 6, 0]])
    }

    @Test("what cannot be is refused, with why, and changes nothing")
    func refusals() async throws {
        let world = World()
        let control = await world.control()
        let vip = ServerRequest(service: "web", address: Base.vip)
        let wrong: [(Control.Deed, ServerRequest, ControlRefusal.Kind, String)] = [
            (.add, Self.request(11), .conflict, "it is one of its servers already"),
            (.add, vip, .conflict, "that is a VIP"),
            (
                .add, ServerRequest(service: "web", address: IPAddress("127.0.0.1")!), .invalid,
                "not the address of a host"
            ),
            (.add, ServerRequest(service: "web", address: IPAddress("fd00::1")!), .invalid, "it is IPv6"),
            (.add, ServerRequest(service: "mail", address: Base.vip), .unknown, "there are: web"),
            (.add, Self.request(13, weight: 65_536), .invalid, "not from 0 to 65535"),
            (.add, Self.request(13, port: 81), .invalid, "only with forward = \"nat\""),
            (.set, Self.request(13, weight: 1), .unknown, "they are: 10.0.0.11, 10.0.0.12"),
            (.set, Self.request(11), .invalid, "there is nothing to set"),
            (.set, Self.request(11, weight: -1), .invalid, "not from 0 to 65535"),
            (.set, Self.request(11, weight: 2, agent: false), .invalid, "not changed at run time"),
            (.remove, Self.request(13), .unknown, "it is not one of its servers"),
            (.remove, Self.request(11, weight: 1), .invalid, "alone"),
            (.drain, Self.request(13), .unknown, "it is not one of its servers"),
            (.drain, Self.request(11, weight: 0), .invalid, "alone"),
            (.undrain, ServerRequest(service: "mail", address: Base.vip), .unknown, "no such service"),
        ]
        for (deed, request, kind, words) in wrong {
            let refusal = await #expect(throws: ControlRefusal.self) { try await control.perform(deed, request) }
            #expect(refusal?.kind == kind, "\(deed) \(request)")
            #expect(refusal?.error.description.contains(words) == true, "\(refusal?.error.description ?? "nothing")")
        }
        world.obstacle.withLock { $0 = DirectorError(operation: "use server 10.0.0.13", cause: "it is not on link") }
        let refusal = await #expect(throws: ControlRefusal.self) { try await control.perform(.add, Self.request(13)) }
        #expect(refusal?.error.cause == "it is not on link")
        #expect(world.weights == [[1, 1]])
        #expect(await control.board.configuration == Self.configuration())
    }

    @Test("a reload makes the file what is in force, by hand or not; drained servers stay drained")
    func reload() async throws {
        let world = World()
        let control = await world.control()
        _ = try await control.perform(.add, Self.request(13, agent: false))
        _ = try await control.perform(.set, Self.request(12, weight: 9))
        _ = try await control.perform(.drain, Self.request(12))
        var web = Self.service()
        web.scheduler = .rr
        web.servers.append(Base.server(14, agent: nil, weight: 3))
        let api = Base.service(named: "api", port: 81, [Base.server(11, agent: nil)])
        world.file.withLock { $0 = .success(Self.configuration([web, api])) }
        let answer = try await control.reload()
        #expect(
            answer.changes == [
                "service web: changed", "service web: server 10.0.0.13 removed",
                "service web: server 10.0.0.12 has weight 1, before 9", "service web: server 10.0.0.14 added, weight 3",
                "service api: added with 1 servers",
            ])
        #expect(world.weights == [[1, 0, 3], [1]])
        #expect(world.plans.withLock { $0.map(\.scheduler) } == [.rr, .wrr])
        world.file.withLock { $0 = .success(Self.configuration([api])) }
        #expect(try await control.reload().changes == ["service web: removed"])
        #expect(try await control.reload().changes == [])
    }

    @Test("with a file that is wrong, or that this host cannot carry out, everything stays")
    func badReload() async throws {
        let world = World()
        let control = await world.control()
        do throws(ConfigurationError) {
            _ = try DirectorConfiguration.parse("interface = 7", file: "rsdirector.toml")
        } catch {
            world.file.withLock { $0 = .failure(error) }
        }
        let refusal = await #expect(throws: ControlRefusal.self) { try await control.reload() }
        #expect(refusal?.error.description.contains("rsdirector.toml:1") == true)
        world.file.withLock { $0 = .success(Self.configuration([])) }
        world.obstacle.withLock { $0 = DirectorError(operation: "serve VIP 192.0.2.10", cause: "it is on eth0") }
        await #expect(throws: ControlRefusal.self) { try await control.reload() }
        world.obstacle.withLock { $0 = nil }
        #expect(world.weights == [[1, 1]])
        #expect(await control.board.configuration == Self.configuration())
    }

    @Test("rules of source NAT come into force with a reload, and are told")
    func outboundReload() async throws {
        let world = World()
        let control = await world.control()
        var file = Self.configuration()
        let source = try #require(Prefix("10.0.0.0/24"))
        file.outbound = [.init(sources: [source], address: .v4(IPv4Address(203, 0, 113, 5)))]
        world.file.withLock { [file] in $0 = .success(file) }
        #expect(
            try await control.reload().changes == ["outbound: 10.0.0.0/24 as 203.0.113.5:1024-65535 added"])
        #expect(world.outbound.withLock { $0 } == file.outbound)
        file.outbound[0].ports = 60000...60999
        world.file.withLock { [file] in $0 = .success(file) }
        #expect(
            try await control.reload().changes == [
                "outbound: 10.0.0.0/24 as 203.0.113.5:1024-65535 removed",
                "outbound: 10.0.0.0/24 as 203.0.113.5:60000-60999 added",
            ])
        #expect(world.outbound.withLock { $0 } == file.outbound)
        let (servers, seen) = (try #require(Prefix("fd00::/64")), try #require(IPAddress("2001:db8::5")))
        file.outbound = [.init(sources: [servers], address: seen)]
        world.file.withLock { [file] in $0 = .success(file) }
        #expect(try await control.reload().changes.last == "outbound: fd00::/64 as [2001:db8::5]:1024-65535 added")
    }

    @Test("what only a restart brings about is named, and the rest is done")
    func needsRestart() async throws {
        let world = World()
        let control = await world.control()
        var file = Self.configuration()
        file.interfaces = ["eth1"]
        file.runDirectory = "/run/other"
        file.flows = 1024
        file.workers = DirectorConfiguration.workersByDefault % 64 + 1
        file.ownsVIPs = false
        file.status = SocketAddress("127.0.0.1:9390")
        file.services[0].servers.removeLast()
        world.file.withLock { [file] in $0 = .success(file) }
        let answer = try await control.reload()
        #expect(
            answer.needsRestart.map { $0.prefix { $0 != ":" } } == [
                "interface", "run_dir", "status", "own_vip", "flows", "workers",
            ])
        #expect(answer.changes == ["service web: server 10.0.0.12 removed"])
        let now = await control.board.configuration
        #expect(now.interfaces == ["eth0"] && now.flows == DirectorConfiguration.defaultFlows && now.ownsVIPs)
    }

    @Test("over the socket: done, or refused in words, and by nobody on the status address")
    func socket() async throws {
        let world = World()
        let control = await world.control()
        let scratch = try ScratchDirectory()
        let path = ControlSocket.path(inRunDirectory: scratch.path)
        let (listening, tell) = AsyncStream.makeStream(of: Void.self)
        let server = StatusServer(
            name: path, address: .unixDomainSocket(path: path), logger: control.logger,
            routes: StatusRoutes(snapshot: { preconditionFailure("nobody asks") }), control: control,
            whenListening: { tell.yield() })
        try await server.running {
            for await _ in listening { break }
            let client = ControlClient(runDirectory: scratch.path)
            let answer = try await client.perform(.add, Self.request(13, weight: 2, agent: false))
            #expect(answer.changes == ["service web: server 10.0.0.13 added, weight 2"])
            #expect(world.weights == [[1, 1, 2]])
            let refusal = await #expect(throws: DirectorError.self) {
                try await client.perform(.remove, Self.request(99))
            }
            #expect(refusal?.cause.contains("it is not one of its servers") == true)
            #expect(try await client.reload().changes == ["service web: server 10.0.0.13 removed"])
        }
    }

    @Test("a body that is not what it should be is refused: a misspelt key would be left out of account")
    func bodies() throws {
        let good = #"{"service":"web","address":"10.0.0.14","weight":2}"#
        #expect(try Control.request(in: Array(good.utf8)) == Self.request(14, weight: 2))
        for (body, words) in [
            ("", "not what it should be"), (#"{"service":"web"}"#, "address"),
            (#"{"service":"web","address":"10.0.0.14","wieght":0}"#, "`wieght` is not known"),
            (#"{"service":"web","address":"ten","weight":0}"#, "not what it should be"),
            (#"{"service":"web","address":"10.0.0.14","weight":1e99}"#, "not what it should be"),
        ] {
            let refusal = #expect(throws: ControlRefusal.self) { try Control.request(in: Array(body.utf8)) }
            #expect(refusal?.kind == .invalid && refusal?.error.description.contains(words) == true, "\(body)")
        }
    }

    private final class Journal: Sendable {
        let lines = Mutex<[String]>([])
    }

    @Test("a poller runs for each agent there is: new ones are started, others stopped, the rest left alone")
    func pollers() async throws {
        struct Wish: Identifiable, Equatable, Sendable {
            var id: String
            var version = 1
        }
        let journal = Journal()
        let expect = { @Sendable (wanted: Set<String>) async throws in
            let end = ContinuousClock.now + .seconds(20)
            while Set(journal.lines.withLock { $0 }) != wanted {
                guard ContinuousClock.now < end else {
                    throw LabError("\(journal.lines.withLock { $0 }), not \(wanted)")
                }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let (wishes, wish) = AsyncStream.makeStream(of: [Wish].self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await keepRunning(wishes) { wish in
                    journal.lines.withLock { $0.append("+\(wish.id)\(wish.version)") }
                    try? await Task.sleep(for: .seconds(3600))
                    journal.lines.withLock { $0.append("-\(wish.id)\(wish.version)") }
                }
            }
            wish.yield([Wish(id: "a"), Wish(id: "b"), Wish(id: "c")])
            try await expect(["+a1", "+b1", "+c1"])
            wish.yield([Wish(id: "a"), Wish(id: "b", version: 2), Wish(id: "d")])
            try await expect(["+a1", "+b1", "+c1", "-b1", "-c1", "+b2", "+d1"])
            group.cancelAll()
        }
        #expect(Set(journal.lines.withLock { $0 }).isSuperset(of: ["-a1", "-b2", "-d1"]), "all are over with it")
        #expect(journal.lines.withLock { $0 }.count == 10, "each once")
    }
}
