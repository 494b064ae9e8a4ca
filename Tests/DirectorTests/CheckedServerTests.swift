internal import ConfigurationFile
internal import HealthReporter
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("servers without an agent", .serialized)
struct CheckedServerTests {
    private static let quick = Duration.milliseconds(100)

    @Test("one that answers has its weight, one that does not is down; who hangs delays nobody; no check, no verdict")
    func checks() async throws {
        let server = try await ScriptedAgent(.answer(200, Array("ok".utf8)))
        let hanging = try await ScriptedAgent(.hang)
        func http(on port: UInt16? = nil, timeout: Duration = .seconds(20)) -> AgentConfiguration.Check {
            .init(
                .http(.init("/", body: "ok")), port: port, interval: max(timeout, Self.quick), fastInterval: Self.quick,
                timeout: timeout, rise: 2, fall: 2)
        }
        let board = PolledAgents.board(
            port: server.port,
            [
                PolledAgents.server(1, agent: nil, weight: 7, checks: [http(timeout: .seconds(1))]),
                // Still being asked when this test is over.
                PolledAgents.server(
                    1, agent: nil, weight: 5,
                    checks: [
                        http(on: hanging.port, timeout: .seconds(3_600)), .init(.tcp, interval: Self.quick, fall: 1),
                    ]),
                PolledAgents.server(3, agent: nil, weight: 3),
            ].enumerated().map { index, server in
                // Each has an address of its own, and all are asked on 127.0.0.1.
                var server = server
                for check in server.checks.indices { server.checks[check].address = PolledAgents.loopback }
                server.address = .v4(IPv4Address(10, 0, 0, UInt8(index)))
                return server
            })
        #expect(await board.membership.checkedServers.map(\.id.address.description) == ["10.0.0.0", "10.0.0.1"])
        try await PolledAgents.polling([], for: board) {
            try await Deadline.eventually("it is asked") { server.questions >= 3 }
            #expect(await PolledAgents.standing(board).weight == 7)
            try await Deadline.eventually("the other is being asked") { hanging.questions == 1 }
            server.behaviour = .answer(500, [])
            try await Deadline.eventually("it is down") {
                let standing = await PolledAgents.standing(board)
                return standing.state == .down && standing.weight == 0
                    && standing.reason == "http / on 127.0.0.1: 500, wanted 200"
            }
            server.behaviour = .answer(200, Array("ok".utf8))
            try await Deadline.eventually("it is up again") {
                let standing = await PolledAgents.standing(board)
                return standing.state == .up && standing.weight == 7 && standing.reason.isEmpty
            }
            #expect(await PolledAgents.standing(board, 1).state == .up, "nothing is known against it yet")
            try await server.stop()
            try await Deadline.eventually("both are down, one for a check beside the one that hangs") {
                let standings = (await PolledAgents.standing(board), await PolledAgents.standing(board, 1))
                return standings.0.state == .down && standings.1.reason == "tcp on 127.0.0.1: connection refused"
            }
            #expect(hanging.questions == 1)
            #expect(await PolledAgents.standing(board, 2).weight == 3)
        }
        try await hanging.stop()
    }
}
