import ConfigurationFile
import Glibc
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Checks of another host")
struct HealthChecksTests {
    private func book(_ checks: [AgentConfiguration.Check], told: Box<[HealthChecks.Verdict]>) throws -> CheckBook {
        CheckBook(try makeTargets(of: makeService(checks: checks)), now: noon) { verdict in
            told.change { $0.append(verdict) }
        }
    }

    @Test("down with the first check that fails, up once all pass, told only when it becomes another")
    func verdicts() throws {
        let told = Box<[HealthChecks.Verdict]>([])
        let book = try book([.init(.tcp, rise: 2, fall: 1), .init(.http(.init("/")), rise: 1, fall: 2)], told: told)
        func record(_ ok: Bool, _ index: Int, warning: String? = nil) -> Bool {
            var outcome = outcome(ok)
            outcome.warning = warning
            return book.record(outcome, of: index, at: noon)
        }
        var settled = [record(true, 0), record(true, 1)]
        #expect(settled == [false, true])
        #expect(told.value.isEmpty, "the first one has no verdict yet")
        settled = [record(true, 0), record(true, 0), record(false, 1)]
        #expect(settled == [true, true, false])
        #expect(told.value == [.init(isUp: true, reason: "")])
        _ = (record(false, 1), record(false, 1))
        #expect(told.value.dropFirst() == [.init(isUp: false, reason: "http /: connection refused")])
        _ = record(false, 0)
        #expect(told.value.last?.reason == "tcp: connection refused; http /: connection refused")
        _ = (record(true, 0), record(true, 0), record(true, 1, warning: "the certificate ends on 2026-12-01"))
        #expect(
            told.value.last == .init(isUp: true, reason: "warning: http /: the certificate ends on 2026-12-01"))
    }

    @Test("a check that fails before another has a verdict is enough to be down")
    func early() throws {
        let told = Box<[HealthChecks.Verdict]>([])
        let book = try book([.init(.tcp), .init(.http(.init("/")), fall: 1)], told: told)
        _ = book.record(outcome(false), of: 1, at: noon)
        #expect(told.value == [.init(isUp: false, reason: "http /: connection refused")])
    }

    @Test("a service of all ports has none to be asked on")
    func noPort() {
        let error = #expect(throws: ReporterError.self) {
            _ = try HealthChecks([.init(.tcp)], of: "web", at: address("127.0.0.1"), port: 0)
        }
        #expect(error?.cure == "give the check a `port`")
    }

    @Test("it asks where the server is, tells what it answers, and asks no more once nobody listens")
    func asking() async throws {
        let server = try await CheckedServer()
        let hanging = try await CheckedServer(.hang)
        let quick = Duration.milliseconds(100)
        let checks = try HealthChecks(
            [
                .init(.http(.init("/")), interval: quick, fall: 1),
                // Only the end of the asking ends this one.
                .init(.http(.init("/")), port: hanging.port, interval: .seconds(3_600), timeout: .seconds(3_600)),
            ], of: "web", at: address("127.0.0.1"), port: server.port)
        let told = Box<[HealthChecks.Verdict]>([])
        let reading = Task { for await verdict in checks.verdicts() { told.change { $0.append(verdict) } } }
        try await eventually("both are asked") { server.accepted.value > 1 && hanging.requests.value.count == 1 }
        #expect(told.value.isEmpty)
        try await server.stop()
        try await eventually("one that hangs delays no other") {
            told.value == [.init(isUp: false, reason: "http /: connection refused")]
        }
        #expect(hanging.hungUp.value == 0)
        reading.cancel()
        try await eventually("the other question ends too") { hanging.hungUp.value == 1 }
    }
}
