extension Endpoint {
    /// `GET /health` and `GET /health/NAME`. Without a name: the worst of all states, and the smallest weight.
    func health(of name: String?, _ question: Question) async throws(ReporterError) -> Answer {
        let (drainStatus, degradedStatus) = (try question.drainStatus, try question.degradedStatus)
        let orca = try question.orcaFormat
        if let name { _ = try await store.service(named: name) }
        let names = if let name { [name] } else { await store.services.map(\.name) }
        await recordTold(names, question, isRefused: drainStatus != 200)
        let services = await store.services.filter { names.contains($0.name) }
        let state = services.map(\.state).max { $0.severity < $1.severity } ?? .down
        let isDegraded = state == .up && services.contains(where: \.isDegraded)
        let status =
            switch state {
            case .up: isDegraded ? degradedStatus : 200
            case .draining, .drained: drainStatus
            case .down, .maint: 503
            }
        var answer = Answer.text("\(state.rawValue)\n", status: status)
        answer.headers = [
            Answer.Header(name: "X-RS-State", value: state.rawValue),
            Answer.Header(name: "X-RS-Weight", value: "\(services.map(\.weight).min() ?? 0)"),
        ]
        // Envoy looks for the header and not at its value: a host that is not degraded must not send it.
        if isDegraded { answer.headers.append(Answer.Header(name: "X-Envoy-Degraded", value: "true")) }
        if status != 200, state.isTakenOutByHand {
            answer.headers.append(Answer.Header(name: "X-Envoy-Immediate-Health-Check-Fail", value: "true"))
        }
        if let orca, let value = await store.loadFigures().orca(orca) {
            answer.headers.append(Answer.Header(name: "endpoint-load-metrics", value: value))
        }
        return answer
    }
}

extension Report.Service {
    /// Whether the service is up and would rather have others asked: its weight is less than half of what it is when idle, or 0.
    ///
    /// Envoy gives a degraded host nothing while the healthy ones suffice, and Consul calls it a warning. If every small change
    /// of the weight counted, hosts under load would be given all or nothing in turn.
    var isDegraded: Bool { state == .up && (weight == 0 || weight * 2 < baseWeight) }
}

extension ServiceState {
    /// Whether somebody wants no new connections here, rather than something having failed. Envoy is then to act on the first
    /// answer, and to leave the host out when it counts how many are ill (its panic threshold).
    fileprivate var isTakenOutByHand: Bool {
        switch self {
        case .draining, .drained, .maint: true
        case .up, .down: false
        }
    }
}

extension Question {
    /// `degraded`: the status that a degraded service is answered with; 200 unless asked for 429, which Consul takes for a
    /// warning.
    var degradedStatus: Int {
        get throws(ReporterError) {
            guard let text = query["degraded"] else { return 200 }
            guard let status = Int(text), [200, 429].contains(status) else {
                throw refusal("degraded", text, "200 or 429")
            }
            return status
        }
    }

    /// In which form figures of load are asked for, by `endpoint-load-metrics-format` or `orca`; nil: they are not.
    var orcaFormat: LoadFigures.ORCAFormat? {
        get throws(ReporterError) {
            if let text = query["orca"] {
                guard let format = LoadFigures.ORCAFormat(rawValue: text.isEmpty ? "text" : text.lowercased()) else {
                    throw refusal("orca", text, "text or json")
                }
                return format
            }
            // Another form (BIN) is not spoken, and no reason to refuse the answer itself.
            return loadMetricsFormat.flatMap { LoadFigures.ORCAFormat(rawValue: $0.lowercased()) }
        }
    }
}
