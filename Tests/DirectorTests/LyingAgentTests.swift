internal import HealthReporter
internal import Lab
internal import Testing

@testable internal import Director

@Suite("agents that hang, lie or flood", .serialized)
struct LyingAgentTests {
    @Test("one that hangs, or trickles, is down, and takes nobody along", arguments: [true, false])
    func silence(isHanging: Bool) async throws {
        let silent = try await ScriptedAgent(isHanging ? .hang : .trickle)
        let honest = try await ScriptedAgent(.news { PolledAgents.report(generation: UInt64($0)).json() })
        let board = PolledAgents.board([
            PolledAgents.server(11, agent: silent.url), PolledAgents.server(12, agent: honest.url),
        ])
        try await PolledAgents.polling([silent.url, honest.url], for: board) {
            try await Deadline.eventually("the honest one is up") { await PolledAgents.standing(board, 1).state == .up }
            let questions = honest.questions
            try await Deadline.eventually("the silent one is found out") {
                await PolledAgents.standing(board).reason == "agent \(silent.url): no answer within 2 s"
            }
            #expect(honest.questions > questions, "it is asked meanwhile")
            silent.behaviour = .answer(200, PolledAgents.report().json())
            try await Deadline.eventually("it is up once it answers") {
                await PolledAgents.standing(board).state == .up
            }
        }
        try await silent.stop()
        try await honest.stop()
    }

    @Test(
        "no weight is more than a server can have, or less than none",
        arguments: [(Int.max, 65_535), (70_000, 65_535), (Int.min, 0), (-1, 0), (7, 7)])
    func weights(told: Int, taken: Int) async throws {
        let agent = try await ScriptedAgent(.answer(200, PolledAgents.report(weight: told, reason: "cpu\u{1B}").json()))
        let board = PolledAgents.board([PolledAgents.server(11, agent: agent.url)])
        try await PolledAgents.polling([agent.url], for: board) {
            try await Deadline.eventually("it is heard") { await PolledAgents.standing(board).state == .up }
        }
        #expect(await PolledAgents.standing(board).weight == taken)
        #expect(await PolledAgents.standing(board).reason == "cpu?")
        #expect(await board.membership.plans[0].servers.map(\.weight) == [taken])
        try await agent.stop()
    }

    @Test(
        "what is no report takes its server down, and is said",
        arguments: [
            ("", "cannot be read"), ("ok", "cannot be read"), ("[]", "cannot be read"), ("{}", "cannot be read"),
            (String(repeating: "[", count: 100_000), "cannot be read"),
            (#"{"weight":1e400}"#, "cannot be read"),
            (replaced("\"state\":\"up\"", "\"state\":\"fine\""), "cannot be read"),
            (replaced("\"weight\":100", "\"weight\":99999999999999999999"), "cannot be read"),
            (replaced("\"name\":\"web\"", "\"name\":\"mail\""), "agent knows no service web"),
        ])
    func lies(body: String, words: String) async throws {
        let agent = try await ScriptedAgent(.answer(200, PolledAgents.report().json()))
        let board = PolledAgents.board([PolledAgents.server(11, agent: agent.url)])
        try await PolledAgents.polling([agent.url], for: board) {
            try await Deadline.eventually("it is up") { await PolledAgents.standing(board).state == .up }
            agent.behaviour = .answer(200, Array(body.utf8))
            try await Deadline.eventually("it is down: \(words)") {
                let standing = await PolledAgents.standing(board)
                return standing.state == .down && standing.reason.contains(words)
            }
        }
        try await agent.stop()
    }

    private static func replaced(_ text: String, _ other: String) -> String {
        String(decoding: PolledAgents.report().json(), as: UTF8.self).replacing(text, with: other)
    }

    @Test("a body of 100 MB is not taken in")
    func flood() async throws {
        let agent = try await ScriptedAgent(.flood(100_000_000))
        let board = PolledAgents.board([PolledAgents.server(11, agent: agent.url)])
        try await PolledAgents.polling([agent.url], for: board) {
            try await Deadline.eventually("it is refused") {
                await PolledAgents.standing(board).reason.contains("is longer than 1048576 bytes")
            }
            // What was sent is in the kernel's buffers for the rest; each poll reads but a megabyte of it.
            #expect(agent.bytes < 32_000_000 * agent.questions)
        }
        try await agent.stop()
    }

    @Test("one with news all the time is asked no more than 50 times a second")
    func news() async throws {
        let agent = try await ScriptedAgent(.news { PolledAgents.report(generation: UInt64($0), weight: $0).json() })
        let board = PolledAgents.board([PolledAgents.server(11, agent: agent.url)])
        let start = ContinuousClock.now
        try await PolledAgents.polling([agent.url], for: board) {
            try await Deadline.eventually("some news") { agent.questions >= 20 }
        }
        let most = (ContinuousClock.now - start) / AgentPoller.shortestInterval + 1
        #expect(Double(agent.questions) <= most)
        try await agent.stop()
    }

    @Test("a reason is one line that a log and a terminal can take, and no longer than it need be")
    func reasons() {
        let forged = "cpu\u{1B}[2J\nserver 10.0.0.12 is down"
        #expect(PolledAgents.report(reason: forged).bounded.services[0].reason == "cpu?[2J")
        let long = PolledAgents.report(reason: String(repeating: "x", count: 1_000_000)).bounded
        #expect(long.services[0].reason.count == Report.longestReason.characters)
        // A million bytes that are one character.
        let one = PolledAgents.report(reason: "e" + String(repeating: "\u{301}", count: 500_000)).bounded
        #expect(one.services[0].reason.unicodeScalars.count <= Report.longestReason.scalars)
        var many = PolledAgents.report()
        many.services[0].ports = Array(1...60_000)
        #expect(many.bounded.services[0].ports.count == Report.mostEndpoints)
        #expect(PolledAgents.report(reason: "cpu 0.9; disk").bounded == PolledAgents.report(reason: "cpu 0.9; disk"))
    }
}
