import ConfigurationFile
import Glibc
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

@Suite("HAProxy's agent-check")
struct AgentCheckTests {
    static func service(
        _ state: ServiceState, weight: Int = 0, base: Int = 100, reason: String = ""
    ) -> Report.Service {
        Report.Service(
            name: "web", vips: [address("192.0.2.10")], ports: [80], transport: .tcp, forward: .dr, state: state,
            weight: weight, baseWeight: base, reason: reason, connections: nil, setup: .init(problems: []), checks: [])
    }

    @Test(
        "each state has its line, which says all there is to say",
        arguments: [
            (service(.up, weight: 87), "up ready 87%\n"), (service(.up, weight: 100), "up ready 100%\n"),
            (service(.up, weight: 1, base: 65_535), "up ready 1%\n"),
            (service(.up, weight: 1, base: 3), "up ready 33%\n"),
            (service(.up, weight: 2, base: 3), "up ready 67%\n"), (service(.up, weight: 150), "up ready 150%\n"),
            (service(.up, weight: 65_535, base: 1), "up ready 25600%\n"), (service(.up), "up drain\n"),
            (service(.up, weight: 0, base: 0), "up drain\n"), (service(.up, weight: 40, base: 0), "up ready 40%\n"),
            (service(.draining, reason: "drain by hand"), "up drain\n"), (service(.drained), "up drain\n"),
            (service(.maint, reason: "x"), "maint\n"),
            (service(.down, reason: "http /: 500, wanted 200"), "down # http /: 500, wanted 200\n"),
            (service(.down), "down # no reason known\n"),
            (service(.down, reason: "a\r\nup ready 100%\0#b\u{7F}\u{1B}[2Jé"), "down # a up ready 100% b [2J\n"),
        ])
    func lines(service: Report.Service, line: String) {
        #expect(AgentCheckLine.line(for: service) == line)
    }

    @Test("a reason is cut, whatever is in it")
    func longReason() {
        let line = AgentCheckLine.line(for: Self.service(.down, reason: String(repeating: "é#x ", count: 100_000)))
        #expect(line.utf8.count <= AgentCheckLine.longestReason + 8)
        #expect(line.utf8.dropLast().allSatisfy { (0x20...0x7E).contains($0) } && line.hasSuffix("\n"))
        #expect(line.dropFirst(6).contains("#") == false)
    }

    /// An agent whose only service has a line, on a port that was free a moment ago.
    private func start(directors: [String] = ["127.0.0.7"], allowing callers: [String] = []) async throws
        -> (agent: GuardedAgent, port: UInt16)
    {
        let (descriptor, port) = try #require(BoundSocket.bind(to: "127.0.0.1"))
        close(descriptor)
        var service = makeService()
        service.agentCheck = ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: port)
        return (try await GuardedAgent(directors: directors, services: [service]), port)
    }

    @Test("a caller gets its line without saying a word, or whatever it says, and a director's question counts")
    func answers() async throws {
        let (agent, port) = try await start()
        #expect(try await Caller127(to: port).rest() == "up ready 100%\n")
        _ = try await agent.reporter.store.ask(for: .drain, ControlRequest())
        for text in ["", "hello\n", String(repeating: "x", count: 2_000)] {
            let caller = try Caller127(to: port, from: "127.0.0.7")
            caller.send(text)
            #expect(await caller.rest() == "up drain\n")
        }
        #expect(await agent.reporter.store.controlAnswer().administered[0].waitingFor == [address("127.0.0.7")])
        // Those were of one round.
        var asked = 4
        try await eventually("the director is taken to have noticed") {
            let line = try await Caller127(to: port, from: "127.0.0.7").rest()
            #expect(line == "up drain\n")
            asked += 1
            return await agent.reporter.store.controlAnswer().administered[0].waitingFor == []
        }
        #expect(agent.reporter.gate.counters.current.agentChecks == ["web": asked])
        try await agent.stop()
    }

    @Test("who never reads, never closes or talks without end is hung up on")
    func lingering() async throws {
        let (agent, port) = try await start()
        // On a thread of the pool's own: this task may be going on where it last waited, on the agent's one event loop, and then
        // nobody would accept what is more than the backlog holds.
        let callers = try await Task.detached { try (0..<300).map { _ in try Caller127(to: port) } }.value
        let talker = try Caller127(to: port)
        try await eventually("all are gone") {
            talker.send(String(repeating: "x", count: 10_000))
            return agent.reporter.gate.registry.open.values.allSatisfy { $0 == 0 }
        }
        #expect(try await Caller127(to: port).rest() == "up ready 100%\n")
        withExtendedLifetime(callers) {}
        try await agent.stop()
    }

    @Test("an address that is taken is an error that names it and its key")
    func taken() async throws {
        let (descriptor, port) = try #require(BoundSocket.bind(to: "127.0.0.1"))
        defer { close(descriptor) }
        #expect(listen(descriptor, 1) == 0)
        let folder = Folder()
        var service = makeService()
        service.agentCheck = ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: port)
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, services: [service]), listen: [], identity: somebody,
            countConnections: { $0.map { _ in 0 } }, logger: silent)
        let error = await #expect(throws: ReporterError.self) { try await reporter.run() }
        #expect(error?.description.contains("listen on 127.0.0.1:\(port): Address already in use") == true)
        #expect(error?.cure.contains("`agent_check` of service web") == true)
    }
}

