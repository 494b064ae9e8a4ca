import ConfigurationFile
import NIOPosix
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Checker")
struct CheckerTests {
    private func ask(
        _ kind: AgentConfiguration.Check.Kind, host: String = "127.0.0.1", port: UInt16,
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
}
