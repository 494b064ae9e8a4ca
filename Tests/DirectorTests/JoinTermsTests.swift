internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress
internal import Synchronization
internal import Testing

@testable internal import Director

/// What a join may ask for, and what it costs to be asked.
@Suite("what servers that join may ask for")
struct JoinTermsTests {
    typealias Base = MembershipTests
    typealias World = JoiningTests.World

    private static let caller = JoiningTests.caller

    /// `nat` is a service with network address translation.
    private static func configuration(limit: Int = 10) -> DirectorConfiguration {
        var configuration = JoiningTests.configuration(limit: limit)
        configuration.services.append(
            .init(name: "nat", vips: [Base.vip], port: 8000, forward: .nat, servers: []))
        configuration.join?.services.insert("nat")
        return configuration
    }

    /// How often this host was looked at.
    final class Looks: Sendable {
        let count = Mutex(0)
    }

    private static func join(
        _ world: World, _ request: JoinRequest, looks: Looks? = nil, refusing: Set<String> = []
    ) async throws(ControlRefusal) -> [JoinAnswer.Outcome] {
        try await world.board.join(request, from: caller) { _ throws(DirectorError) in
            looks?.count.withLock { $0 += 1 }
            return { configuration throws(DirectorError) in
                guard configuration.services.count == 1, configuration.services[0].servers.count == 1 else {
                    throw DirectorError(operation: "look", cause: "more than the one server is asked about")
                }
                guard !refusing.contains(configuration.services[0].name) else {
                    throw DirectorError(operation: "use server", cause: "it is not on link")
                }
            }
        }.map(\.outcome)
    }

    @Test("with NAT a server has the port that its agent says; one set by hand stays until it says another")
    func realPort() async throws {
        let world = await World(Self.configuration())
        var request = JoinRequest(services: ["nat", "web"], agentPort: 9380, realPorts: ["nat": 8080])
        #expect(try await Self.join(world, request) == [.joined, .joined])
        #expect(world.plans.latest.withLock { $0.map { $0.servers.last?.port } } == [0, nil, nil, 8080])
        #expect(await world.board.savedJoins.servers.map(\.wish.port) == [nil, 8080])
        _ = try await world.control.perform(.set, ServerRequest(service: "nat", address: Self.caller, port: 9000))
        #expect(try await Self.join(world, request) == [.joined, .joined])
        #expect(await world.servers(of: "nat")[0].port == 9000)
        request.realPorts = ["nat": 8081]
        _ = try await Self.join(world, request)
        #expect(await world.servers(of: "nat")[0].port == 8081)
        request.realPorts = [:]
        _ = try await Self.join(world, request)
        #expect(await world.servers(of: "nat")[0].port == nil, "the VIP's again")
        request.realPorts = ["nat": 8080]
        _ = try await Self.join(world, request)
        // A reload keeps it, with the file's word on all else.
        _ = try await world.control.reload()
        #expect(await world.servers(of: "nat")[0].port == 8080)
    }

    @Test("a port of its own where packets keep theirs is refused, on its own")
    func noRealPort() async throws {
        let world = await World(Self.configuration())
        let request = JoinRequest(services: ["web", "nat"], agentPort: 9380, realPorts: ["web": 8080])
        #expect(try await Self.join(world, request) == [.refused, .joined])
        await JoiningTests.refusal(.invalid, "a server has a port of its own only with forward = \"nat\"") {
            _ = try await Self.join(world, JoinRequest(services: ["web"], agentPort: 9380, realPorts: ["web": 8080]))
        }
    }