@Suite("A director's own check")
struct DirectorCheckTests {
    @Test(
        "keepalived's exit status says the weight, drained or failed",
        arguments: [
            (AgentCheckTests.service(.up, weight: 100), 102), (AgentCheckTests.service(.up, weight: 1), 3),
            (AgentCheckTests.service(.up, weight: 253, base: 253), 255),
            (AgentCheckTests.service(.up, weight: 300), 255),
            (AgentCheckTests.service(.up, weight: 1_000, base: 1_000), 255),
            (AgentCheckTests.service(.up, weight: 500, base: 1_000), 129),
            (AgentCheckTests.service(.up, weight: 1, base: 65_535), 3), (AgentCheckTests.service(.up), 2),
            (AgentCheckTests.service(.up, weight: 0, base: 0), 2),
            (AgentCheckTests.service(.up, weight: 7, base: 0), 9),
            (AgentCheckTests.service(.draining), 2), (AgentCheckTests.service(.drained), 2),
            (AgentCheckTests.service(.maint), 1), (AgentCheckTests.service(.down), 1),
        ])
    func keepalived(service: Report.Service, status: Int) {
        #expect(DirectorCheck.keepalived.exitStatus(for: service) == Int32(status))
    }

    @Test(
        "ldirectord's says up or not",
        arguments: [
            (AgentCheckTests.service(.up, weight: 1), 0), (AgentCheckTests.service(.up), 1),
            (AgentCheckTests.service(.draining), 1), (AgentCheckTests.service(.drained), 1),
            (AgentCheckTests.service(.maint), 1), (AgentCheckTests.service(.down), 1),
        ])
    func ldirectord(service: Report.Service, status: Int) {
        #expect(DirectorCheck.ldirectord.exitStatus(for: service) == Int32(status))
    }

    @Test("an agent that accepts and says nothing, or trickles, is no answer within the limit")
    func hanging() async throws {
        for behaviour in [CheckedServer.Behaviour.hang, .endless, .answerAndHang("HTTP/1.1 200 OK\r\n")] {
            let server = try await CheckedServer(behaviour)
            let client = try AgentClient(url: "http://127.0.0.1:\(server.port)")
            let start = ContinuousClock.now
            await #expect(throws: ReporterError.self) {
                _ = try await client.service("web", within: .milliseconds(300))
            }
            #expect(ContinuousClock.now - start < .seconds(15))
            try await server.stop()
        }
    }

    @Test("an agent is asked over TCP, and its refusal is passed on")
    func asks() async throws {
        let agent = try await GuardedAgent()
        let client = try AgentClient(url: "http://127.0.0.1:\(agent.port)/")
        #expect(try await client.service("web", within: .seconds(20)).weight == 100)
        let error = await #expect(throws: ReporterError.self) {
            _ = try await client.service("wbe", within: .seconds(20))
        }
        #expect(error?.cause.contains("known are web") == true)
        try await agent.stop()
        let gone = await #expect(throws: ReporterError.self) {
            _ = try await client.service("web", within: .seconds(20))
        }
        #expect(gone?.kind == .unreachable)
        for (server, isOverTLS, url) in [
            ("10.0.0.11", false, "http://10.0.0.11:9380"), ("10.0.0.11", true, "https://10.0.0.11:9380"),
            ("2001:db8::11", true, "https://[2001:db8::11]:9380"),
            ("[2001:db8::11]", false, "http://[2001:db8::11]:9380"),
            ("rs1", false, nil), ("", true, nil), ("[]", true, nil),
        ] as [(String, Bool, String?)] {
            #expect(DirectorCheck.agentURL(on: server, isOverTLS: isOverTLS) == url)
        }
        #expect(throws: ReporterError.self) {
            _ = try AgentClient(url: "http://10.0.0.11:9380", tls: .init(authority: "/x"))
        }
        #expect(throws: ReporterError.self) { _ = try AgentClient(url: "10.0.0.11:9380") }
    }
}
