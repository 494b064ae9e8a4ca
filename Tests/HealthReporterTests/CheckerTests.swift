import ConfigurationFile
import NIOPosix
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Checker")
struct CheckerTests {
    private func http(
        _ path: String = "/", host: String? = nil, status: [ClosedRange<Int>] = [200...200]
    ) -> AgentConfiguration.Check.Kind {
        .http(.init(path, host: host, status: status))
    }

    @Test("a wanted status passes, each time on a connection of its own, with the right Host header")
    func passes() async throws {
        let server = try await CheckedServer()
        let outcome = await ask(http("/healthz?x=1"), port: server.port, times: 3)
        #expect(outcome.ok)
        #expect(outcome.message == "200")
        #expect(server.accepted.value == 3)
        let request = server.requests.value[0].lowercased()
        #expect(request.hasPrefix("get /healthz?x=1 http/1.1\r\n"))
        #expect(request.contains("\r\nhost: 127.0.0.1:\(server.port)\r\n"))
        #expect(request.contains("\r\nconnection: close\r\n"))
        _ = await ask(http("/", host: "www.example.net"), port: server.port)
        #expect(server.requests.value[3].lowercased().contains("\r\nhost: www.example.net\r\n"))
        try await server.stop()
    }

    @Test(
        "another status fails, and redirects are not followed",
        arguments: [
            ("500 Internal Server Error", "500, wanted 200 or 204"),
            ("301 Moved\r\nLocation: /", "301, wanted 200 or 204"),
            ("404 Not Found", "404, wanted 200 or 204"),
        ])
    func otherStatus(status: String, message: String) async throws {
        let server = try await CheckedServer(.answer("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n"))
        let outcome = await ask(http(status: [200...200, 204...204]), port: server.port)
        #expect(!outcome.ok)
        #expect(outcome.message == message)
        #expect(server.requests.value.count == 1)
        try await server.stop()
    }

    @Test("a server that accepts and says nothing fails when the time is up, over HTTP; over TCP it passes")
    func hangs() async throws {
        let server = try await CheckedServer(.hang)
        let outcome = await ask(http(), port: server.port, timeout: .milliseconds(100))
        #expect(!outcome.ok)
        #expect(outcome.message == "no answer within 100ms")
        #expect(await ask(.tcp, port: server.port).ok)
        try await server.stop()
    }

