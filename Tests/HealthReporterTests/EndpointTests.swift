import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Endpoint")
struct EndpointTests {
    let folder = Folder()
    let counted = Box(3)

    private func makeEndpoint(directors: [String] = []) async throws -> Endpoint {
        let services = [makeService("web"), makeService("dns", port: 53)]
        let store = try makeStore(in: folder, directors: directors, services: services)
        await store.record(setupProblems: [:])
        return Endpoint(
            store: store,
            connections: try makeCounter(services) { [counted] _ in counted.value })
    }

    private func ask(
        _ endpoint: Endpoint, _ path: String, _ query: String? = nil, from caller: Question.Caller = .network(nil)
    ) async throws -> Answer? {
        try await endpoint.answer(Question(method: "GET", path: path, query: query, caller: caller)) {
            since, limit throws(ReporterError) in try await endpoint.store.wait(since: since, upTo: limit)
        }
    }

    @Test("health is told in the status, the body and the headers, the worst for all")
    func health() async throws {
        let endpoint = try await makeEndpoint()
        let up = try #require(try await ask(endpoint, "/health/web"))
        #expect(up.status == 200)
        #expect(up.body == Array("up\n".utf8))
        #expect(up.headers.map(\.name) == ["X-RS-State", "X-RS-Weight"])
        #expect(up.headers.map(\.value) == ["up", "100"])
        #expect(try await ask(endpoint, "/weight/web")?.body == Array("100\n".utf8))
        #expect(try await ask(endpoint, "/health")?.status == 200)

        _ = try await endpoint.store.ask(for: .drain, ControlRequest(services: ["web"]))
        for (query, status) in [(nil, 503), ("drain=404", 404), ("drain=200", 200)] as [(String?, Int)] {
            let one = try await ask(endpoint, "/health/web", query)
            #expect(one?.status == status)
            #expect(one?.headers.prefix(2).map(\.value) == ["draining", "0"])
            let all = try await ask(endpoint, "/health", query)
            #expect(all?.status == status)
            #expect(all?.headers.prefix(2).map(\.value) == ["draining", "0"])
        }
        #expect(try await ask(endpoint, "/health/dns")?.status == 200)
        #expect(try await ask(endpoint, "/weight/web")?.body == Array("0\n".utf8))

        _ = try await endpoint.store.ask(for: .maint, ControlRequest(services: ["dns"]))
        let maint = try await ask(endpoint, "/health", "drain=200")
        #expect(maint?.status == 503)
        #expect(maint?.body == Array("maint\n".utf8))
    }

    @Test("plain answers to a director acknowledge what it was told, once it has asked often enough")
    func told() async throws {
        var endpoint = try await makeEndpoint(directors: ["10.0.0.1"])
        let second = Box(0)
        endpoint.clock = { DrainProofTests.start + .seconds(second.value) }
        let director = Question.Caller.network(address("10.0.0.1"))
        for path in ["/health", "/health/web", "/weight/web", "/v1/services/web", "/v1/report"] {
            _ = try await endpoint.store.ask(for: .drain, ControlRequest(services: ["web"]))
            func waitingFor() async -> [IPAddress] {
                await endpoint.store.controlAnswer().administered.flatMap(\.waitingFor)
            }
            _ = try await ask(endpoint, path, from: .network(address("10.0.0.2")))
            _ = try await ask(endpoint, path, from: .control)
            _ = try await ask(endpoint, "/health/dns", from: director)
            for _ in 0..<AskerNotice.plainAnswers {
                #expect(await waitingFor() == [address("10.0.0.1")])
                second.change { $0 += 1 }
                _ = try await ask(endpoint, path, from: director)
            }
            // The next path is another asker's: this one has gone.
            second.change { $0 += 60 }
            #expect(await waitingFor() == [])
            _ = try await endpoint.store.undrain(ControlRequest())
        }
    }

    @Test("a director whose poll is held is there until the poll ends, and no other caller is")
    func held() async throws {
        let endpoint = try await makeEndpoint(directors: ["10.0.0.1", "10.0.0.2"])
        let (one, two) = (address("10.0.0.1"), address("10.0.0.2"))
        func silentInAnHour() async -> [IPAddress] {
            await endpoint.store.directors.presence.silent(at: .now + .seconds(3_600))
        }
        let question = Question(
            method: "GET", path: "/v1/report", query: "since=1&wait=60s", caller: .network(address("::ffff:10.0.0.2")))
        let stranger = Question(
            method: "GET", path: "/v1/report", query: "since=1", caller: .network(address("10.0.0.3")))
        let whileHeld = Box<[IPAddress]>([])
        for error in [nil, ReporterError(.tooManyWaiters, operation: "wait", cause: "test")] {
            #expect(await silentInAnHour() == [one, two])
            do {
                _ = try await endpoint.answer(question) { _, _ throws(ReporterError) in
                    whileHeld.value = await silentInAnHour()
                    if let error { throw error }
                }
            } catch {}
            #expect(whileHeld.value == [one])
            #expect(await silentInAnHour() == [one, two])
        }
        _ = try await endpoint.answer(stranger) { _, _ throws(ReporterError) in
            whileHeld.value = await silentInAnHour()
        }
        #expect(whileHeld.value == [one, two])
    }

