import NetworkAddress

/// What `/metrics` tells: a function of what is known, in the names Prometheus's conventions ask for
/// (prometheus.io/docs/practices/naming): base units, `_total` for what only grows, and labels that nobody outside can add to.
struct Metrics: Sendable {
    var report: Report
    var directors: [DirectorStatus]
    var silent: [IPAddress]
    var joins: [JoinStatus] = []
    var isReady: Bool
    var started: Timestamp
    var counts = EndpointCounters.Counts()
    var open: [Caller: Int] = [:]

    /// Everything, in a fixed order.
    var families: [Exposition.Family] { ofAgent + ofServices + ofChecks + ofDirectors + ofEndpoint }

    private typealias Family = Exposition.Family
    private typealias Sample = Exposition.Sample
    private typealias Label = Exposition.Label

    private var ofAgent: [Exposition.Family] {
        [
            Family(
                "rsagent_build_info", .gauge, "Always 1, with the version.",
                [Sample(1, Label("version", report.agent))]),
            Family(
                "rsagent_start_time_seconds", .gauge, "When the agent started, in seconds since 1970.",
                Double(started.secondsSinceEpoch)),
            Family(
                "rsagent_ready", .gauge, "1 once the setup is verified and every check has a verdict.",
                isReady ? 1 : 0),
            Family("rsagent_generation", .gauge, "The report's generation.", Double(report.generation)),
            Family("rsagent_warnings", .gauge, "Warnings about the agent as a whole.", Double(report.warnings.count)),
        ]
    }

    private var ofServices: [Exposition.Family] {
        let services = report.services
        func each(_ value: (Report.Service) -> Int?) -> [Exposition.Sample] {
            services.compactMap { service in value(service).map { Sample($0, Label("service", service.name)) } }
        }
        return [
            Family(
                "rsagent_service_state", .gauge, "1 for the state the service is in, 0 for the others.",
                services.flatMap { service in
                    ServiceState.allCases.map {
                        Sample(service.state == $0, Label("service", service.name), Label("state", $0.rawValue))
                    }
                }),
            Family("rsagent_service_weight", .gauge, "The weight directors are told.", each(\.weight)),
            Family("rsagent_service_base_weight", .gauge, "The weight of a healthy, idle server.", each(\.baseWeight)),
            Family("rsagent_service_connections", .gauge, "Connections clients hold open.", each(\.connections)),
            Family(
                "rsagent_service_setup_ok", .gauge, "1 where the host is fit for the service's traffic.",
                each { $0.setup.ok ? 1 : 0 }),
            Family(
                "rsagent_service_setup_problems", .gauge, "What takes the service down.",
                each(\.setup.problems.count)),
            Family(
                "rsagent_service_setup_warnings", .gauge, "What an operator should look into.",
                each(\.setup.warnings.count)),
        ]
    }

    private var ofChecks: [Exposition.Family] {
        func each(_ value: (Report.CheckResult) -> Double?) -> [Exposition.Sample] {
            report.services.flatMap { service in
                var seen: [String: Int] = [:]
                return service.checks.compactMap { check in
                    seen[check.name, default: 0] += 1
                    // Two that ask the same are two series all the same.
                    let number = seen[check.name] ?? 1
                    let name = number == 1 ? check.name : "\(check.name) (\(number))"
                    return value(check).map { Sample($0, Label("service", service.name), Label("check", name)) }
                }
            }
        }
        return [
            Family("rsagent_check_ok", .gauge, "1 where the check passes.", each { $0.ok ? 1 : 0 }),
            Family(
                "rsagent_check_latency_seconds", .gauge, "How long the latest answer took.",
                each { $0.latencyMilliseconds.map { $0 / 1_000 } }),
            Family(
                "rsagent_check_last_change_timestamp_seconds", .gauge, "Since when the verdict is what it is.",
                each { Double($0.since.secondsSinceEpoch) }),
        ]
    }

    private var ofDirectors: [Exposition.Family] {
        func each(_ value: (DirectorStatus) -> Double?) -> [Exposition.Sample] {
            directors.compactMap { director in
                value(director).map { Sample($0, Label("director", director.address.description)) }
            }
        }
        return [
            Family(
                "rsagent_director_last_poll_timestamp_seconds", .gauge, "When the director last asked.",
                each { $0.lastPoll.map { Double($0.secondsSinceEpoch) } }),
            Family(
                "rsagent_director_acknowledged_generation", .gauge, "The latest generation the director knows.",
                each { $0.acknowledgedGeneration.map { Double($0) } }),
            Family(
                "rsagent_director_silent", .gauge, "1 where the director does not ask any more, or never did.",
                each { silent.contains($0.address.unmapped) ? 1 : 0 }),
        ] + ofJoins
    }

    private var ofJoins: [Exposition.Family] {
        guard !joins.isEmpty else { return [] }
        return [
            Family(
                "rsagent_join_state", .gauge,
                "1 for how this server stands with a director that it joins by itself, 0 for how else it could.",
                joins.flatMap { join in
                    JoinStatus.State.allCases.map {
                        Sample(join.state == $0, Label("director", join.director), Label("state", $0.rawValue))
                    }
                })
        ]
    }

    private var ofEndpoint: [Exposition.Family] {
        let requests = counts.requests.map { (path: $0.key.path.rawValue, status: $0.key.status, count: $0.value) }
            .sorted { ($0.path, $0.status) < ($1.path, $1.status) }
        return [
            Family(
                "rsagent_http_requests_total", .counter, "Requests answered over TCP.",
                requests.map { Sample($0.count, Label("path", $0.path), Label("status", "\($0.status)")) }),
            Family(
                "rsagent_agent_checks_total", .counter, "Lines answered to HAProxy's agent-check.",
                counts.agentChecks.sorted { $0.key < $1.key }.map { Sample($0.value, Label("service", $0.key)) }),
            Family(
                "rsagent_refused_callers_total", .counter, "Requests of callers that may not ask.",
                Double(counts.strangers)),
            Family(
                "rsagent_refused_tokens_total", .counter, "Requests without a token, or with a wrong one, by caller.",
                Caller.allCases.filter { $0 != .stranger }.map {
                    Sample(counts.refusedTokens[$0] ?? 0, Label("caller", $0.rawValue))
                }),
            Family(
                "rsagent_open_connections", .gauge, "TCP connections that are open, by who holds them.",
                Caller.allCases.map { Sample(open[$0] ?? 0, Label("caller", $0.rawValue)) }),
            Family(
                "rsagent_closed_connections_total", .counter, "TCP connections closed for want of room, time or size.",
                EndpointCounters.Closure.allCases.flatMap { closure in
                    Caller.allCases.map { caller in
                        let closed = EndpointCounters.Closed(closure: closure, caller: caller)
                        return Sample(
                            counts.closed[closed] ?? 0, Label("reason", closure.rawValue),
                            Label("caller", caller.rawValue))
                    }
                }),
        ]
    }
}

extension Endpoint {
    /// `GET /metrics`. Whoever scrapes does not take notice of what it says: it is no director's poll.
    func metrics() async -> Answer {
        var metrics = await store.metrics
        if let gate { (metrics.counts, metrics.open) = (gate.counters.current, gate.registry.open) }
        return Answer(
            status: 200, contentType: Exposition.contentType, body: Array(Exposition.text(metrics.families).utf8))
    }
}

extension ReportStore {
    /// What the store knows of `/metrics`.
    fileprivate var metrics: Metrics {
        Metrics(
            report: report(), directors: directorStatuses, silent: directors.silent, joins: joins,
            isReady: readiness.allSatisfy(\.met), started: started)
    }
}
