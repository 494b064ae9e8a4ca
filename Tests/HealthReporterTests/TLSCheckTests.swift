import ConfigurationFile
import Glibc
import NIOPosix
import NIOSSL
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Checks over TLS")
struct TLSCheckTests {
    private func https(
        _ tls: AgentConfiguration.Check.TLS, host: String? = nil
    ) -> AgentConfiguration.Check.Kind {
        .http(.init("/healthz", host: host, tls: tls))
    }

    /// TLS and https, which go different ways to the same end.
    private func both(_ tls: AgentConfiguration.Check.TLS) -> [AgentConfiguration.Check.Kind] {
        [.tls(tls), https(tls)]
    }

    @Test(
        "a handshake passes and says which version it came to",
        arguments: [(TLSVersion.tlsv13, "TLS 1.3"), (.tlsv12, "TLS 1.2")])
    func version(newest: TLSVersion, message: String) async throws {
        let server = try await CheckedServer(tls: Certificate().serverContext(newest: newest))
        let outcome = await ask(.tls(.init()), port: server.port, times: 2)
        #expect(outcome.ok)
        #expect(outcome.message == message)
        #expect(outcome.warning == nil)
        #expect(server.accepted.value == 2, "each question on a connection of its own")
        try await server.stop()
    }

    @Test("over https the request is as ever, and the Host header that of the name asked for")
    func https() async throws {
        let server = try await CheckedServer(tls: Certificate().serverContext())
        #expect(await ask(https(.init()), port: server.port).message == "200")
        #expect(await ask(https(.init(serverName: "WWW.example.net")), port: server.port).message == "200")
        #expect(await ask(https(.init(serverName: "www.example.net"), host: "x"), port: server.port).message == "200")
        let hosts = server.requests.value.compactMap { request in
            request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("host: ") }.map {
                String($0.dropFirst(6))
            }
        }
        #expect(hosts == ["127.0.0.1:\(server.port)", "www.example.net:\(server.port)", "x"])
        try await server.stop()
    }

    @Test("the name that is configured is asked for in the handshake, and never an address")
    func serverName() async throws {
        let server = try await CheckedServer(tls: Certificate().serverContext())
        for name in ["www.example.net", nil, "127.0.0.1"] {
            for kind in both(.init(serverName: name)) { #expect(await ask(kind, port: server.port).ok) }
        }
        #expect(server.serverNames.value == ["www.example.net", "www.example.net", "", "", "", ""])
        try await server.stop()
    }

    @Test("a certificate that signs itself passes unless it must be valid, and then by the file that names it")
    func verified() async throws {
        let certificate = try Certificate()
        let server = try await CheckedServer(tls: certificate.serverContext())
        for kind in both(.init(isVerified: false)) { #expect(await ask(kind, port: server.port).ok) }
        for kind in both(.init(isVerified: true)) {
            let outcome = await ask(kind, port: server.port)
            #expect(!outcome.ok)
            #expect(
                outcome.message
                    == "the certificate is from nobody who is trusted here; name its authority with `ca`")
        }
        for name in [nil, "www.example.net", "127.0.0.1"] {
            let settings = AgentConfiguration.Check.TLS(
                serverName: name, isVerified: true, authority: certificate.path)
            for kind in both(settings) {
                let outcome = await ask(kind, port: server.port)
                #expect(outcome.ok, "\(name ?? "no name"): \(outcome.message)")
            }
        }
        try await server.stop()
    }

    @Test("a certificate for another name fails where it must be valid for one")
    func otherName() async throws {
        let certificate = try Certificate(names: "DNS:www.example.net")
        let server = try await CheckedServer(tls: certificate.serverContext())
        for (name, ok) in [(nil, true), ("www.example.net", true), ("mail.example.net", false), ("127.0.0.1", false)] {
            let settings = AgentConfiguration.Check.TLS(
                serverName: name, isVerified: true, authority: certificate.path)
            for kind in both(settings) {
                let outcome = await ask(kind, port: server.port)
                #expect(outcome.ok == ok, "\(name ?? "no name")")
                if !ok { #expect(outcome.message == "the certificate is for another name") }
            }
        }
        try await server.stop()
    }

    @Test("a certificate that has ended is a warning, and where it must be valid the reason for a failure")
    func ended() async throws {
        let certificate = try Certificate(from: "2020-01-01", to: "2021-02-03")
        let server = try await CheckedServer(tls: certificate.serverContext())
        for kind in both(.init()) {
            let outcome = await ask(kind, port: server.port)
            #expect(outcome.ok)
            #expect(outcome.warning == "the certificate ended on 2021-02-03")
        }
        for kind in both(.init(isVerified: true, authority: certificate.path)) {
            let outcome = await ask(kind, port: server.port)
            #expect(!outcome.ok)
            #expect(outcome.message == "the certificate ended on 2021-02-03")
        }
        for kind in both(.init(expiryWarning: .zero)) { #expect(await ask(kind, port: server.port).warning == nil) }
        try await server.stop()
    }

    @Test(
        "a certificate that ends within the time warned of is a warning with its day, and an answer that fails has it too"
    )
    func ending() async throws {
        let server = try await CheckedServer(tls: Certificate(to: "2040-12-01").serverContext())
        let settings = AgentConfiguration.Check.TLS(expiryWarning: .seconds(Int64(100 * 365 * 86_400)))
        for kind in both(settings) {
            #expect(await ask(kind, port: server.port).warning == "the certificate ends on 2040-12-01")
        }
        server.behaviour.value = .answer("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
        let outcome = await ask(https(settings), port: server.port)
        #expect(!outcome.ok)
        #expect(outcome.warning == "the certificate ends on 2040-12-01")
        try await server.stop()
    }

    @Test(
        "a warning begins when the end comes nearer than asked for",
        arguments: [(14, 15, false), (14, 13, true), (14, -1, true), (0, -1, false), (1, 0, true)])
    func warningBegins(daysAhead: Int, endsInDays: Int, warns: Bool) {
        let client = TLSClient(.init(expiryWarning: .seconds(daysAhead * 86_400)))
        let end = noon.adding(seconds: Int64(endsInDays * 86_400))
        #expect((client.warning(ofCertificateEnding: end, now: noon) != nil) == warns)
    }

    @Test("a certificate that begins tomorrow is not valid today, by name")
    func notYet() async throws {
        let certificate = try Certificate(from: "2039-01-01")
        let server = try await CheckedServer(tls: certificate.serverContext())
        for kind in both(.init(isVerified: true, authority: certificate.path)) {
            #expect(await ask(kind, port: server.port).message == "the certificate begins on 2039-01-01")
        }
        try await server.stop()
    }

    @Test("who does not speak TLS fails, and says so the same way each time")
    func notTLS() async throws {
        let server = try await CheckedServer(.answer("HTTP/1.1 400 Bad Request\r\n\r\n"))
        server.behaviour.value = .halfClose
        for kind in both(.init()) {
            let outcome = await ask(kind, port: server.port)
            #expect(!outcome.ok)
            #expect(outcome.message == "the connection was closed during the TLS handshake")
        }
        server.behaviour.value = .greet("220 mail.example.net\r\n")
        for kind in both(.init()) {
            let outcome = await ask(kind, port: server.port)
            #expect(!outcome.ok)
            #expect(outcome.message == "TLS: wrong version number")
        }
        server.behaviour.value = .hang
        for kind in both(.init()) {
            let outcome = await ask(kind, port: server.port, timeout: .milliseconds(200))
            #expect(!outcome.ok)
            #expect(outcome.message == "no answer within 200ms")
        }
        try await server.stop()
        for kind in both(.init()) { #expect(await ask(kind, port: server.port).message == "connection refused") }
    }

    @Test("a file of authorities that cannot be read is named with its cure")
    func unusableAuthority() async throws {
        let server = try await CheckedServer(tls: Certificate().serverContext())
        for path in ["/nonexistent/ca.pem", "/etc/passwd", "/dev/null"] {
            for kind in both(.init(isVerified: true, authority: path)) {
                let outcome = await ask(kind, port: server.port)
                #expect(!outcome.ok)
                #expect(outcome.message == "\(path) cannot be read, or is not certificates in PEM; correct `ca`")
            }
        }
        try await server.stop()
    }

    @Test("a file of authorities that has changed is read again, and where it is no good the one before goes on")
    func changedAuthority() async throws {
        let (one, other, folder) = (try Certificate(), try Certificate(), Folder())
        func install(_ text: String) throws { try folder.write(text, to: "ca.pem") }
        func text(_ certificate: Certificate) throws -> String {
            String(decoding: try #require(try StateFile(path: certificate.path).read()), as: UTF8.self)
        }
        try install(try text(one))
        let server = try await CheckedServer(tls: other.serverContext())
        let checker = CheckTarget(
            service: "web", name: "x",
            check: AgentConfiguration.Check(
                .tls(.init(isVerified: true, authority: "\(folder.path)/ca.pem")), timeout: .seconds(10)),
            endpoint: ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: server.port)
        ).makeChecker(on: MultiThreadedEventLoopGroup.singleton)
        #expect(await checker.ask().ok == false)
        try install(try text(other))
        try await eventually("it is read again") { await checker.ask().ok }
        try install("rubbish")
        try await eventually("it is complained of") {
            let outcome = await checker.ask()
            #expect(outcome.ok, "what it held before goes on")
            return outcome.warning?.hasPrefix("\(folder.path)/ca.pem cannot be read") == true
        }
        try install(try text(other))
        try await eventually("it is good again") { await checker.ask().warning == nil }
        try await server.stop()
    }

    @Test("a file of authorities that hangs costs its own check the timeout, and nobody a thread")
    func hangingAuthority() async throws {
        let folder = Folder()
        let path = "\(folder.path)/ca.pem"
        try #require(mkfifo(path, 0o600) == 0)
        let server = try await CheckedServer(tls: Certificate().serverContext())
        let checkers = (0..<4).map { _ in
            CheckTarget(
                service: "web", name: "x",
                check: AgentConfiguration.Check(
                    .tls(.init(isVerified: true, authority: path)), timeout: .milliseconds(200)),
                endpoint: ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: server.port)
            ).makeChecker(on: MultiThreadedEventLoopGroup.singleton)
        }
        for checker in checkers {
            #expect(await checker.ask().message == "no answer within 200ms")
            #expect(await checker.ask().message.hasSuffix("an earlier question still hangs in the kernel"))
        }
        #expect(try await NIOThreadPool.singleton.runIfActive { true }, "the threads for what blocks are free")
        // Whoever hangs there goes on.
        let end = open(path, O_RDWR | O_NONBLOCK)
        close(end)
        try await server.stop()
    }

    @Test("a warning makes a generation once, takes nothing down and is told with the check")
    func generation() async throws {
        let folder = Folder()
        let store = try makeStore(
            in: folder, services: [makeService(checks: [AgentConfiguration.Check(.tls(.init()), rise: 1)])])
        await store.record(setupProblems: [:])
        await store.record(outcome(true), service: 0, check: 0)
        let before = await store.generation
        let warned = CheckOutcome(
            ok: true, message: "200", latency: .zero, warning: "the certificate ends on 2026-12-01")
        await store.record(warned, service: 0, check: 0)
        await store.record(warned, service: 0, check: 0)
        #expect(await store.generation == before + 1)
        #expect(await store.services[0].state == .up)
        #expect(await store.services[0].checks[0].warning == "the certificate ends on 2026-12-01")
    }
}
