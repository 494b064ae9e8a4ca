import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Weight by hand, from outside")
struct WeightControlTests {
    let folder = Folder()

    private func change(_ body: String) async throws -> (answer: Answer, text: String, store: ReportStore) {
        let store = try makeStore(in: folder)
        let endpoint = Endpoint(store: store, connections: try makeCounter([makeService()]) { _ in 0 })
        let answer = await endpoint.change(.weight, body: Array(body.utf8), uid: 0, logger: silent)
        return (answer, String(decoding: answer.body, as: UTF8.self).replacing("\\", with: ""), store)
    }

    @Test("a weight is a number, or null for none", arguments: [("0", 0), ("65535", 65_535), ("null", nil)])
    func good(text: String, weight: Int?) async throws {
        let (answer, _, store) = try await change(#"{"service":"web","weight":\#(text)}"#)
        #expect(answer.status == 200)
        #expect(try JSON.decode(ControlAnswer.self, from: answer.body, operation: "").weights.first?.weight == weight)
        #expect(await store.controlAnswer().weights.first?.weight == weight)
    }

    @Test(
        "all else is refused and changes nothing",
        arguments: [
            ("", 400, "read which weight to set"), ("[]", 400, "read which weight to set"),
            (#"{"weight":5}"#, 400, "`service` is missing"), (#"{"service":"web"}"#, 400, "`weight` is missing"),
            (#"{"service":"web","wieght":5}"#, 400, "`weight` is missing"),
            (#"{"service":"web","weight":"5"}"#, 400, "weight"), (#"{"service":"web","weight":1.5}"#, 400, "weight"),
            (#"{"service":"web","weight":65536}"#, 400, "65536 is not a weight from 0 to 65535, nor null"),
            (#"{"service":"web","weight":-1}"#, 400, "-1 is not a weight"),
            (#"{"service":"wbe","weight":5}"#, 404, "known are web"),
        ])
    func bad(body: String, status: Int, hint: String) async throws {
        let (answer, text, store) = try await change(body)
        #expect(answer.status == status)
        #expect(text.contains(hint), "\(text)")
        #expect(await store.controlAnswer().weights == [])
    }

    @Test("the status shows a weight by hand and since when")
    func table() {
        let control = ControlAnswer(
            generation: 1, directors: [], administered: [],
            weights: [WeightByHand(name: "web", weight: 50, since: noon)])
        let text = StatusTable(report: ReportTests.report, control: control, isColoured: false).text
        #expect(text.contains("\n  weight         by hand           50, since 2026-11-22T12:00:00Z\n"), "\(text)")
    }
}

extension HealthReporterTests {
    @Test(
        "a weight by hand reaches a director that waits at once, survives a restart, and only the control socket sets it"
    )
    func weightByHand() async throws {
        let (folder, server) = (Folder(), try await CheckedServer())
        var agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { try await agent.get("/health/web").status == 200 }
        let generation = try await agent.report().generation
        let held = Task { [agent] in try await agent.report("?since=\(generation)&wait=60s") }
        try await eventually("it is held") { [agent] in await agent.reporter.store.waiterCount == 1 }
        #expect(try await agent.control.weight("web", 7).weights.map(\.weight) == [7])
        #expect(try await held.value.services[0].weight == 7)
        #expect(try await agent.get("/weight/web").body == "7\n")
        #expect(try await agent.get("/health/web").body == "up\n")
        #expect(try await agent.get("/v1/weight", method: "POST").status == 405)
        let control = agent.control
        let unknown = await #expect(throws: ReporterError.self) { try await control.weight("wbe", 7) }
        #expect(unknown?.cause.contains("known are web") == true)
        try await agent.stop()

        agent = try await start(in: folder, port: server.port)
        await agent.reporter.report(setupProblems: [:])
        try await eventually("it is up") { [agent] in try await agent.get("/weight/web").body == "7\n" }
        #expect(try await agent.control.weight("web", nil).weights == [])
        #expect(try await agent.get("/weight/web").body == "100\n")
        try await agent.stop()
        try await server.stop()
    }

    @Test("a running agent follows the load: connections, a command, and this host's memory")
    func followsLoad() async throws {
        let folder = Folder()
        let rules = AgentConfiguration.LoadRules(
            memory: 0.000_001, connections: 10, command: .init(["/bin/echo", "3"], full: 2),
            smoothing: .zero)
        var service = makeService(port: 9)
        (service.load, service.slowStart) = (rules, .seconds(3_600))
        let connections = Box(0)
        let reporter = try HealthReporter(
            configuration: makeConfiguration(in: folder, services: [service]),
            listen: [SocketAddress(address: address("127.0.0.1"), port: 0)], identity: somebody,
            countConnections: { $0.map { _ in connections.value } }, logger: silent)
        let task = Task { try await reporter.run() }
        _ = try await reporter.waitUntilListening()
        await reporter.report(setupProblems: [:])
        try await eventually("a rule decides") { await reporter.store.services[0].reason.contains("; ") }
        let reason = await reporter.store.services[0].reason
        #expect(reason.hasPrefix("slow start 5%; "))
        connections.value = 100
        try await eventually("connections decide, a second or two later") {
            await reporter.store.services[0].reason.hasSuffix("connections 100")
        }
        #expect(await reporter.store.services[0].weight == 1)
        try await eventually("the record is kept") { try WarmServices.load(from: folder.file("warm.json")) != nil }
        task.cancel()
        _ = await task.result
    }
}
