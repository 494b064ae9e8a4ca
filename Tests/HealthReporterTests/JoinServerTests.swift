import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Where servers join: what comes from anybody", .serialized)
struct JoinServerTests {
    private static let body = #"{"services":["web"],"agent_port":9380}"#

    @Test("a join and a leave come to the desk with the address they come from, and are answered")
    func whole() async throws {
        let director = try await JoinableDirector()
        let answer = try await director.ask(body: Self.body, from: "127.0.0.11")
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.contains(#""lease_seconds":30,"services":[{"name":"web","outcome":"joined","reason":""}]"#))
        #expect(try await director.ask("DELETE", from: "127.0.0.12").hasPrefix("HTTP/1.1 200 "))
        #expect(try await director.ask("DELETE", "/v1/join?address=10.0.0.11").hasPrefix("HTTP/1.1 200 "))
        #expect(
            director.visits.value == [
                .join(JoinRequest(services: ["web"], agentPort: 9380), from: address("127.0.0.11")),
                .leave(nil, from: address("127.0.0.12")), .leave(address("10.0.0.11"), from: address("127.0.0.1")),
            ])
        director.answer.value = .failure(JoinRefusal(status: 409, reason: "no room"))
        let refused = try await director.ask(body: Self.body)
        #expect(refused.hasPrefix("HTTP/1.1 409 ") && refused.contains(#"{"error":"no room"}"#))
        try await director.stop()
    }

    @Test("without the token nothing comes to the desk, whatever is asked; it is logged once, and no token is told")
    func token() async throws {
        let director = try await JoinableDirector()
        let wrong = [
            nil, "wrongwrongwrongwrong", "", String(testToken.dropLast()), testToken + "0", testToken.lowercased(),
        ]
        for token in wrong {
            for method in ["POST", "DELETE"] {
                let answer = try await director.ask(method, body: Self.body, from: "127.0.0.11", token: token)
                #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(answer)")
                #expect(answer.lowercased().contains("www-authenticate: bearer realm=\"rsdirector\"\r\n"))
                #expect(!answer.contains("SECRET") && !answer.contains("wrongwrong"))
            }
        }
        #expect(try await director.ask("GET", "/", from: "127.0.0.12", token: nil).hasPrefix("HTTP/1.1 401 "))
        #expect(director.visits.value == [])
        let told = director.log.value.filter { $0.contains("127.0.0.11") }
        #expect(told.count == 1 && told.first?.hasPrefix("refused: no token from 127.0.0.11;") == true, "\(told)")
        #expect(told.first?.contains("under [join]") == true)
        #expect(!director.log.value.joined().contains("SECRET") && !director.log.value.joined().contains("wrongwrong"))
        try await director.stop()
    }

    @Test("a token in a file is read again when it changes, and one that is none does not count")
    func tokenFile() async throws {
        let folder = Folder()
        try folder.write("0123456789abcdef\n", to: "token")
        let director = try await JoinableDirector(token: .file("\(folder.path)/token"))
        #expect(try await director.ask(body: Self.body, token: "0123456789abcdef").hasPrefix("HTTP/1.1 200 "))
        try folder.write("fedcba9876543210\n", to: "token")
        try await eventually("the new one counts") {
            try await director.ask(body: Self.body, token: "fedcba9876543210").hasPrefix("HTTP/1.1 200 ")
        }
        #expect(try await director.ask(body: Self.body, token: "0123456789abcdef").hasPrefix("HTTP/1.1 401 "))
        try folder.write("\n", to: "token")
        #expect(try await director.ask(body: Self.body, token: "").hasPrefix("HTTP/1.1 401 "))
        try await director.stop()
        let missing = await #expect(throws: ReporterError.self) {
            _ = try await JoinableDirector(token: .file("\(folder.path)/none"))
        }
        #expect(missing?.description.contains("\(folder.path)/none") == true)
    }

    @Test(
        "what is no join is refused with what it should be",
        arguments: [
            ("POST", "/v1/join", "{", "400"), ("POST", "/v1/join", #"{"services":["web"]}"#, "400"),
            ("POST", "/v1/join", "", "400"), ("POST", "/v1/joins", body, "404"), ("POST", "/", body, "404"),
            ("GET", "/v1/join", "", "405"), ("PUT", "/v1/join", body, "405"), ("POST", "/v1/drain", "{}", "404"),
            ("DELETE", "/v1/join?address=web", "", "400"), ("GET", "/v1/status", "", "404"),
            ("GET", "/metrics", "", "404"),
        ])
    func noJoin(_ method: String, _ path: String, _ body: String, _ status: String) async throws {
        let director = try await JoinableDirector()
        let answer = try await director.ask(method, path, body: body)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        #expect(answer.contains(#"{"error":""#))
        #expect(director.visits.value == [])
        try await director.stop()
    }

    @Test("nobody sends more than is read: neither a body, nor a head")
    func tooLarge() async throws {
        let director = try await JoinableDirector()
        let long = #"{"services":["\#(String(repeating: "a", count: 20_000))"],"agent_port":9380}"#
        let answer = try await director.ask(body: long)
        // What is longer than a request may be is hung up on while it comes in.
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 413 "), "\(answer)")
        let head = try await director.ask("POST", "/v1/join?\(String(repeating: "a", count: 20_000))", body: Self.body)
        #expect(head.hasPrefix("HTTP/1.1 431 "), "\(head)")
        #expect(director.visits.value == [])
        #expect(try await director.ask(body: Self.body).hasPrefix("HTTP/1.1 200 "))
        try await director.stop()
    }

    @Test("one address that asks all the time is told to wait, token or not, and others are answered")
    func rate() async throws {
        let director = try await JoinableDirector()
        var statuses: [String] = []
        let start = ContinuousClock.now
        // More than fit into all windows that the asking may take.
        while statuses.count < 2_000, !statuses.contains("429") {
            let caller = try Caller127(to: director.port, from: "127.0.0.21")
            let ask = "DELETE /v1/join HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(testToken)\r\n\r\n"
            let last = ask.replacing("Host: x", with: "Host: x\r\nConnection: close")
            caller.send(String(repeating: ask, count: 2 * AskingRate.most) + last)
            let answers = try #require(await caller.rest())
            statuses += answers.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
        }
        #expect(statuses.contains("429"), "\(statuses.count) answers in \(ContinuousClock.now - start)")
        #expect(try await director.ask(body: Self.body, from: "127.0.0.22").hasPrefix("HTTP/1.1 200 "))
        try await director.stop()
    }
}