    @Test("an answer that stops in the middle of the body fails when the time is up")
    func hangsInBody() async throws {
        let server = try await CheckedServer(.answerAndHang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"))
        let outcome = await ask(http(), port: server.port, timeout: .milliseconds(200))
        #expect(!outcome.ok)
        #expect(outcome.message == "no answer within 200ms")
        #expect(outcome.latency < .seconds(8))
        try await server.stop()
    }

    @Test("an answer that breaks off in the middle of the body fails")
    func breaksOff() async throws {
        let server = try await CheckedServer(.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"))
        let outcome = await ask(http(), port: server.port)
        #expect(!outcome.ok)
        try await server.stop()
    }

    @Test("a body that never ends is not read to the end")
    func endless() async throws {
        let server = try await CheckedServer(.endless)
        let outcome = await ask(http(), port: server.port)
        #expect(outcome.ok)
        try await server.stop()
    }

    @Test("a VIP may be of IPv6", .enabled(if: BoundSocket.hasIPv6, "this host has no ::1"))
    func ipv6() async throws {
        let server = try await CheckedServer(host: "::1")
        #expect(await ask(http(), host: "::1", port: server.port).message == "200")
        #expect(await ask(.tcp, host: "::1", port: server.port).message == "connected")
        #expect(server.requests.value[0].lowercased().contains("\r\nhost: [::1]:\(server.port)\r\n"))
        try await server.stop()
    }

    @Test("nobody listening is `connection refused`, over HTTP and over TCP")
    func refused() async throws {
        let server = try await CheckedServer()
        try await server.stop()
        for kind in [http(), .tcp] {
            let outcome = await ask(kind, port: server.port)
            #expect(!outcome.ok)
            #expect(outcome.message == "connection refused")
        }
    }

    @Test("what is not HTTP fails, and says so the same way each time", arguments: ["SSH-2.0-OpenSSH\r\n", ""])
    func notHTTP(text: String) async throws {
        let server = try await CheckedServer(.answer(text))
        let first = await ask(http(), port: server.port)
        let second = await ask(http(), port: server.port)
        #expect(!first.ok && !first.message.isEmpty)
        #expect(first.message == second.message)
        try await server.stop()
    }

    @Test("method and headers go out as they are written")
    func request() async throws {
        let server = try await CheckedServer(.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"))
        let http = AgentConfiguration.Check.HTTP(
            "/", method: "HEAD",
            headers: [.init(name: "X-One", value: "a b"), .init(name: "User-Agent", value: "me")])
        #expect(await ask(.http(http), port: server.port).ok, "an answer to HEAD has no body, whatever its length")
        let request = server.requests.value[0]
        #expect(request.hasPrefix("HEAD / HTTP/1.1\r\n"))
        #expect(request.contains("\r\nX-One: a b\r\n"))
        #expect(request.contains("\r\nUser-Agent: me\r\n") && !request.contains("rsagent-check"))
        try await server.stop()
    }

    @Test("a wanted text may be anywhere in the first 64 KiB of the body, and nowhere after")
    func body() async throws {
        func answer(_ body: String) -> CheckedServer.Behaviour {
            .answer("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        let server = try await CheckedServer(answer("all is well"))
        let kind = AgentConfiguration.Check.Kind.http(.init("/", body: "well"))
        #expect(await ask(kind, port: server.port).message == "200")
        server.behaviour.value = answer("all is lost")
        let lost = await ask(kind, port: server.port)
        #expect(!lost.ok)
        #expect(lost.message == "200, but \"well\" is not in the body")
        server.behaviour.value = answer(String(repeating: "x", count: 65_532) + "well")
        #expect(await ask(kind, port: server.port).ok)
        server.behaviour.value = answer(String(repeating: "x", count: 65_533) + "well")
        #expect(!(await ask(kind, port: server.port).ok))
        server.behaviour.value = .endless
        #expect(!(await ask(kind, port: server.port).ok))
        try await server.stop()
    }

    @Test("a status in a range is good, one beside it is not", arguments: [(200, true), (399, true), (400, false)])
    func ranges(status: Int, isGood: Bool) async throws {
        let server = try await CheckedServer(.answer("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n"))
        let outcome = await ask(http(status: [200...204, 300...399]), port: server.port)
        #expect(outcome.ok == isGood)
        #expect(outcome.message == (isGood ? "\(status)" : "400, wanted 200-204 or 300-399"))
        try await server.stop()
    }

    @Test("a header that never ends fails, and soon")
    func endlessHeader() async throws {
        let server = try await CheckedServer(.endlessHeader)
        let outcome = await ask(http(), port: server.port)
        #expect(!outcome.ok)
        #expect(outcome.latency < .seconds(9), "its own limit ends it, not the timeout")
        try await server.stop()
    }

    @Test("a server that closes its half at once has not answered")
    func halfClose() async throws {
        let server = try await CheckedServer(.halfClose)
        let outcome = await ask(http(), port: server.port)
        #expect(!outcome.ok)
        #expect(outcome.message == "the connection was closed without an answer")
        try await server.stop()
    }
}

/// Asks once, or several times and returns the last answer.
func ask(
    _ kind: AgentConfiguration.Check.Kind, host: String = "127.0.0.1", port: UInt16 = 1,
    timeout: Duration = .seconds(10), times: Int = 1
) async -> CheckOutcome {
    let target = CheckTarget(
        service: "web", name: "x", check: AgentConfiguration.Check(kind, timeout: timeout),
        endpoint: ConfigurationFile.SocketAddress(address: address(host), port: port))
    let checker = target.makeChecker(on: MultiThreadedEventLoopGroup.singleton)
    var outcome = await checker.ask()
    for _ in 1..<times { outcome = await checker.ask() }
    await checker.stop()
    return outcome
}