    @Test("an agent that another server shows a token of its own is nobody else's to join with, or to add")
    func agentOfAnother() async throws {
        let agent = "http://10.0.0.21:9380"
        var owner = Base.server(11, agent: agent)
        owner.access = .init(token: .text("fedcba9876543210"))
        let configuration = JoiningTests.configuration(web: [owner])
        let world = await World(configuration)
        for _ in 0..<2 {
            await JoiningTests.refusal(.conflict, "its agent, \(agent), is asked already for a server") {
                _ = try await world.join("dns")
            }
        }
        #expect(await world.board.configuration == configuration)
        #expect(await world.board.membership.agents.map(\.access) == [owner.access])
        await JoiningTests.refusal(.conflict, "its agent, \(agent), is asked already for a server") {
            _ = try await world.control.perform(.add, ServerRequest(service: "dns", address: Self.caller))
        }
        // At another port it is another agent; moved there later, it is refused and stays where it was.
        #expect(try await world.join("dns", agentPort: 9999) == [.joined])
        await JoiningTests.refusal(.conflict, "its agent, \(agent), is asked already") {
            _ = try await world.join("dns")
        }
        #expect(await world.servers(of: "dns").map(\.agent) == ["http://10.0.0.21:9999"])
        // One that shows it what [agent] says is no obstacle.
        let same = await World(JoiningTests.configuration(web: [Base.server(11, agent: agent)]))
        #expect(try await same.join("dns") == [.joined])
    }

    @Test("a reload lets a server go whose agent the file now shows a token of its own")
    func agentTakenByTheFile() async throws {
        let world = await World()
        _ = try await world.join("dns")
        var owner = Base.server(11, agent: "http://10.0.0.21:9380")
        owner.access = .init(token: .text("fedcba9876543210"))
        world.write(JoiningTests.configuration(web: [owner]))
        _ = try await world.control.reload()
        #expect(await world.servers(of: "dns").isEmpty)
        #expect(await world.board.membership.agents.map(\.access) == [owner.access])
    }

    @Test(
        "the host is looked at once for a whole request, and not at all for one that renews or that is refused anyway")
    func looks() async throws {
        let world = await World(Self.configuration())
        let looks = Looks()
        let request = JoinRequest(services: ["mail", "web", "dns", "nat", "none"], agentPort: 9380)
        #expect(
            try await Self.join(world, request, looks: looks, refusing: ["dns"])
                == [.refused, .joined, .refused, .joined, .refused])
        #expect(looks.count.withLock { $0 } == 1)
        let again = JoinRequest(services: ["web", "nat"], agentPort: 9380)
        for _ in 0..<3 { #expect(try await Self.join(world, again, looks: looks) == [.joined, .joined]) }
        #expect(looks.count.withLock { $0 } == 1)
        await #expect(throws: ControlRefusal.self) {
            _ = try await Self.join(world, JoinRequest(services: ["mail", "none"], agentPort: 9380), looks: looks)
        }
        #expect(looks.count.withLock { $0 } == 1)
    }

    @Test("what this host cannot send to takes no room from what comes after it in the request")
    func room() async throws {
        let world = await World(Self.configuration(limit: 1))
        let request = JoinRequest(services: ["dns", "web", "nat"], agentPort: 9380)
        #expect(try await Self.join(world, request, refusing: ["dns"]) == [.refused, .joined, .refused])
    }

    @Test("a refusal for each of many services is short, however many there are here")
    func shortRefusals() async throws {
        var configuration = JoiningTests.configuration()
        configuration.services += (0..<1000).map { Base.service(named: "service-\($0)", port: 1000 + UInt16($0), []) }
        let world = await World(configuration)
        let names = (0..<500).map { "unknown-\($0)" }
        let answers = try await world.board.join(
            JoinRequest(services: ["web"] + names, agentPort: 9380), from: Self.caller
        ) { _ throws(DirectorError) in { _ throws(DirectorError) in } }
        #expect(answers.count == 501 && answers[0].outcome == .joined)
        // An agent reads no more than 256 KiB.
        #expect(answers.reduce(0) { $0 + $1.reason.utf8.count } < 250_000)
        #expect(answers[1].reason.hasSuffix("and 983 more"))
    }
}