    @Test("connections are counted afresh for the control socket, and for nobody else")
    func freshCount() async throws {
        let endpoint = try await makeEndpoint()
        func connections(_ caller: Question.Caller) async throws -> Int? {
            let answer = try #require(try await ask(endpoint, "/v1/services/web", from: caller))
            return try JSON.decode(Report.Service.self, from: answer.body, operation: "test").connections
        }
        #expect(try await connections(.network(nil)) == nil)
        #expect(try await connections(.control) == 3)
        counted.value = 4
        #expect(try await connections(.network(nil)) == 3)
        #expect(try await connections(.control) == 4)
    }

    @Test("the agent is ready once the setup was reported and each check has a verdict")
    func ready() async throws {
        let service = makeService(checks: [AgentConfiguration.Check(.tcp, rise: 1, fall: 1)])
        let store = try makeStore(in: folder, services: [service])
        let endpoint = Endpoint(store: store, connections: try makeCounter([service]) { _ in 0 })
        #expect(try await ask(endpoint, "/livez") == .text("ok\n"))
        #expect(try await ask(endpoint, "/readyz") == .text("not ready\n", status: 503))
        await store.record(setupProblems: ["web": ["broken"]])
        #expect(
            try await ask(endpoint, "/readyz", "verbose")
                == .text("[+] setup verified\n[-] web: tcp has a verdict\nnot ready\n", status: 503))
        await store.record(outcome(false), service: 0, check: 0)
        #expect(try await ask(endpoint, "/readyz") == .text("ready\n"))
    }

    @Test(
        "an unknown service is refused by naming the known ones",
        arguments: ["/health/x", "/weight/x", "/v1/services/x"])
    func unknownService(path: String) async throws {
        let endpoint = try await makeEndpoint()
        let error = await #expect(throws: ReporterError.self) { _ = try await ask(endpoint, path) }
        let refusal = Answer.refusal(try #require(error))
        #expect(refusal.status == 404)
        #expect(String(decoding: refusal.body, as: UTF8.self).contains("known are web, dns"))
    }

    @Test(
        "there is nothing at other paths",
        arguments: [
            "/", "/v1", "/v1/report/x", "/healthz", "/health/web/x", "/v1/services", "/v1/directors", "/v2/report",
        ])
    func noPath(path: String) async throws {
        #expect(try await ask(try await makeEndpoint(), path) == nil)
    }

    @Test(
        "a change that is not understood is refused, and nothing is drained",
        arguments: [
            (#"{"service":["web"]}"#, 400, "`service` is not known here; known are services, reason, ttl_seconds"),
            (#"{"services":"web"}"#, 400, "services"), ("[]", 400, "read what to drain"),
            ("{", 400, "read what to drain"),
            (#"{"services":["web","wbe"]}"#, 404, "known are web, dns"),
            (#"{"ttl_seconds":0}"#, 400, "0 is not a number of seconds from 1 to"),
            (#"{"ttl_seconds":-5}"#, 400, "-5 is not a number of seconds"),
            (#"{"ttl_seconds":1e300}"#, 400, "read what to drain"), (#"{"ttl_seconds":"1h"}"#, 400, "ttl_seconds"),
        ])
    func badChange(body: String, status: Int, hint: String) async throws {
        let endpoint = try await makeEndpoint()
        let answer = await endpoint.change(.drain, body: Array(body.utf8), uid: 0, logger: silent)
        #expect(answer.status == status)
        #expect(String(decoding: answer.body, as: UTF8.self).replacing("\\", with: "").contains(hint))
        #expect(await endpoint.store.controlAnswer().administered == [])
    }

    @Test("a change without a body is meant for all services")
    func emptyBody() async throws {
        let endpoint = try await makeEndpoint()
        let answer = await endpoint.change(.maint, body: [], uid: nil, logger: silent)
        #expect(answer.status == 200)
        let content = try JSON.decode(ControlAnswer.self, from: answer.body, operation: "test")
        #expect(content.administered.map(\.name) == ["web", "dns"])
    }

    @Test("maintenance has no limit in time")
    func maintTTL() async throws {
        let endpoint = try await makeEndpoint()
        let answer = await endpoint.change(.maint, body: Array(#"{"ttl_seconds":5}"#.utf8), uid: 0, logger: silent)
        #expect(answer.status == 400)
    }
}
