import ConfigurationFile
import Glibc
import Lab
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("The endpoint's guard", .serialized)
struct GuardTests {
    /// An address of this host that is not loopback's: from there, to 127.0.0.1, a caller is a stranger.
    private static let strange = (try? shell("hostname -I"))?.output.split(separator: " ").first.map(String.init)
        .flatMap { $0.contains(".") ? $0 : nil }

    @Test(
        "a stranger is told what to write, once, hung up on, and logged",
        .enabled(if: strange != nil, "no IPv4 address"))
    func stranger() async throws {
        let strange = try #require(Self.strange)
        let agent = try await GuardedAgent()
        for _ in 0..<3 {
            let caller = try Caller127(to: agent.port, from: strange)
            caller.send("GET /v1/report HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try #require(await caller.rest())
            #expect(answer.hasPrefix("HTTP/1.1 403 "))
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
            #expect(answer.contains(#"allow = [\"\#(strange)/32\"] under [report]"#))
        }
        #expect(agent.log.value.count { $0.hasPrefix("refused: \(strange) may not ask") } == 1)
        #expect(agent.reporter.gate.counters.current.strangers == 3)
        #expect(agent.reporter.gate.counters.current.requests[.init(path: .report, status: 403)] == 3)
        let host = try Caller127(to: agent.port)
        host.send(request("/health"))
        #expect(await host.rest()?.hasPrefix("HTTP/1.1 200 ") == true)
        try await agent.stop()
    }

    @Test("strangers get neither a line nor room", .enabled(if: strange != nil, "no IPv4 address"))
    func strangers() async throws {
        let strange = try #require(Self.strange)
        let (descriptor, port) = try #require(BoundSocket.bind(to: "127.0.0.1"))
        close(descriptor)
        var service = makeService()
        service.agentCheck = ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: port)
        let agent = try await GuardedAgent(services: [service])
        #expect(try await Caller127(to: port, from: strange).rest() == "")
        var idle: [Caller127] = []
        for _ in 0..<200 { idle.append(try Caller127(to: agent.port, from: strange)) }
        try await eventually("all but a few are hung up on") {
            idle.count { !$0.isClosed } <= ConnectionTable.rooms[.stranger]!.perAddress
        }
        try await agent.stop()
    }

    @Test("an allowed network may ask", .enabled(if: strange != nil, "no IPv4 address"))
    func allowed() async throws {
        let strange = try #require(Self.strange)
        let network = try #require(Prefix("\(strange)/32"))
        let agent = try await GuardedAgent(admission: .init(callers: .directorsAnd([network])))
        let caller = try Caller127(to: agent.port, from: strange)
        caller.send(request("/health"))
        #expect(await caller.rest()?.hasPrefix("HTTP/1.1 200 ") == true)
        try await agent.stop()
    }

