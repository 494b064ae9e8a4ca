import ConfigurationFile
import Logging
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

@Suite("An agent that joins directors by itself", .serialized)
struct JoinerTests {
    /// An agent on loopback with these joins.
    private final class Agent: Sendable {
        let reporter: HealthReporter
        let log = Box<[String]>([])
        private let folder = Folder()
        private let group: ServiceGroup
        private let task: Task<Void, any Error>

        init(
            _ joins: [AgentConfiguration.Join], listen: String = "127.0.0.1",
            count: @escaping @Sendable () -> Int = { 0 }
        ) throws {
            var configuration = makeConfiguration(in: folder, directors: ["127.0.0.1"])
            configuration.joins = joins
            configuration.stopTimeout = .seconds(20)
            reporter = try HealthReporter(
                configuration: configuration, listen: [.init(address: address(listen), port: 0)], identity: somebody,
                countConnections: { $0.map { _ in count() } },
                logger: Logger(label: "test") { [log] _ in CapturingLog(lines: log) })
            group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [reporter], logger: silent))
            let group = group
            task = Task.detached { try await group.run() }
        }

        var joins: [JoinStatus] { get async { await reporter.store.controlAnswer().joins } }

        func beginStop() async { await group.triggerGracefulShutdown() }

        func stop() async throws {
            await beginStop()
            try await task.value
        }
    }

    private func join(
        _ director: JoinableDirector, token: AgentConfiguration.ReportAdmission.Token = .text(testToken),
        authority: String? = nil, weight: Int = 1
    ) -> AgentConfiguration.Join {
        .init(
            director: director.place, isOverTLS: authority != nil, token: token, authority: authority,
            services: ["web"], weight: weight)
    }

    @Test("it joins once it listens and the host is set up, renews, and leaves only after it drained")
    func life() async throws {
        let director = try await JoinableDirector(answer: JoinableDirector.joined("web", lease: 1))
        let open = Box(1)
        let agent = try Agent([join(director, weight: 7)], count: { open.value })
        let port = try #require(try await agent.reporter.waitUntilListening().first).port
        #expect(await agent.joins == [JoinStatus(director: "http://127.0.0.1:\(director.port)")])
        #expect(director.visits.value == [], "the VIP is not known to be there")
        await agent.reporter.report(setupProblems: [:])
        let request = JoinableDirector.Visit.join(
            JoinRequest(services: ["web"], agentPort: port, weight: 7), from: address("127.0.0.1"))
        try await eventually("it has joined and renewed") { director.visits.value.count >= 3 }
        #expect(Set(director.visits.value.map { $0 == request }) == [true])
        #expect(
            await agent.joins
                == [JoinStatus(director: "http://127.0.0.1:\(director.port)", state: .joined, services: ["web"])])
        #expect(agent.log.value.count { $0.hasPrefix("joined http://127.0.0.1:\(director.port) for web") } == 1)
        // Who asks is a director that takes notice of the stop at once.
        await agent.beginStop()
        let (before, isLeft) = (director.visits.value.count, { director.visits.value.contains { $0 != request } })
        try await eventually("it renews while connections are open") { director.visits.value.count >= before + 2 }
        #expect(!isLeft(), "a connection is open")
        open.value = 0
        try await agent.stop()
        #expect(director.visits.value.last == .leave(nil, from: address("127.0.0.1")))
        #expect(director.visits.value.count { $0 != request } == 1)
        #expect(agent.log.value.contains { $0.hasPrefix("left http://127.0.0.1:") })
        try await director.stop()
    }

    @Test("what a service with NAT listens on here goes with the join, of the services that are joined")
    func realPorts() async throws {
        let director = try await JoinableDirector()
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let joiner = Joiner(
            join(director), agentPort: 9380, realPorts: ["web": 8080, "other": 8081], logger: silent)
        _ = await joiner.ask(within: .seconds(5))
        let request = JoinRequest(services: ["web"], agentPort: 9380, realPorts: ["web": 8080])
        #expect(director.visits.value == [.join(request, from: address("127.0.0.1"))])
        // Of an agent, those that its file says.
        let folder = Folder()
        var configuration = makeConfiguration(in: folder, directors: ["127.0.0.1"])
        configuration.services[0].forward = .nat
        configuration.services[0].realPort = 8080
        let reporter = try HealthReporter(
            configuration: configuration, listen: [.init(address: address("127.0.0.1"), port: 0)],
            ownAddresses: [address("127.0.0.1"), address("::1")], identity: somebody,
            countConnections: { $0.map { _ in 0 } }, logger: silent)
        #expect(reporter.realPorts == [configuration.services[0].name: 8080])
        try await director.stop()
    }

    @Test("a wrong token is told once, in the log and the status, without the token; the right one is enough then")
    func wrongToken() async throws {
        let folder = Folder()
        try folder.write("wrong-0123456789abcdef\n", to: "token")
        let director = try await JoinableDirector()
        let agent = try Agent([join(director, token: .file("\(folder.path)/token"))])
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is refused") { await agent.joins.first?.state == .refused }
        #expect(await agent.joins.first?.reason == "wrong token")
        try await eventually("it asks again") { director.log.value.contains { $0.hasPrefix("refused: wrong token") } }
        try folder.write(testToken + "\n", to: "token")
        try await eventually("the new token is shown") { await agent.joins.first?.state == .joined }
        let lines = agent.log.value
        #expect(lines.count { $0.contains("refuses this server: wrong token") } == 1)
        #expect(!(lines + director.log.value).contains { $0.contains("0123456789abcdef") })
        try await agent.stop()
        try await director.stop()
    }

    @Test("a director that is not there is unreachable, and joined once it is; a stop does not wait for it")
    func unreachable() async throws {
        let gone = try await JoinableDirector()
        try await gone.stop()
        let agent = try Agent([join(gone)])
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is unreachable") { await agent.joins.first?.state == .unreachable }
        #expect(await agent.joins.first?.reason == "connection refused")
        let endpoint = Endpoint(store: agent.reporter.store, connections: agent.reporter.connections)
        let metrics = await endpoint.metrics().body
        let url = "http://127.0.0.1:\(gone.port)"
        let lines = String(decoding: metrics, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("rsagent_join_state{director=\"\(url)\",state=\"unreachable\"} 1"))
        #expect(lines.contains("rsagent_join_state{director=\"\(url)\",state=\"joined\"} 0"))
        let back = try await JoinableDirector(port: gone.port)
        try await eventually("it has joined") { await agent.joins.first?.state == .joined }
        try await back.stop()
        try await agent.stop()
        #expect(agent.log.value.contains { $0.hasPrefix("could not leave \(url): connection refused") })
    }

    @Test("over TLS the director must be vouched for, by the file that is named, and for its address")
    func tls() async throws {
        let certificate = try Certificate()
        let tls = AgentConfiguration.ReportAdmission.TLS(
            certificate: certificate.path, key: "\(certificate.folder.path)/key")
        let director = try await JoinableDirector(tls: tls)
        let other = try Certificate(names: "DNS:www.example.net, IP:10.0.0.1")
        let elsewhere = try await JoinableDirector(
            tls: .init(certificate: other.path, key: "\(other.folder.path)/key"))
        let agent = try Agent([
            join(director, authority: certificate.path), join(elsewhere, authority: other.path),
        ])
        await agent.reporter.report(setupProblems: [:])
        try await eventually("the one is joined, the other not") {
            await agent.joins.map(\.state) == [.joined, .unreachable]
        }
        #expect(await agent.joins.last?.reason.contains("certificate") == true)
        #expect(elsewhere.visits.value == [])
        try await agent.stop()
        try await director.stop()
        try await elsewhere.stop()
    }

    @Test("a report that the director could not poll is refused before anything is done")
    func unpollable() {
        let join = AgentConfiguration.Join(
            director: ConfigurationFile.SocketAddress("10.0.0.1:9391")!, token: .text(testToken), services: ["web"])
        let error = #expect(throws: ReporterError.self) { _ = try Agent([join]) }
        #expect(error?.kind == .configuration)
        #expect(error?.description.hasPrefix("cannot join http://10.0.0.1:9391: it could not poll this server") == true)
    }

    @Test("the status shows how it stands with each director; without joins there is no such table")
    func status() {
        var control = ControlAnswer(generation: 42, directors: [], administered: [])
        let before = StatusTable(report: ReportTests.report, control: control, isColoured: false).text
        #expect(!before.contains("JOIN"))
        control.joins = [
            JoinStatus(director: "http://10.0.0.1:9391", state: .joined, services: ["web", "dns"]),
            JoinStatus(director: "https://10.0.0.2:9391", state: .refused, reason: "wrong token"),
            JoinStatus(director: "http://10.0.0.3:9391", state: .unreachable, reason: "connection refused"),
        ]
        let text = StatusTable(report: ReportTests.report, control: control, isColoured: false).text
        #expect(
            text.hasSuffix(
                """

                JOIN                   STATE        SERVICES  REASON
                http://10.0.0.1:9391   joined       web,dns
                https://10.0.0.2:9391  refused      -         wrong token
                http://10.0.0.3:9391   unreachable  -         connection refused

                """))
    }
}
