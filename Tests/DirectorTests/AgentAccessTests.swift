internal import ConfigurationFile
internal import HealthReporter
internal import Lab
internal import Testing

@testable internal import Director

@Suite(
    "what an agent is shown, and what is said where it refuses", .serialized,
    .enabled(if: CertificateAuthority.isAvailable, "there is no openssl"))
struct AgentAccessTests {
    private typealias Access = DirectorConfiguration.AgentAccess

    private let files: CertificateAuthority

    init() throws {
        files = try CertificateAuthority()
        for name in ["server", "director"] { try files.issue(name) }
        try files.issue("impostor", by: "other-ca")
        try files.folder.write("0123456789abcdef\n", to: "agent-token")
        try files.folder.write("0123456789abcdef\n", to: "token")
        try files.replace("trusted.pem", with: "ca.pem")
    }

    private func tls(_ name: String = "server", isMutual: Bool = true) -> AgentConfiguration.ReportAdmission.TLS {
        .init(
            certificate: files.path("\(name).pem"), key: files.path("\(name).key"),
            clientAuthority: isMutual ? files.path("ca.pem") : nil)
    }

    private func shown(_ name: String?) -> Access.Certificate? {
        name.map { .init(file: files.path("\($0).pem"), key: files.path("\($0).key")) }
    }

    /// Polls once; the report, or why there is none.
    private func poll(_ url: String, _ access: Access, by connections: AgentConnections) async -> Result<
        Report, AgentPoller.Miss
    > {
        let poller = AgentPoller(
            agent: url, access: access, director: "d1", connections: connections, board: PolledAgents.board([]))
        do {
            return .success(try await poller.poll(since: nil))
        } catch {
            return .failure(error as? AgentPoller.Miss ?? .init(reason: "not a miss: \(error)"))
        }
    }

    private func withConnections(_ body: (AgentConnections) async throws -> Void) async throws {
        let connections = AgentConnections(logger: PolledAgents.silent)
        do {
            try await body(connections)
        } catch {
            await connections.shutdown()
            throw error
        }
        await connections.shutdown()
    }

    /// Waits until a poll brings a report, or with `words` until it misses for that reason.
    private func wait(for words: String?, at url: String, _ access: Access, by connections: AgentConnections)
        async throws
    {
        var last = ""
        do {
            try await Deadline.eventually("") {
                switch await poll(url, access, by: connections) {
                case .success: last = "a report"
                case .failure(let miss): last = miss.reason
                }
                return last == "a report" ? words == nil : words.map { last.contains($0) } ?? false
            }
        } catch {
            Issue.record("not \(words ?? "a report") but: \(last)")
        }
    }

    @Test("over TLS with a certificate and a token; what changed in a file takes effect")
    func rotation() async throws {
        let agent = try await RealAgent(.init(token: .file(files.path("agent-token")), tls: tls()))
        let url = "https://127.0.0.1:\(agent.port)"
        try files.replace("own.pem", with: "director.pem")
        try files.replace("own.key", with: "director.key")
        let access = Access(
            token: .file(files.path("token")), authority: files.path("trusted.pem"), certificate: shown("own"))
        try await withConnections { connections in
            try await wait(for: nil, at: url, access, by: connections)
            try files.folder.write("fedcba9876543210\n", to: "agent-token")
            try await wait(for: "it refuses this director: wrong token", at: url, access, by: connections)
            try files.folder.write("fedcba9876543210\n", to: "token")
            try await wait(for: nil, at: url, access, by: connections)
            try files.replace("trusted.pem", with: "other-ca.pem")
            try await wait(for: "from nobody who is trusted here", at: url, access, by: connections)
            try files.replace("trusted.pem", with: "ca.pem")
            try await wait(for: nil, at: url, access, by: connections)
            // While the certificate has no key the one before is shown: the agent goes on to answer.
            try files.replace("own.pem", with: "impostor.pem")
            try files.replace("own.key", with: "impostor.key")
            try await wait(for: "this director's certificate", at: url, access, by: connections)
        }
        try await agent.stop()
    }

    @Test("what keeps an agent from answering is said in words that tell what to do")
    func refusals() async throws {
        try files.issue("expired", to: "2021-01-01")
        try files.issue("future", from: "2039-01-01")
        try files.issue("elsewhere", for: "DNS:www.example.net")
        let token = Access(token: .text("fedcba9876543210"))
        let trusting = Access(authority: files.path("ca.pem"))
        let cases: [(AgentConfiguration.ReportAdmission, Access, isOverTLS: Bool, words: String?)] = [
            (.init(), Access(), false, nil),
            (.init(token: .text("0123456789abcdef")), token, false, "wrong token"),
            (.init(token: .text("0123456789abcdef")), Access(), false, "asks for a token, and none is configured"),
            (.init(), Access(token: .file("/nonexistent")), false, "this director cannot read the token file"),
            (.init(tls: tls(isMutual: false)), trusting, true, nil),
            (.init(tls: tls(isMutual: false)), Access(), true, "from nobody who is trusted here"),
            (.init(tls: tls("expired", isMutual: false)), trusting, true, "the certificate ended on 2021-01-01"),
            (.init(tls: tls("future", isMutual: false)), trusting, true, "the certificate begins on 2039-01-01"),
            (.init(tls: tls("elsewhere", isMutual: false)), trusting, true, "is for another name or address"),
            (.init(tls: tls()), trusting, true, "set `certificate` and `key`"),
            (
                .init(tls: tls()), Access(authority: files.path("ca.pem"), certificate: shown("impostor")), true,
                "this director's certificate"
            ),
            (.init(), trusting, true, "does not speak TLS"),
            (.init(tls: tls(isMutual: false)), Access(), false, "it closed the connection"),
        ]
        for (admission, access, isOverTLS, words) in cases {
            let agent = try await RealAgent(admission)
            let url = "\(isOverTLS ? "https" : "http")://127.0.0.1:\(agent.port)"
            try await withConnections { try await wait(for: words, at: url, access, by: $0) }
            try await agent.stop()
        }
    }

    @Test(
        "a refusal says whose it is to mend",
        arguments: [
            (401, "", true, "it refuses this director: wrong token"),
            (401, "", false, "asks for a token, and none is configured here; set `token_file`"),
            (403, "no JSON", true, "it refuses this director: this director's address is not in its `directors`"),
            (
                403, #"{"error":"10.0.0.1 may not\u001b[2J\nno"}"#, true,
                "it refuses this director: 10.0.0.1 may not?[2J"
            ),
            (500, "", true, "it answers with status 500"),
            (503, #"{"error":"too many"}"#, true, "it answers with status 503: too many"),
        ] as [(UInt, String, Bool, String)])
    func statuses(status: UInt, body: String, showsToken: Bool, words: String) {
        #expect(AgentPoller.refusal(status, Array(body.utf8), showsToken: showsToken).hasSuffix(words))
    }
}
