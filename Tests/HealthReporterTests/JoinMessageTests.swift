import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Joining: what is said, how often, and where it stands")
struct JoinMessageTests {
    private func decode(_ text: String) throws(ReporterError) -> JoinRequest {
        try JSON.decode(JoinRequest.self, from: Array(text.utf8), operation: "read the join")
    }

    @Test("what a request says arrives, and what it leaves out is as it is documented")
    func request() throws {
        let all = JoinRequest(
            services: ["web", "dns"], address: address("10.0.0.11"), agentPort: 9999, weight: 0,
            realPorts: ["dns": 5353])
        #expect(try decode(String(decoding: JSON.encode(all), as: UTF8.self)) == all)
        #expect(
            try decode(#"{"services":["web"],"agent_port":9380}"#)
                == JoinRequest(services: ["web"], address: nil, agentPort: 9380, weight: 1))
    }

    @Test(
        "a request that is not one is refused in words",
        arguments: [
            ("", ""), ("{", ""), ("[]", "it should be a"), (#"{"services":["web"]}"#, "`agent_port` is missing"),
            (#"{"services":["web"],"agent_port":9380,"token":"x"}"#, "`token` is not known here; known are services"),
            (#"{"services":[],"agent_port":9380}"#, "0 are not 1 to 1024 services"),
            (#"{"services":"web","agent_port":9380}"#, "it should be a"),
            (#"{"services":["web"],"agent_port":0}"#, "0 is not a port"),
            (#"{"services":["web"],"agent_port":65536}"#, ""), (#"{"services":["web"],"agent_port":-1}"#, ""),
            (#"{"services":["web"],"agent_port":9380,"weight":65536}"#, "65536 is not a weight of 0 to 65535"),
            (#"{"services":["web"],"agent_port":9380,"weight":-1}"#, "-1 is not a weight"),
            (#"{"services":["web"],"agent_port":9380,"real_ports":{"dns":53}}"#, "a service that is not in `services`"),
            (#"{"services":["web"],"agent_port":9380,"real_ports":{"web":0}}"#, "0 is not a port"),
            (#"{"services":["web"],"agent_port":9380,"real_ports":{"web":65536}}"#, ""),
            (#"{"services":["web"],"agent_port":9380,"real_ports":[8080]}"#, "it should be a"),
            (#"{"services":["web","dns","web"],"agent_port":9380}"#, "a service is in it twice"),
            (#"{"services":["web"],"agent_port":9380,"address":"10.0.0.0/8"}"#, ""),
        ])
    func malformed(_ text: String, _ words: String) {
        let error = #expect(throws: ReporterError.self) { try decode(text) }
        #expect(error?.kind == .malformed)
        #expect(words.isEmpty || error?.cause.contains(words) == true, "\(error?.cause ?? "nothing")")
    }

    @Test("one address asks as often as it may and no more, until the next window, and costs no other its turn")
    func rate() {
        let start = ContinuousClock.now
        var rate = AskingRate(at: start)
        let (eager, calm) = (address("10.0.0.11"), address("10.0.0.12"))
        let admitted = (0..<100).count { _ in rate.admits(eager, at: start + .milliseconds(999)) }
        #expect(admitted == AskingRate.most)
        let isCalmAdmitted = rate.admits(calm, at: start + .milliseconds(999))
        let isEagerAdmittedAgain = rate.admits(eager, at: start + AskingRate.window)
        #expect(isCalmAdmitted && isEagerAdmittedAgain)
    }

    @Test("any number of addresses are counted in bounded memory, and none is held up for another")
    func manyAddresses() {
        let start = ContinuousClock.now
        var rate = AskingRate(at: start)
        let admitted = (0..<10_000).count { number in
            rate.admits(.v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(number))), at: start)
        }
        #expect(admitted == 10_000)
        // 10.0.0.7 is one of those that were counted, and has asked once.
        let more = (0..<100).count { _ in rate.admits(address("10.0.0.7"), at: start) }
        #expect(more == AskingRate.most - 1)
    }

    private static let answer = JoinAnswer(
        director: "rsdirector", leaseSeconds: 30,
        services: [.init(name: "web", outcome: .joined), .init(name: "dns", outcome: .configured)])

    @Test("a lease is renewed three times before it would run out, and not by all at once")
    func renewal() {
        var standing = JoinStanding(director: "http://10.0.0.1:9391")
        let isNews = standing.take(.answered(Self.answer))
        #expect(isNews)
        #expect(standing.pause(chance: 0) == .seconds(10))
        #expect((Duration.milliseconds(8_999)...(.milliseconds(9_001))).contains(standing.pause(chance: 0.5)))
        #expect(standing.status.state == .joined && standing.status.services == ["web", "dns"])
        #expect(standing.status.reason == "dns: in the director's own file")
        let isNewsAgain = standing.take(.answered(Self.answer))
        #expect(!isNewsAgain, "that it is still so is none")
    }

    @Test("an answer that is lost leaves time to ask again before the lease is over")
    func timeout() {
        var standing = JoinStanding(director: "http://10.0.0.1:9391")
        #expect(standing.timeout == .seconds(5), "the director may have to look at its network first")
        for (lease, limit) in [(30, 5), (15, 5), (9, 3), (6, 2)] {
            let answer = JoinAnswer(director: "d", leaseSeconds: Int64(lease), services: Self.answer.services)
            _ = standing.take(.answered(answer))
            #expect(standing.timeout == .seconds(limit))
        }
        // The shortest lease there is: asked at the latest time, lost, and asked again after the longest pause.
        _ = standing.take(.answered(JoinAnswer(director: "d", leaseSeconds: 5, services: Self.answer.services)))
        let (first, lost) = (standing.pause(chance: 0), standing.timeout)
        _ = standing.take(.unreachable("no answer"))
        #expect(first + lost + standing.pause(chance: 0) < .seconds(5))
        #expect(standing.timeout == lost, "and then likewise")
    }

    @Test("names that whatever answers there makes up move no cursor, in the log, the status and the metrics")
    func names() {
        var standing = JoinStanding(director: "http://10.0.0.1:9391")
        let name = "we\u{1B}[2Jb\r\n\u{7}forged"
        let services: [JoinAnswer.Service] = [
            .init(name: name, outcome: .joined), .init(name: name, outcome: .configured),
            .init(name: name, outcome: .refused, reason: "no"),
            .init(name: String(repeating: "x", count: 1000), outcome: .joined),
        ]
        _ = standing.take(.answered(JoinAnswer(director: "d", leaseSeconds: 30, services: services)))
        #expect(standing.status.services == ["we?[2Jb", "we?[2Jb", String(repeating: "x", count: 63)])
        #expect(standing.status.reason == "we?[2Jb: in the director's own file; we?[2Jb refused: no")
    }

    @Test("after each failure it waits twice as long, ten seconds at most, and with an answer it begins anew")
    func backoff() {
        var standing = JoinStanding(director: "http://10.0.0.1:9391")
        #expect(!standing.hasJoined)
        var pauses: [Duration] = []
        for _ in 0..<6 {
            _ = standing.take(.unreachable("connection refused"))
            pauses.append(standing.pause(chance: 0))
        }
        #expect(pauses == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(standing.pause(chance: 1) == .seconds(5))
        for _ in 0..<100 { _ = standing.take(.unreachable("connection refused")) }
        #expect(standing.pause(chance: 0) == .seconds(10))
        #expect(!standing.hasJoined, "there is nothing to leave")
        _ = standing.take(.answered(Self.answer))
        _ = standing.take(.refused("wrong token"))
        #expect(standing.pause(chance: 0) == .seconds(1))
        #expect(standing.hasJoined, "what was joined is left, also where it does not answer just then")
        #expect(standing.status == JoinStatus(director: "http://10.0.0.1:9391", state: .refused, reason: "wrong token"))
    }

    @Test("a service that is refused beside others is told, in one line that moves no cursor")
    func partial() {
        var standing = JoinStanding(director: "http://10.0.0.1:9391")
        let answer = JoinAnswer(
            director: "rsdirector", leaseSeconds: 0,
            services: [
                .init(name: "web", outcome: .joined),
                .init(name: "dns", outcome: .refused, reason: "no\u{1B}[31m such\nservice"),
            ])
        _ = standing.take(.answered(answer))
        #expect(standing.status.services == ["web"])
        #expect(standing.status.reason == "dns refused: no?[31m such")
        #expect(standing.pause(chance: 0) > .milliseconds(300), "a lease of nothing is no reason to ask all the time")
    }

    @Test(
        "what else may answer is told as what it is",
        arguments: [
            (200, "hello", "what answers there is no director's [join]"), (200, "{}", "`director` is missing"),
            (401, "", "wrong token"), (401, #"{"error":"the token is hunter2"}"#, "wrong token"),
            (404, "<html>", "it answers with status 404"),
            (409, #"{"error":"1 servers have joined"}"#, "1 servers have joined"),
            (500, "", "it answers with status 500"),
        ])
    func outcomes(_ status: Int, _ body: String, _ words: String) {
        let outcome = Joiner.outcome(of: .init(status: status, body: Array(body.utf8)))
        guard case .refused(let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains(words), "\(reason)")
    }
}
