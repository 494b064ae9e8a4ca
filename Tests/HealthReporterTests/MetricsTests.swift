import ConfigurationFile
import Glibc
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Metrics")
struct MetricsTests {
    @Test("text: help, type, labels escaped, whole numbers whole")
    func text() {
        let families = [
            Exposition.Family(
                "a_total", .counter, "Line\none, back\\slash, \"quoted\".",
                [
                    .init(3, .init("x", "a\"b\\c\nd"), .init("y", "")), .init(0.25), .init(Double.infinity),
                    .init(-Double.infinity), .init(Double.nan), .init(1_795_341_600), .init(true), .init(false),
                ]),
            Exposition.Family("empty", .gauge, "Left out.", []), Exposition.Family("b", .gauge, "B.", 1),
        ]
        #expect(
            Exposition.text(families) == #"""
                # HELP a_total Line\none, back\\slash, "quoted".
                # TYPE a_total counter
                a_total{x="a\"b\\c\nd",y=""} 3
                a_total 0.25
                a_total +Inf
                a_total -Inf
                a_total NaN
                a_total 1795341600
                a_total 1
                a_total 0
                # HELP b B.
                # TYPE b gauge
                b 1

                """#)
    }

    @Test("what is known is told, in fixed names")
    func golden() {
        var report = ReportTests.report
        report.services[0].checks += report.services[0].checks
        report.services[0].checks[1].ok = false
        report.warnings = ["director 10.0.0.2 is silent"]
        let directors = [
            DirectorStatus(
                address: address("10.0.0.1"), name: "lb1", lastPoll: Timestamp("2026-11-22T09:59:57Z"),
                acknowledgedGeneration: 42),
            DirectorStatus(address: address("10.0.0.2"), name: nil, lastPoll: nil, acknowledgedGeneration: nil),
        ]
        var metrics = Metrics(
            report: report, directors: directors, silent: [address("10.0.0.2")], isReady: true, started: noon)
        metrics.counts.requests = [.init(path: .report, status: 200): 7, .init(path: .health, status: 503): 1]
        metrics.counts.agentChecks = ["web": 2]
        metrics.open = [.director: 1]
        let lines = Exposition.text(metrics.families).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(
            String.init)
        for line in [
            #"rsagent_build_info{version="rsagent 0.1.0"} 1"#, "rsagent_start_time_seconds \(noon.secondsSinceEpoch)",
            "rsagent_ready 1", "rsagent_generation 42", "rsagent_warnings 1",
            #"rsagent_service_state{service="web",state="up"} 1"#,
            #"rsagent_service_state{service="web",state="down"} 0"#,
            #"rsagent_service_weight{service="web"} 87"#, #"rsagent_service_base_weight{service="web"} 100"#,
            #"rsagent_service_connections{service="web"} 12"#, #"rsagent_service_setup_ok{service="web"} 1"#,
            #"rsagent_service_setup_problems{service="web"} 0"#,
            #"rsagent_service_setup_warnings{service="web"} 0"#,
            #"rsagent_check_ok{service="web",check="http /healthz"} 1"#,
            #"rsagent_check_ok{service="web",check="http /healthz (2)"} 0"#,
            #"rsagent_check_latency_seconds{service="web",check="http /healthz"} 0.00125"#,
            #"rsagent_director_acknowledged_generation{director="10.0.0.1"} 42"#,
            #"rsagent_director_silent{director="10.0.0.1"} 0"#, #"rsagent_director_silent{director="10.0.0.2"} 1"#,
            #"rsagent_http_requests_total{path="health",status="503"} 1"#,
            #"rsagent_http_requests_total{path="report",status="200"} 7"#,
            #"rsagent_agent_checks_total{service="web"} 2"#, "rsagent_refused_callers_total 0",
            #"rsagent_open_connections{caller="director"} 1"#,
            #"rsagent_closed_connections_total{reason="evicted",caller="stranger"} 0"#,
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!lines.contains { $0.hasPrefix("rsagent_director_last_poll") && $0.contains("10.0.0.2") })
        #expect(Set(lines.map { $0.split(separator: " ").dropLast().joined(separator: " ") }).count == lines.count)
        var uncounted = metrics
        uncounted.report.services[0].connections = nil
        #expect(!Exposition.text(uncounted.families).contains("rsagent_service_connections"))
    }

    @Test("paths are counted in few words, whatever is asked")
    func paths() {
        for (method, path, counted) in [
            ("GET", "/v1/report", EndpointCounters.Path.report), ("GET", "/v1/services/x", .service),
            ("GET", "/health/x", .health), ("GET", "/health/x/y", .other), ("POST", "/v1/drain", .change),
            ("POST", "/v1/x", .other), ("GET", "/", .other), ("GET", "/metrics", .metrics),
        ] {
            #expect(Question(method: method, path: path, query: nil, caller: .control).countedPath == counted)
        }
    }

    @Test(
        "promtool finds nothing wrong with a scrape",
        .enabled(
            if: (try? shell("promtool --version"))?.status == 0, "there is no promtool; make prerequisites brings it in"
        ))
    func promtool() async throws {
        let agent = try await GuardedAgent(services: [makeService(), makeService("dns", port: 53)])
        var scrape = ""
        for path in ["/v1/report", "/nothing", "/metrics"] {
            let caller = try Caller127(to: agent.port, from: "127.0.0.7")
            caller.send(request(path))
            scrape = try #require(await caller.rest())
        }
        #expect(scrape.contains("text/plain; version=0.0.4; charset=utf-8"))
        #expect(scrape.contains(#"rsagent_http_requests_total{path="other",status="404"} 1"#))
        let folder = Folder()
        let body = try #require(scrape.split(separator: "\r\n\r\n", maxSplits: 1).last)
        try folder.write(String(body), to: "scrape")
        let result = try shell("promtool check metrics < \(folder.path)/scrape")
        #expect(result.status == 0 && result.output.isEmpty, "\(result.output)")
        try await agent.stop()
    }
}

@Suite("Health for Envoy, Consul and ORCA")
struct HealthHeadersTests {
    private let folder = Folder()

    private func ask(
        _ path: String, _ query: String? = nil, format: String? = nil, weight: Int = 100, load: LoadFigures
    )
        async throws -> Answer?
    {
        var service = makeService()
        service.weight = weight
        let store = try makeStore(in: folder, services: [service])
        await store.record(setupProblems: [:])
        await store.take(load)
        let endpoint = Endpoint(store: store, connections: try makeCounter([service]) { _ in 0 })
        var question = Question(method: "GET", path: path, query: query, caller: .network(nil))
        question.loadMetricsFormat = format
        return try await endpoint.answer(question) { _, _ throws(ReporterError) in }
    }

    @Test("a weight of less than half, or none, is degraded")
    func degraded() {
        for (weight, base, isDegraded) in [
            (100, 100, false), (50, 100, false), (49, 100, true), (0, 0, true), (1, 1, false),
        ] {
            #expect(AgentCheckTests.service(.up, weight: weight, base: base).isDegraded == isDegraded)
        }
        #expect(!AgentCheckTests.service(.down).isDegraded)
    }

    @Test("Envoy is told of degraded hosts by a header, Consul by 429 where it asks")
    func envoyAndConsul() async throws {
        for (query, status) in [(nil, 200), ("degraded=429", 429), ("degraded=200", 200), ("consul", 200)]
            as [(String?, Int)]
        {
            let answer = try await ask("/health/web", query, weight: 0, load: LoadFigures())
            #expect(answer?.status == status)
            #expect(answer?.headers.last == .init(name: "X-Envoy-Degraded", value: "true"))
            let sound = try await ask("/health/web", query, load: LoadFigures())
            #expect(sound?.status == 200 && sound?.headers.count == 2)
        }
        await #expect(throws: ReporterError.self) { _ = try await ask("/health", "degraded=503", load: LoadFigures()) }
    }

    @Test("what is taken out by hand fails Envoy's check at once, what is down by its own thresholds")
    func immediate() async throws {
        let store = try makeStore(in: folder, services: [makeService("web"), makeService("dns", port: 53)])
        let endpoint = Endpoint(store: store, connections: try makeCounter([]) { _ in 0 })
        func headers(_ query: String? = nil) async throws -> [String] {
            let question = Question(method: "GET", path: "/health/web", query: query, caller: .network(nil))
            return try await endpoint.answer(question) { _, _ throws(ReporterError) in }?.headers.map(\.name) ?? []
        }
        #expect(try await !headers().contains("X-Envoy-Immediate-Health-Check-Fail"), "down")
        await store.record(setupProblems: [:])
        for mode in [AdminMode.drain, .maint] {
            _ = try await store.ask(for: mode, ControlRequest())
            #expect(try await headers().contains("X-Envoy-Immediate-Health-Check-Fail"))
        }
        _ = try await store.undrain(ControlRequest())
        _ = try await store.ask(for: .drain, ControlRequest())
        #expect(try await !headers("drain=200").contains("X-Envoy-Immediate-Health-Check-Fail"))
    }

    @Test("who asks for figures of load makes the agent measure them, where no weight needs them")
    func measured() async throws {
        let agent = try await GuardedAgent()
        try await eventually("the host is measured") {
            let caller = try Caller127(to: agent.port)
            caller.send(request("/health", "endpoint-load-metrics-format: TEXT"))
            let answer = await caller.rest() ?? ""
            return answer.contains("TEXT cpu_utilization=") && answer.contains(", mem_utilization=0.")
        }
        try await agent.stop()
    }

    @Test("figures of load come where they are asked for, in the form asked for")
    func orca() async throws {
        let load = LoadFigures(cpu: 0.30004, memory: 0.8, application: 1.5)
        func header(_ query: String?, _ format: String?, _ load: LoadFigures) async throws -> String? {
            try await ask("/health", query, format: format, load: load)?.headers
                .first { $0.name == "endpoint-load-metrics" }?.value
        }
        let text = "TEXT cpu_utilization=0.3, mem_utilization=0.8, application_utilization=1.5"
        let json = #"JSON {"cpu_utilization":0.3,"mem_utilization":0.8,"application_utilization":1.5}"#
        #expect(try await header(nil, "TEXT", load) == text)
        #expect(try await header("orca", nil, load) == text)
        #expect(try await header(nil, "json", load) == json)
        #expect(try await header("orca=json", "TEXT", load) == json)
        #expect(try await header(nil, nil, load) == nil)
        #expect(try await header(nil, "BIN", load) == nil)
        #expect(try await header("orca", nil, LoadFigures()) == nil)
        #expect(try await header("orca", nil, LoadFigures(cpu: .nan, memory: 0.5)) == "TEXT mem_utilization=0.5")
        await #expect(throws: ReporterError.self) { _ = try await ask("/health", "orca=bin", load: load) }
    }
}

extension ReportStore {
    /// As if that had been measured.
    fileprivate func take(_ figures: LoadFigures) { load = figures }
}
