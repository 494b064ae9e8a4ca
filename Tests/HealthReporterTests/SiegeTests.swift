import ConfigurationFile
import Glibc
import NetworkAddress
import Testing

@testable import HealthReporter

/// The endpoint with callers that mean it no good. Loopback has 16 million addresses: 127.0.0.7 is the director, what is allowed
/// is a guest, and this host's own room is what the others fill.
@Suite("The endpoint under siege", .serialized)
struct SiegeTests {
    private static func status(_ answer: String?) -> String? { answer.map { String($0.prefix(12).suffix(3)) } }

    @Test("thousands of idle connections from one address do not keep a director from its answer, in bounded room")
    func idle() async throws {
        DescriptorLimit.raise()
        let agent = try await GuardedAgent()
        var callers: [Caller127] = []
        for number in 0..<2_500 {
            let caller = try Caller127(to: agent.port, from: "127.0.0.66")
            // Some say half a request.
            if number % 2 == 0 { caller.send("GET /v1/rep") }
            callers.append(caller)
            guard number % 250 == 0 else { continue }
            let director = try Caller127(to: agent.port, from: "127.0.0.7")
            director.send(request("/health"))
            #expect(await Self.status(director.rest()) == "200")
        }
        let open = { agent.reporter.gate.registry.open.values.reduce(0, +) }
        try await eventually("the room is kept to") { open() <= 128 }
        try await eventually("those without room are hung up on") { callers.count { !$0.isClosed } <= 128 }
        let director = try Caller127(to: agent.port, from: "127.0.0.7")
        director.send(request("/v1/report"))
        #expect(await Self.status(director.rest()) == "200")
        try await agent.stop()
    }

    @Test("who polls on a connection it keeps is answered on it, though others come from the same address all the time")
    func keptConnection() async throws {
        DescriptorLimit.raise()
        let agent = try await GuardedAgent()
        let director = try Caller127(to: agent.port, from: "127.0.0.7")
        var besiegers: [Caller127] = []
        for round in 1...20 {
            for _ in 0..<50 { besiegers.append(try Caller127(to: agent.port, from: "127.0.0.7")) }
            director.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("answer \(round)") {
                agent.reporter.gate.counters.current.requests[.init(path: .livez, status: 200)] == round
            }
        }
        try await eventually("the others made way for each other") {
            besiegers.count { !$0.isClosed } < ConnectionTable.rooms[.director]!.perAddress
        }
        #expect(!director.isClosed)
        try await agent.stop()
    }

    @Test("a request that comes byte for byte is hung up on, and a held poll is not")
    func slowLoris() async throws {
        let agent = try await GuardedAgent()
        let slow = try Caller127(to: agent.port)
        let silent = try Caller127(to: agent.port)
        let director = try Caller127(to: agent.port, from: "127.0.0.7")
        let generation = await agent.reporter.store.generation
        director.send("GET /v1/report?since=\(generation)&wait=60s HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.send("GET /health HTTP/1.1\r\nX: ")
        let start = ContinuousClock.now
        try await eventually("both are hung up on", within: .seconds(60)) {
            slow.send("x")
            return slow.isClosed && silent.isClosed
        }
        #expect(ContinuousClock.now - start >= .seconds(4), "they have their time")
        #expect(!director.isClosed)
        #expect(await agent.reporter.store.waiterCount == 1)
        try await agent.stop()
    }

    @Test("a head that is too long is answered with 431, whatever of it is long, in one piece or many")
    func longHead() async throws {
        let agent = try await GuardedAgent()
        let x = String(repeating: "x", count: 9_000)
        for text in [
            "GET /\(x) HTTP/1.1\r\nHost: x\r\n\r\n", request("/health", "X: \(x)"),
            "GET /health HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 3_000) + "\r\n",
            "GET /\(String(repeating: "x", count: 3_000_000))",
        ] {
            let caller = try Caller127(to: agent.port)
            caller.send(text)
            #expect(await Self.status(caller.rest()) == "431")
        }
        let caller = try Caller127(to: agent.port)
        caller.send(request("/health", "X: \(String(repeating: "x", count: 8_000))"))
        #expect(await Self.status(caller.rest()) == "200", "8 KiB are enough for everybody")
        try await agent.stop()
    }

    @Test(
        "what is malformed or has too much of a body is refused, and the next caller answered",
        arguments: [
            ("GET\r\n\r\n", "400"), ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "400"), ("GET / HTTP/9.9\r\n\r\n", "400"),
            ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n", "413"),
            ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
            ("GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", "400"),
            ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405"),
        ])
    func malformed(text: String, status: String) async throws {
        let agent = try await GuardedAgent()
        let caller = try Caller127(to: agent.port)
        caller.send(text)
        #expect(await Self.status(caller.rest()) == status)
        let next = try Caller127(to: agent.port)
        next.send(request("/health"))
        #expect(await Self.status(next.rest()) == "200")
        try await agent.stop()
    }

    @Test("a body without end is cut off")
    func endlessBody() async throws {
        let agent = try await GuardedAgent()
        let caller = try Caller127(to: agent.port)
        caller.send("GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try await eventually("it is hung up on") {
            caller.send("400\r\n\(String(repeating: "x", count: 1_024))\r\n")
            return agent.reporter.gate.counters.current.closed[.init(closure: .tooLarge, caller: .host)] == 1
        }
        try await agent.stop()
    }

    @Test("many requests at once are answered one after the other, all of them")
    func pipelined() async throws {
        let agent = try await GuardedAgent()
        let caller = try Caller127(to: agent.port)
        caller.send(String(repeating: "GET /weight/web HTTP/1.1\r\nHost: x\r\n\r\n", count: 200) + request("/livez"))
        let answers = try #require(await caller.rest())
        #expect(answers.split(separator: "HTTP/1.1 200 OK").count == 201)
        #expect(answers.hasSuffix("ok\n"))
        try await agent.stop()
    }

    @Test("who does not read its answers is hung up on")
    func deaf() async throws {
        let agent = try await GuardedAgent()
        let caller = try Caller127(to: agent.port)
        let requests = String(repeating: "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", count: 3_000)
        caller.send(requests)
        try await eventually("it is hung up on", within: .seconds(60)) {
            agent.reporter.gate.counters.current.closed[.init(closure: .tooSlow, caller: .host)] == 1
        }
        try await agent.stop()
    }
}