    @Test("without the token the answer is 401, and the file is read again when it changes")
    func token() async throws {
        let folder = Folder()
        try folder.write("0123456789abcdef\n", to: "token")
        let agent = try await GuardedAgent(admission: .init(token: .file("\(folder.path)/token")))
        func status(_ headers: String...) async throws -> String? {
            let caller = try Caller127(to: agent.port)
            caller.send(
                "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers.map { "\($0)\r\n" }.joined()
                    + "\r\n")
            let answer = await caller.rest()
            if answer?.contains(" 401 ") == true {
                #expect(answer?.lowercased().contains("www-authenticate: bearer realm=\"rsagent\"\r\n") == true)
            }
            return answer.map { String($0.prefix(12).suffix(3)) }
        }
        #expect(try await status() == "401")
        #expect(try await status("Authorization: Bearer 0123456789abcdeF") == "401")
        #expect(try await status("Authorization: Basic 0123456789abcdef") == "401")
        #expect(try await status("Authorization: Bearer 0123456789abcdef0") == "401")
        #expect(try await status("Authorization: Bearer 0123456789abcdef") == "200")
        #expect(try await status("Authorization: bearer  0123456789abcdef") == "200")
        try folder.write("fedcba9876543210\n", to: "token")
        try await eventually("the new one counts") {
            try await status("Authorization: Bearer fedcba9876543210") == "200"
        }
        #expect(try await status("Authorization: Bearer 0123456789abcdef") == "401")
        try folder.write("short\n", to: "token")
        try await eventually("it is complained of") {
            let known = try await status("Authorization: Bearer fedcba9876543210")
            #expect(known == "200")
            return agent.log.value.contains { $0.contains("is not 16 printable characters or more") }
        }
        let check = try AgentClient(url: "http://127.0.0.1:\(agent.port)")
        let error = await #expect(throws: ReporterError.self) {
            _ = try await check.service("web", within: .seconds(20))
        }
        #expect(error?.cause.contains("asks for a token") == true)
        try await agent.stop()
    }

    @Test("a director without the right token is told apart from a silent one: in the log, the metrics and the status")
    func refusedDirector() async throws {
        let agent = try await GuardedAgent(
            admission: .init(token: .text("0123456789abcdef")), directors: ["127.0.0.7", "127.0.0.8"])
        let store = agent.reporter.store
        func ask(_ headers: String...) async throws -> String {
            let caller = try Caller127(to: agent.port, from: "127.0.0.7")
            caller.send(request("/health", headers.first ?? "X: y"))
            return try #require(await caller.rest())
        }
        for _ in 0..<5 { #expect(try await ask("Authorization: Bearer 0123456789abcdeF").contains(" 401 ")) }
        #expect(await store.controlAnswer().directors.map(\.refused) == ["wrong token", nil])
        try await eventually("the report warns of it") {
            await store.report().warnings.contains("director 127.0.0.7 is refused: wrong token")
        }
        #expect(agent.log.value.count { $0.hasPrefix("refused: wrong token from 127.0.0.7;") } == 1)
        #expect(try await ask().contains(" 401 "))
        #expect(await store.controlAnswer().directors.first?.refused == "no token")
        let answer = try await ask("Authorization: Bearer 0123456789abcdef")
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(await store.controlAnswer().directors.first?.refused == nil)
        await store.reviewConditions()
        #expect(await store.report().warnings.contains { $0.contains("refused") } == false)
        let scrape = try Caller127(to: agent.port)
        scrape.send(request("/metrics", "Authorization: Bearer 0123456789abcdef"))
        let metrics = await scrape.rest()
        #expect(metrics?.contains("rsagent_refused_tokens_total{caller=\"director\"} 6\n") == true)
        #expect(metrics?.contains("rsagent_refused_tokens_total{caller=\"host\"} 0\n") == true)
        try await agent.stop()
    }

    @Test("a refusal is forgotten after a while, and that of a caller that is no director is none")
    func forgottenRefusal() async throws {
        let (folder, start) = (Folder(), ContinuousClock.now)
        let store = try makeStore(in: folder, directors: ["10.0.0.1", "10.0.0.2"], instant: start)
        await store.recordRefusal(of: address("10.0.0.9"), "wrong token", at: start)
        await store.recordRefusal(of: address("::ffff:10.0.0.1"), "wrong token", at: start)
        #expect(await store.refusals.words(at: start) == ["director 10.0.0.1 is refused: wrong token"])
        #expect(await store.refusals.words(at: start + DirectorRefusals.memory + .seconds(1)) == [])
        await store.reviewDirectors(at: start + HealthReporter.silence + .seconds(1))
        #expect(
            await store.report().warnings == ["director 10.0.0.2 is silent: it has not asked yet"],
            "one that is refused is not called silent too")
    }

    @Test("tokens are compared whole", arguments: [("", "a"), ("a", ""), ("ab", "abab"), ("abab", "ab"), ("b", "a")])
    func compared(shown: String, token: String) {
        #expect(!BearerToken.areEqual(Array(shown.utf8), Array(token.utf8)))
        #expect(BearerToken.areEqual(Array(token.utf8), Array(token.utf8)))
    }

    @Test("a file that cannot be used is an error at the start that names it")
    func badFiles() throws {
        let folder = Folder()
        try folder.write("no certificate", to: "x.pem")
        let (bad, missing) = ("\(folder.path)/x.pem", "\(folder.path)/missing")
        let pipe = "\(folder.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for (admission, words) in [
            (.init(token: .file(missing)), "read the token file \(missing): No such file"),
            (.init(token: .file(pipe)), "it is no regular file"),
            (.init(token: .file(folder.path)), "it is no regular file"),
            (.init(token: .file(bad)), "its first line is not 16 printable"),
            (.init(tls: .init(certificate: missing, key: bad)), "read the certificate \(missing): No such file"),
            (.init(tls: .init(certificate: bad, key: bad)), "no certificate in PEM"),
        ] as [(AgentConfiguration.ReportAdmission, String)] {
            let error = #expect(throws: ReporterError.self) { _ = try Gate(admission, directors: [], logger: silent) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }
}

