import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("What the operator is told of who has noticed")
struct DrainTestimonyTests {
    @Test("over the wire: what HAProxy says in its check counts, and the operator is told")
    func wire() async throws {
        let agent = try await GuardedAgent(directors: ["127.0.0.7"], services: [makeService()])
        func ask(_ state: String) async throws -> AdministeredService {
            let caller = try Caller127(to: agent.port, from: "127.0.0.7")
            caller.send(
                "GET /health/web?drain=404 HTTP/1.1\r\nHost: x\r\nX-Haproxy-Server-State: \(state); name=web/rs1; "
                    + "node=lb1; weight=100/300\r\nConnection: close\r\n\r\n")
            #expect(await caller.rest()?.hasPrefix("HTTP/1.1 404 ") == true)
            return await agent.reporter.store.controlAnswer().administered[0]
        }
        await agent.reporter.report(setupProblems: [:])
        _ = try await agent.reporter.store.ask(for: .drain, ControlRequest())
        let before = try await ask("UP")
        #expect(before.waitingFor == [address("127.0.0.7")])
        #expect(before.testimony == ["127.0.0.7: HAProxy lb1 has web/rs1 UP"])
        let after = try await ask("NOLB")
        #expect((after.waitingFor, after.acknowledgedBy) == ([], [address("127.0.0.7")]))
        #expect(after.testimony == ["127.0.0.7: HAProxy lb1 has web/rs1 NOLB"])
        try await agent.stop()
    }

    @Test("a director that has no part in a service is told apart from those that acknowledged, unless it is silent")
    func unconcerned() async throws {
        let (one, two, folder) = (DrainProofTests.one, address("10.0.0.2"), Folder())
        let start = DrainProofTests.start
        let store = try makeStore(
            in: folder, directors: ["10.0.0.1", "10.0.0.2"],
            services: [makeService("web"), makeService("dns", port: 53)], instant: start)
        for second in stride(from: 0, through: 300, by: 30) {
            let instant = start + .seconds(second)
            await store.recordTold(one, of: ["web"], by: PlainQuestion("/health/web"), instant: instant)
            await store.recordTold(two, of: ["dns"], by: PlainQuestion("/health/dns"), instant: instant)
        }
        let answer = try await store.ask(for: .drain, ControlRequest(services: ["dns"])).administered[0]
        #expect((answer.unconcerned, answer.waitingFor, answer.acknowledgedBy) == ([one], [two], []))
        await store.reviewDirectors(at: start + .seconds(1_000))
        let silent = await store.controlAnswer().administered[0]
        #expect((silent.unconcerned, silent.waitingFor, silent.acknowledgedBy) == ([], [one, two], []))
    }
}