@Suite("TLS", .serialized, .enabled(if: CertificateAuthority.isAvailable, "there is no openssl"))
struct TLSTests {
    private let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority()
        try authority.issue("server")
    }

    private func start(mutual: Bool = false) async throws -> GuardedAgent {
        try await GuardedAgent(
            admission: .init(
                tls: .init(
                    certificate: authority.path("server.pem"), key: authority.path("server.key"),
                    clientAuthority: mutual ? authority.path("ca.pem") : nil)))
    }

    private func ask(_ agent: GuardedAgent, trusting ca: String = "ca", as name: String? = nil) async throws
        -> Report.Service
    {
        let tls = AgentClient.TLS(
            authority: authority.path("\(ca).pem"), certificate: name.map { authority.path("\($0).pem") },
            key: name.map { authority.path("\($0).key") })
        let client = try AgentClient(url: "https://127.0.0.1:\(agent.port)", tls: tls)
        return try await client.service("web", within: .seconds(20))
    }

    @Test("the report comes over TLS, and plain HTTP gets nothing")
    func tls() async throws {
        let agent = try await start()
        #expect(try await ask(agent).state == .up)
        await #expect(throws: ReporterError.self) { _ = try await ask(agent, trusting: "other-ca") }
        let plain = try Caller127(to: agent.port)
        plain.send(request("/health"))
        #expect(await plain.rest()?.contains("200") == false)
        // Nor does one that never begins its handshake stay.
        let silent = try Caller127(to: agent.port)
        try await eventually("it is hung up on", within: .seconds(60)) { silent.isClosed }
        try await agent.stop()
    }

    @Test("where callers must show a certificate, only one of the authority will do")
    func mutual() async throws {
        try authority.issue("director")
        try authority.issue("impostor", by: "other-ca")
        let agent = try await start(mutual: true)
        #expect(try await ask(agent, as: "director").state == .up)
        await #expect(throws: ReporterError.self) { _ = try await ask(agent) }
        await #expect(throws: ReporterError.self) { _ = try await ask(agent, as: "impostor") }
        try await agent.stop()
    }

    @Test("a new certificate takes effect without a restart, a bad one does not, nor one without its key")
    func rotation() async throws {
        let agent = try await start()
        #expect(try await ask(agent).state == .up)
        try authority.issue("next", by: "other-ca")
        try authority.replace("server.pem", with: "next.pem")
        try await eventually("the mismatch is noticed") {
            let state = try await ask(agent).state
            #expect(state == .up, "the old pair goes on")
            return agent.log.value.contains { $0.contains("belong together") }
        }
        try authority.replace("server.key", with: "next.key")
        try await eventually("the new one is shown") { (try? await ask(agent, trusting: "other-ca")) != nil }
        await #expect(throws: ReporterError.self) { _ = try await ask(agent) }
        try authority.folder.write("rubbish", to: "server.pem")
        try await eventually("it is complained of") {
            let state = try await ask(agent, trusting: "other-ca").state
            #expect(state == .up)
            return agent.log.value.contains { $0.contains("no certificate in PEM") }
        }
        try await agent.stop()
    }
}
